"""Who may import whom: rooms (folders) on floors, and arrows that only point down."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
FLOORS = {
    "hw": [
        {"hw.command"},
        {"hw", "hw.formats", "hw.registers", "hw.arithmetic"},
        {"hw.config", "hw.fixed_point"},
        {"hw.stream", "hw.gather", "hw.job", "hw.layouts"},
        {"hw.selector", "hw.array", "hw.header"},
        {"hw.compressor", "hw.epilogue"},
        {"hw.accelerator"},
        {"hw.bus"},
        {"hw.generate.tops", "hw.generate.package"},
        {"hw.generate"},
    ],
    "sw": [
        {"sw", "sw.files"},
        {"sw.exact", "sw.decoder"},
        {"sw.methods", "sw.kernel"},
        {"sw.driver", "sw.evaluation"},
        {"sw.benchmark", "sw.calibrate", "sw.evaluate", "sw.operands"},
    ],
    "synth": [
        {"synth", "synth.library", "synth.cells", "synth.parts", "synth.scripts", "synth.store"},
        {"synth.flow"},
        {"synth.placement", "synth.memories"},
        {"synth.command"},
        {"synth.energy", "synth.fpga", "synth.performance"},
        {"synth.sweep"},
        {"synth.reports"},
        {"synth.report", "synth.ratios", "synth.measure", "synth.study"},
    ],
    "sim": [
        {"sim", "sim.benches", "sim.command", "sim.simulators"},
        {"sim.vectors"},
        {"sim.verilated"},
        {"sim.core"},
        {"sim.runs"},
        {"sim.layer", "sim.model", "sim.patterns", "sim.selectors", "sim.soak",
         "sim.system"},
        {"sim.tests"},
    ],
    "verify": [
        {"verify", "verify.jobs", "verify.reachability"},
        {"verify.numbers", "verify.packets", "verify.timing"},
        {"verify.coverage", "verify.formal", "verify.fuzz", "verify.mutate"},
    ],
}
"""Rooms of every package, the lowest floor first. A room imports from floors below its own."""

OUTSIDE = {
    "hw": set(),
    "sw": {"hw.command", "hw.config", "hw.fixed_point", "hw.formats", "hw.layouts",
           "hw.registers"},
    "synth": {"hw"},
    "sim": {"hw", "sw",
            "synth.performance",  # whose times it measures
            "synth.flow", "synth.library", "synth.store"},  # whose netlists it runs
    "verify": {"hw", "sw", "sim", "synth"},
}
"""What a package may import of others."""

ROOMS = {room: (package, floor) for package, floors in FLOORS.items()
         for floor, rooms in enumerate(floors) for room in rooms}


def imports(path):
    """Names of the modules, and of what they may hold, that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def room_of(module):
    """The room that holds a module, or a name in one."""
    parts = module.split(".")
    return next((room for size in range(len(parts), 0, -1)
                 if (room := ".".join(parts[:size])) in ROOMS), None)


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_arrows_point_down(package):
    found = 0
    for path in sources(package):
        own = room_of(".".join(path.relative_to(ROOT).with_suffix("").parts))
        for module in imports(path):
            other = room_of(module)
            if other is None or other in (own, package):
                assert module.split(".")[0] != "tests", f"{path} imports {module}"
                continue
            found += 1
            owner, floor = ROOMS[other]
            if owner == package:
                assert floor < ROOMS[own][1], f"{path} on floor {ROOMS[own][1]} imports {module}"
            else:
                assert {owner, other} & OUTSIDE[package], f"{path} imports {module}"
    assert found


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_every_file_has_its_room(package):
    for path in sources(package):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        room = room_of(name)
        assert room != package or name == package, f"{path} stands in no room"


@pytest.mark.parametrize("package", ["hw", "sw"])
def test_few_files_stand_outside_the_rooms(package):
    assert len(list((ROOT / package).glob("*.py"))) <= 6


def test_no_file_is_long():
    for package in (*FLOORS, "tests"):
        for path in sources(package):
            assert len(path.read_text().splitlines()) < 300, f"{path} is long"


def test_the_accelerator_only_connects():
    """The top reads like the block diagram: conversations, and hardly a wire of its own."""
    text = (ROOT / "hw" / "accelerator" / "accelerator.py").read_text()
    calls = [node.func.attr for node in ast.walk(ast.parse(text))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)]
    assert calls.count("connect") > calls.count("eq")
    assert calls.count("eq") <= 12
    assert lines_of_code(text) <= 100


def lines_of_code(text):
    """Lines that are not empty, without docstrings and imports."""
    prose = set()
    for node in ast.walk(ast.parse(text)):
        text_alone = (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
                      and isinstance(node.value.value, str))
        if text_alone or isinstance(node, ast.Import | ast.ImportFrom):
            prose |= set(range(node.lineno, node.end_lineno + 1))
    return sum(bool(line.strip()) for number, line in enumerate(text.splitlines(), start=1)
               if number not in prose)


@pytest.mark.parametrize(("module", "banned"), [
    ("hw.generate", ("torch", "cocotb", "numpy")),
    ("hw.config", ("amaranth", "torch")),
    ("hw.formats", ("amaranth", "torch")),
    ("hw.registers", ("amaranth", "torch")),
    ("hw.layouts", ("amaranth", "torch")),
    ("hw.fixed_point", ("amaranth", "torch")),
    ("hw.command.files", ("amaranth", "torch")),
    ("sw", ("amaranth", "torch")),
    ("sw.exact.selection", ("amaranth",)),
])
def test_import_pulls_in_nothing_heavy(module, banned):
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True,
                            text=True, check=True).stdout.split()
    assert not set(banned) & set(loaded)
