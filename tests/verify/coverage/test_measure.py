"""Measurements of designs, and what is kept of them."""

import csv
import json
import re
from contextlib import nullcontext
from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from hw.registers import Error
from sim.simulators.runner import generated
from sim.verilated.accelerator import Accelerator
from tests.test_docs import ROOT
from verify.coverage import jobs, streams
from verify.coverage import still as proofs
from verify.coverage.facts import facts
from verify.coverage.measure import _left_out, measure
from verify.coverage.points import Bit, Counts
from verify.coverage.probes import COUNTERS, probes
from verify.coverage.report import contents, markdown, reasons
from verify.coverage.still import still


pytestmark = pytest.mark.usefixtures("wheel")

RESULTS = ROOT / "docs" / "results" / "coverage"


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="module")
def outcome(kept):
    return measure("decompressor", Design(Pattern(2, 4)), blocks=2100, kept=kept)


def test_every_bit_of_a_small_design_goes_both_ways(outcome):
    assert outcome.bits > 300
    assert outcome.toggles >= 0.98
    assert outcome.excluded <= 0.05
    assert not outcome.wrong
    assert outcome.taken > 0.9


def test_holes_are_named(outcome):
    """Bits of a signal stand together if they have the same reason."""
    bits = tuple(Bit("nm_decompressor", "s_axis_tdata", index) for index in range(5))
    given = replace(outcome, holes=bits, still={bits[1]: 0, bits[2]: 0, bits[3]: 1},
                    given={bits[4]: 0})
    text = contents("2:4", {"decompressor": given}, {})["holes.csv"]
    rows = [row for row in csv.DictReader(text.splitlines()) if row["kind"] == "toggle"]
    assert {(row["instance"], row["signal"]) for row in rows} == {
        ("nm_decompressor", "s_axis_tdata")}
    assert [(row["bits"], row["reason"]) for row in rows] == [
        ("0", ""), ("1 2", "always 0, for all inputs: proved"),
        ("3", "always 1, for all inputs: proved"),
        ("4", "always 0, as the inputs that are left out keep their values: proved")]
    assert reasons(text).endswith("| decompressor | 3 | 1 | 0 | 1 |")


def test_what_toggles_is_not_proved_to_stay(outcome, kept):
    """Of every bit that went both ways in a run; some of the others are proved."""
    counts, (path,) = Counts(), kept.glob("*.dat")
    counts.add(path)
    text, _ = generated("decompressor", Design(Pattern(2, 4)).only("decompressor"))
    toggled = [bit for bit in counts.bits if counts.toggled(bit)]
    assert len(toggled) > 300
    assert not still(text, toggled, counts.places)
    assert outcome.still
    assert set(outcome.still) <= set(outcome.holes)


def test_what_is_left_out_is_fixed_in_every_instance():
    """Also where the instances have other values; then it has none that a proof may take."""
    counts, (alike, other, free) = Counts(), (Bit("nm_part", name, 0) for name in "abc")
    counts.rises.update({alike: 0, other: 0, free: 0})
    counts.places["nm_part"] = {"nm_top.one", "nm_top.two"}
    fixed = {(f"nm_top.{part}.{name}", 0): value for part, name, value in (
        ("one", "a", 1), ("two", "a", 1), ("one", "b", 0), ("two", "b", 1), ("one", "c", 0))}
    assert _left_out(fixed, counts) == {alike: {1}, other: {0, 1}}


def test_a_measurement_that_was_ended_goes_on(outcome, tmp_path, monkeypatch):
    """What was counted is kept, by what it depends on, and is not driven again."""
    small = Design(Pattern(2, 4))
    assert measure("decompressor", small, blocks=2100, kept=tmp_path) == outcome
    kept = set(tmp_path.iterdir())
    driven, asked = [], []

    def drive(model, name, design, blocks):
        driven.append(blocks)

    monkeypatch.setattr(streams, "drive", drive)
    monkeypatch.setattr(proofs, "still_in", lambda *_, **options: asked.append(options) or {})
    assert measure("decompressor", small, blocks=2100, kept=tmp_path) == outcome
    assert not driven
    assert not asked
    assert measure("decompressor", small, blocks=2200, kept=tmp_path).holes
    assert driven == [2200]
    assert asked
    assert kept < set(tmp_path.iterdir())
    assert len(list(tmp_path.glob("*.dat"))) == 2


SMALL = Design(Pattern(2, 4), rows=2, columns=2, tile=1, max_k=12, batch_tokens=4)

