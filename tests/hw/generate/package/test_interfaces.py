"""Wrapper and templates in SystemVerilog, by slang and by Verilator's lint."""

import json
import subprocess

import pyslang
import pytest

from tests.hw.generate.package.shells import with_memory, write


def manifests(project):
    yield with_memory()
    for name in ("mine", "other"):
        yield json.loads((project / f"{name}.json").read_text())


def diagnostics(folder, top):
    """What slang says of wrapper and templates."""
    compilation = pyslang.ast.Compilation() if hasattr(pyslang, "ast") else pyslang.Compilation()
    trees = pyslang.syntax if hasattr(pyslang, "syntax") else pyslang
    for name in (f"{top}.v", f"{top}_interfaces.sv", f"{top}_template.sv"):
        compilation.addSyntaxTree(trees.SyntaxTree.fromFile(str(folder / name)))
    tops = {instance.name for instance in compilation.getRoot().topInstances}
    assert tops == {f"{top}_template", f"{top}_interfaces_template"}
    return [str(found.code) for found in compilation.getAllDiagnostics()]


@pytest.mark.parametrize("which", range(3))
def test_slang_and_verilator_take_wrapper_and_templates(project, which, tmp_path, verilator):
    top = write(list(manifests(project))[which], tmp_path)
    assert diagnostics(tmp_path, top) == []
    for module in (f"{top}_template", f"{top}_interfaces_template"):
        done = subprocess.run(
            ["verilator_bin", "--lint-only", "--quiet", "--top-module", module, f"{top}.v",
             f"{top}_interfaces.sv", f"{top}_template.sv"], cwd=tmp_path, env=verilator,
            capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_a_missing_port_is_seen(tmp_path):
    """That the checks above can fail."""
    top = write(with_memory(), tmp_path)
    path = tmp_path / f"{top}_interfaces.sv"
    path.write_text(path.read_text().replace("s_axil.awaddr", "s_axil.address"))
    assert diagnostics(tmp_path, top)
