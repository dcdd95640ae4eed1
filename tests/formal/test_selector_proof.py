"""Selectors equal their specification for all inputs, proved by SAT.

Whole selectors are proved at 2:4. For larger blocks the proof is cut where the selectors are:

* rank: the comparison is right, and any order of the lanes leads to the right mask;
* radix, for scores of any width: each step keeps the order of the lanes, and the end fills the
  mask correctly from whatever state the steps may leave;
* network: it does nothing with scores but compare them, so that scores of three bits make every
  order, ties included, that eight lanes can have;
* serial: as a whole, from a reset through one block or two, whatever its registers held; and a
  cycle of it is a step of radix.

What does not hang on single scores is proved for larger blocks: the counts, the thresholds for
blocks of any size, the filling of ties.
"""


import pytest

from hw.config import Pattern
from tests.formal.properties import (
    Comparison,
    Count,
    CountOfN,
    Fill,
    SerialRun,
    SerialStep,
    Step,
    Tally,
    Thresholds,
    Whole,
    prove,
)


@pytest.mark.parametrize(("name", "text"), [("rank", "2:4"), ("radix", "2:4"), ("network", "2:4")])
def test_whole_selector_equals_the_specification(name, text, tmp_path):
    pattern = Pattern.parse(text)
    proved, log = prove(Whole(name, pattern, pattern.n), tmp_path)
    assert proved, log


def test_rank_compares(tmp_path):
    proved, log = prove(Comparison(), tmp_path)
    assert proved, log


@pytest.mark.parametrize("text", ["2:4", "4:8", "3:7"])
def test_rank_keeps_the_first_of_any_order(text, tmp_path):
    proved, log = prove(Tally(Pattern.parse(text)), tmp_path)
    assert proved, log


@pytest.mark.parametrize("text", ["2:4", "4:8", "3:7"])
def test_radix_step_keeps_the_order(text, tmp_path):
    proved, log = prove(Step(Pattern.parse(text)), tmp_path)
    assert proved, log


@pytest.mark.parametrize("text", ["2:4", "4:8", "3:7"])
def test_radix_fills_the_mask(text, tmp_path):
    proved, log = prove(Fill(Pattern.parse(text)), tmp_path)
    assert proved, log


@pytest.mark.parametrize("text", ["4:8", "3:7"])
def test_network_keeps_the_first_of_any_order(text, tmp_path):
    pattern = Pattern.parse(text)
    proved, log = prove(Whole("network", pattern, pattern.n, width=3), tmp_path)
    assert proved, log


@pytest.mark.parametrize(("text", "width", "blocks"), [("2:4", 8, 2), ("3:4", 8, 1), ("4:8", 3, 1)])
def test_serial_gives_the_mask_whatever_it_held_before(text, width, blocks, tmp_path):
    pattern = Pattern.parse(text)
    run = SerialRun(pattern, width, pattern.n)
    proved, log = prove(run, tmp_path, run.cycle(blocks - 1))
    assert proved, log


@pytest.mark.parametrize("text", ["2:4", "4:8", "8:16"])
def test_serial_cycle_is_a_step_of_radix(text, tmp_path):
    proved, log = prove(SerialStep(Pattern.parse(text)), tmp_path)
    assert proved, log


@pytest.mark.parametrize("text", ["8:16", "5:16", "12:16"])
def test_count_is_right(text, tmp_path):
    proved, log = prove(Count(Pattern.parse(text)), tmp_path)
    assert proved, log


@pytest.mark.parametrize("size", [4, 7, 8, 16])
def test_count_against_any_n_is_right(size, tmp_path):
    proved, log = prove(CountOfN(size), tmp_path)
    assert proved, log


@pytest.mark.parametrize("log", [1, 2, 3])
def test_thresholds_of_any_size_are_right(log, tmp_path):
    proved, text = prove(Thresholds(8, log), tmp_path)
    assert proved, text


def test_a_wrong_claim_about_a_run_is_refuted(tmp_path):
    run = SerialRun(Pattern(2, 4), 2, kept=1)
    proved, log = prove(run, tmp_path, run.cycle(0))
    assert not proved
    assert "proof did fail" in log


def test_a_wrong_claim_is_refuted(tmp_path):
    proved, log = prove(Whole("rank", Pattern(2, 4), kept=1), tmp_path)
    assert not proved
    assert "proof did fail" in log
