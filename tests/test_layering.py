"""Who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
ALLOWED = {
    "hw": {"hw"},
    "sw": {"sw", "hw.config", "hw.epilogue_format", "hw.formats", "hw.registers"},
    "synth": {"synth", "hw"},
    "sim": {"sim", "sw", "hw"},
}


def imports(path):
    """Names of the modules that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module if node.level == 0 else f"{path.parent.name}.{node.module}"


@pytest.mark.parametrize("package", sorted(ALLOWED))
def test_imports_stay_within_the_arrows(package):
    ours = {"hw", "sw", "sim", "synth", "tests"}
    found = 0
    for path in sorted((ROOT / package).rglob("*.py")):
        for module in imports(path):
            if module.split(".")[0] in ours:
                found += 1
                assert any(module == allowed or module.startswith(f"{allowed}.")
                           for allowed in ALLOWED[package]), f"{path} imports {module}"
    assert found


@pytest.mark.parametrize(("module", "banned"), [
    ("hw.generate", ("torch", "cocotb", "numpy")),
    ("hw.config", ("amaranth", "torch")),
    ("hw.formats", ("amaranth", "torch")),
    ("hw.registers", ("amaranth", "torch")),
    ("sw", ("amaranth", "torch")),
    ("sw.selection", ("amaranth",)),
])
def test_import_pulls_in_nothing_heavy(module, banned):
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split()
    assert not set(banned) & set(loaded)
