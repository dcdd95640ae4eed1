"""Selectors of 16 and 32 lanes equal their specification, proved stage by stage with diagrams.

What the stages add up to:

* rank: a lane is kept if it wins M - N or more of its pairs; in a strict order, in which the first
  lane wins all and the last one none, these are the first N.
* radix: a step moves either ``within`` or ``above`` to the probed lanes, according to how many
  they are. So ``above`` stays part of ``within``, and has fewer than N lanes, ``within`` has N or
  more. From these the ties are filled up to N.
* network: as a whole for scores of one bit; and up to 16 lanes, for any width, the marks come back
  to the lanes to keep, if every exchange and comparison is decided as their order demands.
* serial: a cycle is a step of radix.
"""

from itertools import combinations

import pytest
from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector import make_selector
from hw.selector.count import total
from hw.selector.network import _exchanges
from hw.selector.radix import fill, halve, lift_bits
from hw.selector.rank import keep
from tests.formal.bdd import counterexample
from tests.formal.properties import Count, CountOfN, SerialStep, Thresholds, ones


def reached(m, bits, n):
    """Whether ``n`` or more of the bits are ones, counted in unary. The last bit comes first.

    With the variables in the order of the bits, every gate so adds one node to the diagrams.
    """
    count = Signal(n, name="unary")
    for bit in reversed(bits):
        more = Signal(n, name="unary")
        m.d.comb += more.eq(Mux(bit, Cat(1, count), count))
        count = more
    return count[-1]


