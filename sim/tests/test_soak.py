"""Long random runs in short: the plan, jobs of accelerators, and what is told of a unit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hw.command.faults import Fault
from hw.config import Pattern
from sim.runs.soak import jobs, plan
from sim.runs.soak.jobs import accelerators, soak_jobs
from sim.runs.soak.plan import Unit, run_unit
from sim.tests.jobs import COEFFICIENTS, CORRECTED, DESIGNS
from sw.driver.beats import Beats


pytestmark = pytest.mark.usefixtures("wheel")

ROOT = Path(__file__).parents[2]
PATTERNS = [Pattern(2, 4), Pattern(3, 7)]


@pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)
def test_jobs_in_short(design):
    """With resets, aborts, and streams early and late."""
    blocks, cycles = soak_jobs(design, 600)
    assert 600 <= blocks < 1800
    assert cycles > blocks


def test_a_wrong_result_is_told(monkeypatch):
    """One bit of one result, one status, and what should raise nothing."""
    unit = Unit("accelerator", 3, COEFFICIENTS, 300)
    assert "wrong" not in run_unit(unit)
    expected = jobs._expected

    def other(reference, layer):
        beats = expected(reference, layer)
        beats.data[-1, 0] ^= 1
        return Beats(beats.data, beats.last)

    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_expected", other)
        assert run_unit(unit)["wrong"] == "tdata of results is wrong"
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "_expected", lambda reference, layer: 1 // 0)
        assert run_unit(unit)["wrong"] == "ZeroDivisionError: integer division or modulo by zero"
    with monkeypatch.context() as patch:
        patch.setattr(jobs, "DONE", 0)
        assert run_unit(unit)["wrong"].startswith("STATUS is 0x")


def test_a_unit_that_is_wrong_is_told_with_its_name(monkeypatch):
    def wrong(*arguments, **options):
        raise AssertionError("compressor 2:4: tdata of beat 3 of 9 is wrong")

    monkeypatch.setattr(plan, "soak", wrong)
    unit = Unit("compressor", 7, CORRECTED, 1000)
    told = run_unit(unit)
    assert told["unit"] == str(unit) == f"compressor 7: 1000 blocks, 2:4 {CORRECTED.options}"
    assert told["wrong"] == "compressor 2:4: tdata of beat 3 of 9 is wrong"
    assert "blocks" not in told


def test_a_plan_has_what_is_asked_for_of_every_design():
    units = plan.plan(PATTERNS, 1_000_000, 100_001)
    for name, wanted in (("compressor", 1_000_000), ("decompressor", 1_000_000),
                         ("accelerator", 100_001)):
        blocks = sum(unit.blocks for unit in units if unit.name == name)
        assert wanted <= blocks < wanted + plan.LEAST, name
    assert {unit.design for unit in units if unit.name == "accelerator"} == {
        design for pattern in PATTERNS for design in accelerators(pattern)}
    compressors = {unit.design for unit in units if unit.name == "compressor"}
    assert compressors == {design for pattern in PATTERNS for design in plan.designs(pattern)}
    assert len({str(unit) for unit in units}) == len(units)
    # Whatever part has run is of everything.
    assert {unit.name for unit in units[:len(units) // 10]} == {"compressor", "decompressor",
                                                               "accelerator"}


def test_more_blocks_add_units_and_change_the_last_alone():
    few, many = ({str(unit) for unit in plan.plan(PATTERNS, blocks, 8000)}
                 for blocks in (50_000, 500_000))
    assert len(few - many) == 2  # one of each direction
    assert plan.plan(PATTERNS, 1000, 0) == [
        Unit(name, 0, plan.designs(PATTERNS[0])[0], 1000)
        for name in ("compressor", "decompressor")]


@pytest.mark.parametrize("error", [Fault("CXX must name a compiler"), MemoryError(),
                                   OSError(28, "No space left on device")])
def test_what_the_machine_did_not_do_is_no_fault_of_a_unit(error, monkeypatch):
    def fails(*arguments, **options):
        raise error

    monkeypatch.setattr(plan, "soak", fails)
    with pytest.raises(type(error)):
        run_unit(Unit("compressor", 0, CORRECTED, 1000))


REPEATS = """
from sim.runs.soak.plan import Unit, run_unit
from sim.runs.soak.streams import designs
from sim.tests.jobs import CORRECTED
design = designs(CORRECTED.pattern)[0]
for number in range(24):
    for unit in (Unit("compressor", number, design, 4000), Unit("decompressor", number, design,
                 4000), Unit("accelerator", number, CORRECTED, 1000)):
        told = run_unit(unit)
        assert "wrong" not in told, told
    print(told["peak"], flush=True)
"""


@pytest.mark.long
def test_memory_is_flat():
    """Units of the same size, over and over: the process has its memory after some of them."""
    done = subprocess.run([sys.executable, "-c", REPEATS], capture_output=True, text=True,
                          check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    peaks = [int(line) for line in done.stdout.split()]
    assert len(peaks) == 24
    assert peaks[-1] - peaks[7] <= 8, f"MiB: {peaks}"
