"""Measurements of designs, and what is kept of them."""

import csv
import json
from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from tests.test_docs import ROOT
from verify.coverage.facts import facts
from verify.coverage.measure import measure
from verify.coverage.points import Bit
from verify.coverage.probes import COUNTERS, probes
from verify.coverage.report import contents, markdown


pytestmark = pytest.mark.usefixtures("wheel")

RESULTS = ROOT / "docs" / "results" / "coverage"


@pytest.fixture(scope="module")
def outcome():
    return measure("decompressor", Design(Pattern(2, 4)), blocks=2100)


def test_every_bit_of_a_small_design_goes_both_ways(outcome):
    assert outcome.bits > 300
    assert outcome.toggles >= 0.98
    assert outcome.excluded <= 0.05
    assert not outcome.wrong
    assert outcome.taken > 0.9


def test_holes_are_named(outcome):
    hole = Bit("nm_decompressor", "s_axis_tdata", 3)
    text = contents("2:4", {"decompressor": replace(outcome, holes=(hole,))}, {})["holes.csv"]
    row = next(csv.DictReader(text.splitlines()))
    assert (row["instance"], row["kind"], row["signal"], row["bits"]) == (
        "nm_decompressor", "toggle", "s_axis_tdata", "3")


def test_counters_are_found_in_the_verilog():
    """Verilog without a controller has none; with one, all stand in a register of it."""
    assert not probes("module nm_compressor(clk);").registers
    text = "module nm_accelerator_controller(clk);\n" + "".join(
        f"  assign \\registers__state.{name}  = \\$7 [{32 * k + 31}:{32 * k}];\n"
        for k, name in enumerate(COUNTERS))
    assert probes(text).registers == (("nm_accelerator_controller", "*$7"),)


def test_facts_follow_from_the_design():
    known, = facts("accelerator", Design(Pattern(8, 16)))
    assert 1 << known.low > Design(Pattern(8, 16)).covered_blocks >= 1 << known.low - 1
    assert facts("compressor", Design(Pattern(8, 16))) == []


def test_the_page_has_the_figures_of_the_results():
    results = json.loads((RESULTS / "coverage.json").read_text())
    assert markdown(results) in (ROOT / "docs" / "verification.md").read_text()
    for row in results["designs"]:
        assert row["toggles"] >= 0.98
        assert row["excluded"] <= 0.05


@pytest.mark.long
@pytest.mark.parametrize("name", ["compressor", "decompressor"])
def test_default_designs_are_covered(name):
    outcome = measure(name, Design(Pattern(8, 16)))
    assert outcome.toggles >= 0.98
    assert outcome.excluded <= 0.05
    assert not outcome.wrong