class Total(wiring.Component):
    """``total`` is the number of ones, plus a start, modulo a power of two."""

    def __init__(self, size, width):
        self.width = width
        super().__init__({"bits": In(size), "start": In(width), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        expected = (ones(self.bits) + self.start)[:self.width]
        m.d.comb += self.correct.eq(total(m, list(self.bits), self.start, self.width) == expected)
        return m


class Tally(wiring.Component):
    """A lane is kept exactly if it wins ``m - n`` or more of its pairs, whatever these say."""

    def __init__(self, pattern):
        self.pattern = pattern
        self.pairs = list(combinations(range(pattern.m), 2))
        super().__init__({"before": In(len(self.pairs)), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        n, size = self.pattern.n, self.pattern.m
        first = {pair: self.before[k] for k, pair in enumerate(self.pairs)}
        mask = Signal(size)
        m.d.comb += mask.eq(keep(m, n, size, first))
        conditions = []
        for lane in range(size):
            wins = [first[low, lane] == 0 for low in range(lane)]
            wins += [first[lane, high] for high in range(lane + 1, size)]
            conditions.append(mask[lane] == reached(m, wins, size - n))
        m.d.comb += self.correct.eq(Cat(conditions).all())
        return m


class Step(wiring.Component):
    """A step of radix, from any ``above`` that is part of ``within``.

    ``n`` or more probed lanes become ``within``, fewer become ``above``; the other set stays.
    """

    def __init__(self, pattern):
        self.n, size = pattern.n, pattern.m
        super().__init__({"some": In(size), "within": In(size), "bits": In(size),
                          "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        above, probe = Signal.like(self.some), Signal.like(self.some)
        m.d.comb += [above.eq(self.some & self.within),
                     probe.eq(above | (self.within & self.bits))]
        next_above, next_within = halve(m, self.n, above, self.within, self.bits)
        enough = reached(m, list(probe), self.n)
        m.d.comb += self.correct.eq((next_above == Mux(enough, above, probe))
                                    & (next_within == Mux(enough, probe, self.within)))
        return m


class StepOfN(wiring.Component):
    """So does a step with any lift: ``2 ** lift_bits(m) - lift`` is how many are enough."""

    def __init__(self, size):
        super().__init__({"lift": In(lift_bits(size)), "some": In(size), "within": In(size),
                          "bits": In(size), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        above, probe = Signal.like(self.some), Signal.like(self.some)
        m.d.comb += [above.eq(self.some & self.within),
                     probe.eq(above | (self.within & self.bits))]
        next_above, next_within = halve(m, self.lift, above, self.within, self.bits)
        enough = ones(probe) + self.lift >= 1 << len(self.lift)
        m.d.comb += self.correct.eq((next_above == Mux(enough, above, probe))
                                    & (next_within == Mux(enough, probe, self.within)))
        return m


class Fill(wiring.Component):
    """The mask holds ``above``, and each tie that has fewer than ``n`` lanes before it.

    Before it are all lanes above, and the lower ties. ``fill`` counts on from the number of lanes
    above and the lift, in its net ``count``, and searches its net ``ties``. From whatever these
    are, given here as ``start`` and ``tie``, the mask is right; what they are is claimed by
    ``expected_start`` and ``expected_tie``. As fewer than ``n`` lanes are above, the start does
    not overflow; as ``n`` or more are within, the mask holds ``n``.
    """

    def __init__(self, pattern):
        self.n, size = pattern.n, pattern.m
        bits = lift_bits(size)
        super().__init__({"above": In(size), "within": In(size), "tie": In(size),
                          "start": In(bits), "correct": Out(1), "expected_tie": Out(size),
                          "expected_start": Out(bits)})

    def elaborate(self, platform):
        m = Module()
        size, full = len(self.above), 1 << len(self.start)
        mask, before, conditions = Signal(size), self.start, []
        m.d.comb += mask.eq(fill(m, self.n, self.above, self.within))
        for k in range(size):
            conditions.append(mask[k] == (self.above[k] | (self.tie[k] & (before < full))))
            after = Signal(range(full + size), name=f"before{k + 1}")
            m.d.comb += after.eq(before + self.tie[k])
            before = after
        m.d.comb += [
            self.correct.eq(Cat(conditions).all()),
            self.expected_tie.eq(self.within & ~self.above),
            self.expected_start.eq(ones(self.above) + full - self.n),
        ]
        return m


class OneBit(wiring.Component):
    """A whole selector of scores of one bit: the ones are kept first, and low lanes first."""

    def __init__(self, name, pattern):
        self.name, self.pattern = name, pattern
        super().__init__({"bits": In(pattern.m), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        n, bits = self.pattern.n, self.bits
        m.submodules.selector = selector = make_selector(self.name, self.pattern, 1)
        m.d.comb += selector.scores.eq(bits)
        conditions = []
        for k in range(len(bits)):
            lower = ones(bits[:k]) if k else 0
            before = Mux(bits[k], lower, ones(bits) + k - lower)
            conditions.append(selector.mask[k] == (before < n))
        m.d.comb += self.correct.eq(Cat(conditions).all())
        return m


class Routes(wiring.Component):
    """The network marks exactly the lanes that are to be kept, any ``n`` of them.

    A lane to keep precedes every other, so that an exchange of the two is decided; within either
    kind it may go both ways, as ``free`` says. ``cuts`` put these decisions in place of the
    comparisons. Where ``wanted`` are not ``n`` lanes nothing is claimed, nor exchanged.
    """

    def __init__(self, pattern):
        self.pattern = pattern
        half = pattern.m // 2
        self.exchanges = [(start, *lanes) for start in (0, half) for lanes in _exchanges(half)]
        self.swaps = [f"swap{start}_{k}" for start in (0, half)
                      for k in range(len(self.exchanges) // 2)]
        self.firsts = [f"first{i}" for i in range(half)]
        self.cuts = {f"selector.{name}": f"chosen_{name}" for name in self.swaps + self.firsts}
        super().__init__({"scores": In(pattern.m), "wanted": In(pattern.m),
                          "free": In(len(self.swaps)), "correct": Out(1),
                          **{name: Out(1) for name in self.cuts.values()}})

    def elaborate(self, platform):
        m = Module()
        m.submodules.selector = selector = make_selector("network", self.pattern, 1)
        m.d.comb += selector.scores.eq(self.scores)
        exact = ones(self.wanted) == self.pattern.n
        at = list(self.wanted)
        for (start, i, j), name, free in zip(self.exchanges, self.swaps, self.free, strict=True):
            one, other = at[start + i], at[start + j]
            swap = Mux(one == other, free, other)
            m.d.comb += getattr(self, f"chosen_{name}").eq(exact & swap)
            at[start + i], at[start + j] = Signal(name="at"), Signal(name="at")
            m.d.comb += [at[start + i].eq(one | other), at[start + j].eq(one & other)]
        for i, name in enumerate(self.firsts):
            m.d.comb += getattr(self, f"chosen_{name}").eq(exact & at[i])
        m.d.comb += self.correct.eq(~exact | (selector.mask == self.wanted))
        return m


@pytest.mark.parametrize("text", ["5:16", "16:32", "20:32"])
def test_count_is_right(text, tmp_path):
    assert counterexample(Count(Pattern.parse(text)), tmp_path, [["bits"]]) is None


def test_count_against_any_n_is_right(tmp_path):
    assert counterexample(CountOfN(32), tmp_path, [["n"], ["bits"]]) is None


def test_total_is_right(tmp_path):
    assert counterexample(Total(32, 6), tmp_path, [["bits"], ["start"]]) is None


@pytest.mark.parametrize("log", [1, 2, 3, 4, 5])
def test_thresholds_of_any_size_are_right(log, tmp_path):
    assert counterexample(Thresholds(32, log), tmp_path, [["n"], ["bits"]]) is None


@pytest.mark.parametrize("text", ["8:16", "16:32"])
def test_rank_keeps_who_wins_often_enough(text, tmp_path):
    assert counterexample(Tally(Pattern.parse(text)), tmp_path, [["before"]]) is None


@pytest.mark.parametrize("text", ["8:16", "16:32", "5:12"])
def test_radix_step_moves_to_the_probed_lanes(text, tmp_path):
    order = [["some", "within", "bits"]]
    assert counterexample(Step(Pattern.parse(text)), tmp_path, order) is None


def test_radix_step_of_any_n_moves_to_the_probed_lanes(tmp_path):
    order = [["lift"], ["some", "within", "bits"]]
    assert counterexample(StepOfN(16), tmp_path, order) is None


@pytest.mark.parametrize("part", [
    {"claims": {"ties": "expected_tie", "count": "expected_start"}},
    {"cuts": {"ties": "tie", "count": "start"}},
])
@pytest.mark.parametrize("text", ["8:16", "16:32", "5:12"])
def test_radix_fills_the_mask(text, part, tmp_path):
    order = [["start"], ["tie"], ["above", "within"]]
    assert counterexample(Fill(Pattern.parse(text)), tmp_path, order, **part) is None


@pytest.mark.parametrize("text", ["8:16", "16:32"])
def test_serial_cycle_is_a_step_of_radix(text, tmp_path):
    assert counterexample(SerialStep(Pattern.parse(text)), tmp_path,
                          [["tops", "settled"]]) is None


@pytest.mark.parametrize(("name", "text"), [
    ("rank", "8:16"), ("radix", "8:16"), ("network", "8:16"), ("network", "16:32"),
])
def test_whole_selector_of_single_bits(name, text, tmp_path):
    assert counterexample(OneBit(name, Pattern.parse(text)), tmp_path, [["bits"]]) is None


def test_network_marks_come_back_to_their_lanes(tmp_path):
    routes = Routes(Pattern(8, 16))
    assert counterexample(routes, tmp_path, [["wanted"], ["free"]], cuts=routes.cuts) is None


def test_a_wrong_claim_is_refuted_by_an_example(tmp_path):
    found = counterexample(Fill(Pattern(8, 16)), tmp_path,
                           [["start"], ["tie"], ["above", "within"]],
                           claims={"ties": "within"})
    assert any(found.get(f"within[{k}]") == found.get(f"above[{k}]") == 1 for k in range(16))
