"""Ratios are to the dense design of as many lanes, which one of a single lane does not have."""

from types import SimpleNamespace

import pytest

from hw.config import Design, Pattern
from synth.energy.report import against as energy_base
from synth.fpga.measure import Measured as Mapped
from synth.fpga.report import against as over_dense
from synth.fpga.targets import Used
from synth.reports.rows import Wired


def mapped(pattern, luts):
    return Mapped("pe", Design(Pattern.parse(pattern)), "ecp5", used=Used(luts, 0, 0, 0))


@pytest.mark.parametrize(("pattern", "ratio"), [("2:8", 1.5), ("1:4", None)])
def test_tables_are_over_those_of_as_many_lanes(pattern, ratio):
    rows = [mapped("2:2", 100), mapped(pattern, 150)]
    assert over_dense(rows[1], rows) == ratio


@pytest.mark.parametrize(("pattern", "found"), [("2:8", True), ("1:4", False)])
def test_energies_are_over_those_of_as_many_lanes(pattern, found):
    dense, sparse = (SimpleNamespace(name="pe", design=Design(Pattern.parse(text)))
                     for text in ("2:2", pattern))
    assert energy_base(sparse, [dense, sparse]) == (dense if found else None)


def test_work_for_the_core_is_that_of_the_blocks_at_the_own_clock():
    dense, sparse = Wired(100.0, 1.0, 0, 4.0, 0.0), Wired(150.0, 1.0, 0, 5.0, 0.0)
    found = sparse.over(dense, Pattern(2, 8))
    assert (found.overhead, found.throughput_per_area) == (50.0, round(4 / 1.5 / 1.25, 3))
