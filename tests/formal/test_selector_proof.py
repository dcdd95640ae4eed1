"""Selectors equal their specification for all inputs, proved by SAT.

Whole selectors are proved at 2:4. For larger blocks the proof is cut where the selectors are:

* rank: the comparison is right, and any order of the lanes leads to the right mask;
* radix, for scores of any width: each step keeps the order of the lanes, and the end fills the
  mask correctly from whatever state the steps may leave.
"""

import os
import subprocess
import sys
from itertools import combinations

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector import make_selector
from hw.selector.radix import fill, halve
from hw.selector.rank import keep, not_less


WIDTH = 8
PROGRAM = """
import os
os.dup2(1, 2)
from pyosys import libyosys
libyosys.run_pass("script proof.ys", libyosys.Design())
"""


def ones(bits):
    return sum(bits[k] for k in range(len(bits)))


class Whole(wiring.Component):
    """Exactly ``kept`` lanes are marked, and no lane that is left out precedes a marked one.

    Only the mask of the specification does this.
    """

    def __init__(self, name, pattern, kept):
        self.name, self.pattern, self.kept = name, pattern, kept
        super().__init__({"scores": In(data.ArrayLayout(unsigned(WIDTH), pattern.m)),
                          "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.selector = selector = make_selector(self.name, self.pattern, WIDTH)
        m.d.comb += selector.scores.eq(self.scores)
        mask, size = selector.mask, self.pattern.m
        conditions = [ones(mask) == self.kept]
        for low in range(size):
            for high in range(low + 1, size):
                low_first = self.scores[low] >= self.scores[high]
                conditions.append((mask[low] == mask[high]) | (mask[low] == low_first))
        m.d.comb += self.correct.eq(Cat(conditions).all())
        return m


class Comparison(wiring.Component):
    """The comparison of the rank selector is ``>=``."""

    def __init__(self):
        super().__init__({"a": In(WIDTH), "b": In(WIDTH), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.correct.eq(not_less(m, self.a, self.b) == (self.a >= self.b))
        return m


class Tally(wiring.Component):
    """From any strict order of the lanes, exactly ``n`` are kept, and none before a kept one lost.

    ``before`` holds a bit for each pair of lanes; it is an order if no three lanes run in a circle.
    """

    def __init__(self, pattern):
        self.pattern = pattern
        self.pairs = list(combinations(range(pattern.m), 2))
        super().__init__({"before": In(len(self.pairs)), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        size = self.pattern.m
        first = {pair: self.before[k] for k, pair in enumerate(self.pairs)}
        mask = Signal(size)
        m.d.comb += mask.eq(keep(m, self.pattern.n, size, first))
        circles = [(first[i, j] == first[j, k]) & (first[i, k] != first[i, j])
                   for i, j, k in combinations(range(size), 3)]
        conditions = [ones(mask) == self.pattern.n]
        conditions += [(mask[i] == mask[j]) | (mask[i] == first[i, j]) for i, j in self.pairs]
        m.d.comb += self.correct.eq(Cat(circles).any() | Cat(conditions).all())
        return m


class Step(wiring.Component):
    """A legal state stays legal, and lanes are told apart by their first differing bit.

    Legal: ``above`` within ``within``, fewer than ``n`` lanes above and at least ``n`` within.
    A lane's class is the sum of its two bits: below, tie, above. Lanes of the same tie have had
    equal bits so far; a lane of a higher class has had the greater ones.
    """

    def __init__(self, pattern):
        self.n, size = pattern.n, pattern.m
        super().__init__({"above": In(size), "within": In(size), "ones": In(size),
                          "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        above, within = halve(m, self.n, self.above, self.within, self.ones)
        conditions = [legal(self.n, above, within)]
        for i in range(len(above)):
            for j in range(len(above)):
                if i == j:
                    continue
                was_tie = (self.within[i] & ~self.above[i] & self.within[j] & ~self.above[j])
                was_greater = self.above[i] + self.within[i] > self.above[j] + self.within[j]
                tie = within[i] & ~above[i] & within[j] & ~above[j]
                greater = above[i] + within[i] > above[j] + within[j]
                conditions += [
                    ~tie | (was_tie & (self.ones[i] == self.ones[j])),
                    ~greater | was_greater | (was_tie & self.ones[i] & ~self.ones[j]),
                ]
        m.d.comb += self.correct.eq(~legal(self.n, self.above, self.within)
                                    | Cat(conditions).all())
        return m


class Fill(wiring.Component):
    """From a legal state, the mask holds ``n`` lanes: all above, then the lowest of the ties."""

    def __init__(self, pattern):
        self.n, size = pattern.n, pattern.m
        super().__init__({"above": In(size), "within": In(size), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        expected = Signal(len(self.above))
        taken = ones(self.above)
        for k in range(len(self.above)):
            tie = self.within[k] & ~self.above[k]
            take = Signal(name=f"take{k}")
            next_taken = Signal(range(2 * len(self.above)), name=f"taken{k}")
            m.d.comb += [
                take.eq(tie & (taken < self.n)),
                next_taken.eq(Mux(take, taken + 1, taken)),
                expected[k].eq(self.above[k] | take),
            ]
            taken = next_taken
        mask = fill(m, self.n, self.above, self.within)
        m.d.comb += self.correct.eq(~legal(self.n, self.above, self.within)
                                    | ((mask == expected) & (ones(mask) == self.n)))
        return m


def legal(n, above, within):
    return ((above & ~within) == 0) & (ones(above) < n) & (ones(within) >= n)


def prove(property_, folder):
    """Whether SAT proves ``correct``, and what Yosys printed, in a process that it may end."""
    (folder / "property.il").write_text(rtlil.convert(property_, name="top", emit_src=False))
    (folder / "proof.ys").write_text(
        "read_rtlil property.il\nhierarchy -top top\nproc\nflatten\nopt -full\ntechmap\nopt\n"
        "sat -verify -prove correct 1 -set-def-inputs top\n")
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, capture_output=True,
                         text=True, timeout=300, env={**os.environ, "TMPDIR": str(folder)})
    log = run.stdout + run.stderr
    return run.returncode == 0 and "SUCCESS!" in log, log[-2000:]


@pytest.mark.parametrize(("name", "text"), [("rank", "2:4"), ("radix", "2:4")])
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


def test_a_wrong_claim_is_refuted(tmp_path):
    proved, log = prove(Whole("rank", Pattern(2, 4), kept=1), tmp_path)
    assert not proved
    assert "proof did fail" in log
