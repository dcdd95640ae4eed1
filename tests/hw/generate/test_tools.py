"""What other tools say of generated Verilog: slang, Icarus and Yosys, beside Verilator's lint."""

import subprocess
from functools import cache

import pytest
from pyslang.driver import Driver

from hw.config import DESIGNS, Design, Pattern
from hw.generate import generate
from sim.simulators.verilator import PUBLISHED
from synth.flow import yosys
from tests.hw.generate.drawn import drawn
from tests.hw.generate.test_lint import lint


SEED = 15
CHECKS = [
    "read_verilog mine.v", "hierarchy -check -top mine", "proc",
    "select -assert-none t:$dlatch t:$adlatch t:$dlatchsr t:$sr",
    # Two drivers, loops, wires that nothing drives, and initial values.
    "check -assert -noinit",
]
WHOLE = ["memory_collect", "flatten", "check -assert -noinit"]
"""The same through the borders of modules, which takes minutes where there are many PEs."""


def accepted(name, design, folder, *, whole=True):
    """Every tool that pip brings takes the design, and none has anything to say of it."""
    generate(name, design, folder, module="mine")
    if PUBLISHED:
        assert lint(folder, "mine", "-Wall", "mine.vlt") == (0, []), design
    assert not slang(folder / "mine.v"), design
    log = yosys.run([*CHECKS, *WHOLE * whole], folder, timeout=500)
    assert "Warning" not in log, design


def slang(path):
    """What slang says as for Verilog-2005, with its analysis of drivers and latches."""
    driver = Driver()
    driver.addStandardArgs()
    assert driver.parseCommandLine(f"slang --std 1364-2005 --top mine -Wextra {path}")
    driver.processOptions()
    driver.parseAllSources()
    compilation = driver.createCompilation()
    driver.reportCompilation(compilation, quiet=True)
    driver.runAnalysis(compilation)
    return driver.diagEngine.numErrors + driver.diagEngine.numWarnings


def icarus(folder):
    """What Icarus says as for Verilog-2005."""
    done = subprocess.run(["iverilog", "-g2005", "-Wall", "-o", "mine.vvp", "mine.v"], cwd=folder,
                          capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


@pytest.mark.long
@pytest.mark.parametrize("name", DESIGNS)
def test_every_tool_takes_default_designs(name, tmp_path):
    accepted(name, Design(Pattern(8, 16)), tmp_path, whole=name not in ("array", "accelerator"))
    assert not icarus(tmp_path)


def test_every_tool_takes_a_random_design(tmp_path):
    (name, design), = drawn(SEED, 1)
    accepted(name, design, tmp_path)


@cache
def thirty():
    """Random designs, drawn once in a process."""
    return list(drawn(SEED + 1, 30))


@pytest.mark.long
@pytest.mark.parametrize("number", range(30))
def test_every_tool_takes_thirty_random_designs(number, tmp_path):
    name, design = thirty()[number]
    accepted(name, design, tmp_path)
    assert not icarus(tmp_path), design


FAULTS = {
    "a latch": "always @* if (a) y = b;",
    "two drivers": "wire x; assign x = a; assign x = b; always @* y = x;",
    "a loop": "wire x; assign x = a & ~y; always @* y = x | b;",
    "an initial value": "reg q = 1'b0; always @(posedge a) q <= b; always @* y = q;",
    "no driver": "wire x; always @* y = x;",
}


def module(body):
    return f"module mine(input a, input b, output reg y);\n{body}\nendmodule\n"


def test_yosys_takes_what_has_no_fault(tmp_path):
    (tmp_path / "mine.v").write_text(module("always @* y = a & b;"))
    yosys.run([*CHECKS, *WHOLE], tmp_path, timeout=60)


@pytest.mark.parametrize("fault", FAULTS)
def test_yosys_finds(fault, tmp_path):
    (tmp_path / "mine.v").write_text(module(FAULTS[fault]))
    with pytest.raises(yosys.SynthesisError):
        yosys.run([*CHECKS, *WHOLE], tmp_path, timeout=60)


@pytest.mark.parametrize("body", ["always @* y = c;", "wire [1:0] x; assign x = 3'b111;",
                                  "always_comb y = a;"])
def test_slang_finds(body, tmp_path):
    (tmp_path / "mine.v").write_text(module(body))
    assert slang(tmp_path / "mine.v")


@pytest.mark.long
def test_icarus_finds(tmp_path):
    (tmp_path / "mine.v").write_text(module("logic x; always_comb y = a;"))
    assert icarus(tmp_path)