FAULTS = [
    ("many_tokens", r"assign \$12  = write_slot * ", r"assign \$12  = write_slot[0] * "),
    ("early_and_late", r"assign \$7  = | waiting;", r"assign \$7  = 1'h1;"),
    ("while_busy", "assign registers__locked = ", "assign registers__locked = 1'h0 & "),
    ("held_results", r"assign o__ready = \$20  | \i__ready$41 ;", "assign o__ready = 1'h1;"),
    ("held_results", "assign i__ready = complete != 3'h4;", "assign i__ready = 1'h1;"),
    ("timeout", ">= registers__settings[150:119];", "> registers__settings[150:119] + 32'd64;"),
    ("largest", r"assign carry_c29n582 = \$2298  | \$2299 ;", "assign carry_c29n582 = 1'h0;"),
    ("alike", r"assign \$346  = carry_c2n134 & carry_c2n138;", r"assign \$346  = 1'h0;"),
]
"""Of a table that overwrites what waits, of rows that do not wait for their tokens' terms, of
registers that are not locked, of sums of weights and of terms that get lost where many wait, of a
timeout that comes late, and of carries into high bits and of many values."""


@pytest.mark.parametrize("options", [{}, {"epilogue_lanes": 0}], ids=["epilogue", "raw"])
def test_steps_at_odd_times_pass(options):
    model = Accelerator(replace(SMALL, **options), stall=0.1)
    for step in dict.fromkeys(step for step, _, _ in FAULTS):
        jobs.drive(model, step, "", 1)


@pytest.mark.parametrize(("step", "right", "wrong"), FAULTS)
def test_steps_at_odd_times_find_faults(step, right, wrong):
    text, _ = generated("accelerator", SMALL)
    assert text.count(right) == 1
    model = Accelerator(SMALL, stall=0.1, text=text.replace(right, wrong))
    with pytest.raises((AssertionError, TimeoutError, RuntimeError)):
        jobs.drive(model, step, "", 1)


@pytest.mark.long
@pytest.mark.parametrize("fault", [None, *COUNTERS])
def test_counters_are_compared_at_every_power_of_two(fault):
    """A fault: bit 30 of a counter never rises."""
    text, _ = generated("accelerator", SMALL)
    if fault:
        place = re.search(rf"registers__state\.{fault}  = (\S+ \[\d+:\d+\]);", text)[1]
        right = f"{place} + 32'd1;"
        assert text.count(right) == 1
        text = text.replace(right, f"({place} + 32'd1) & 32'hbfffffff;")
    model = Accelerator(SMALL, stall=0.1, text=text, probes=replace(probes(text), coverage=False))
    with pytest.raises(AssertionError) if fault else nullcontext():
        jobs.drive(model, "counters", text, 1)


def test_counters_are_found_in_the_verilog():
    """Verilog without a controller has none; with one, all stand in a register of it."""
    assert not probes("module nm_compressor(clk);").registers
    text = "module nm_accelerator_controller(clk);\n" + "".join(
        f"  assign \\registers__state.{name}  = \\$7 [{32 * k + 31}:{32 * k}];\n"
        for k, name in enumerate(COUNTERS))
    assert probes(text).registers == (("nm_accelerator_controller", "*$7"),)


def test_facts_follow_from_the_design():
    """Of what a design has, nothing is said."""
    def said(design):
        return {fact.signal.partition("controller.")[2] or fact.signal: fact
                for fact in facts("accelerator", design)}

    default = Design(Pattern(8, 16))
    known = said(default)
    assert 1 << known["run__job"].low > default.covered_blocks >= 1 << known["run__job"].low - 1
    assert 1 << known["registers__state.error"].low > max(Error) >= 8
    assert {"run__job.steps", "run__job.variable"} < set(known)
    assert [name for name in known if name.endswith(("$26.eta", "payload.eta"))]
    assert not {"run__job.steps", "run__job.variable"} & set(
        said(replace(default, flexible="all", unstructured=True)))
    assert not [name for name in said(replace(default, shift="mean")) if "eta" in name]
    assert facts("compressor", default) == []


def test_the_page_has_the_figures_of_the_results():
    results = json.loads((RESULTS / "coverage.json").read_text())
    page = (ROOT / "docs" / "verification.md").read_text()
    assert markdown(results) in page
    assert reasons((RESULTS / "holes.csv").read_text()) in page
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
