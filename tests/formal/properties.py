"""What the proofs of selectors claim, each as a component with the output ``correct``."""

import os
import subprocess
import sys
from itertools import combinations

from amaranth.back import rtlil
from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector import make_select_stage, make_selector
from hw.selector.count import at_least, reaches
from hw.selector.radix import fill, halve, lift_of
from hw.selector.rank import keep, not_less
from hw.selector.serial import settles, shared_lift, thresholds_of_any_size
from hw.stream.payloads import Asked


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

    def __init__(self, name, pattern, kept, width=WIDTH):
        self.name, self.pattern, self.kept, self.width = name, pattern, kept, width
        super().__init__({"scores": In(data.ArrayLayout(unsigned(width), pattern.m)),
                          "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.selector = selector = make_selector(self.name, self.pattern, self.width)
        m.d.comb += selector.scores.eq(self.scores)
        m.d.comb += self.correct.eq(is_mask(selector.mask, self.scores, self.kept))
        return m


def is_mask(mask, scores, kept):
    """Whether ``kept`` lanes are marked, and none that is left out precedes a marked one."""
    conditions = [ones(mask) == kept]
    for low, high in combinations(range(len(mask)), 2):
        low_first = scores[low] >= scores[high]
        conditions.append((mask[low] == mask[high]) | (mask[low] == low_first))
    return Cat(conditions).all()


class SerialRun(wiring.Component):
    """The serial selector, block after block from a reset on: the mask that leaves is right."""

    def __init__(self, pattern, width, kept):
        self.pattern, self.kept = pattern, kept
        self.stage = make_select_stage("serial", 0, pattern, width)
        super().__init__({"scores": In(data.ArrayLayout(unsigned(width), pattern.m)),
                          "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.stage = stage = self.stage
        taken = Signal.like(self.scores)
        m.d.comb += [
            stage.i.payload.scores.eq(self.scores),
            stage.i.valid.eq(1),
            stage.o.ready.eq(1),
            self.correct.eq(stage.o.valid & is_mask(stage.o.payload.mask, taken, self.kept)),
        ]
        with m.If(stage.i.ready):
            m.d.sync += taken.eq(self.scores)
        return m

    def cycle(self, block):
        """The cycle, counted from 1, in which the mask of a block is there."""
        ready = self.stage.width + 1
        return ready + 1 + self.stage.latency - 1 + block * self.stage.interval


class SerialStep(wiring.Component):
    """A cycle of the serial selector does to its lanes what a step of radix does.

    A lane is above if it is settled with a one, and within if it is unsettled or has a one.
    """

    def __init__(self, pattern):
        self.pattern = pattern
        super().__init__({"tops": In(pattern.m), "settled": In(pattern.m), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        tops, settled, size = self.tops, self.settled, self.pattern.m
        threshold = at_least(m, list(tops), self.pattern.n).replicate(size)
        after = settles(settled, tops, threshold)
        above, within = halve(m, self.pattern.n, settled & tops, ~settled | tops, tops)
        m.d.comb += self.correct.eq(((after & tops) == above) & ((~after | tops) == within))
        return m


class Count(wiring.Component):
    """``at_least`` says whether ``n`` or more of the bits are ones."""

    def __init__(self, pattern):
        self.n = pattern.n
        super().__init__({"bits": In(pattern.m), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.correct.eq(at_least(m, list(self.bits), self.n) == (ones(self.bits)
                                                                             >= self.n))
        return m


class CountOfN(wiring.Component):
    """So does ``reaches``, for any ``n`` from 1 to the number of bits."""

    def __init__(self, size):
        super().__init__({"bits": In(size), "n": In(range(size + 1)), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        size = len(self.bits)
        lift = lift_of(m, self.n, size)
        reached = reaches(m, list(self.bits), [[bit] for bit in lift])
        m.d.comb += self.correct.eq(~asked(self.n, size) | (reached == (ones(self.bits)
                                                                        >= self.n)))
        return m


class Thresholds(wiring.Component):
    """Every lane's threshold is that of its block of ``2 ** log`` lanes."""

    def __init__(self, size, log):
        self.log = log
        super().__init__({"bits": In(size), "n": In(range(size + 1)), "correct": Out(1)})

    def elaborate(self, platform):
        m = Module()
        size, block = len(self.bits), 1 << self.log
        pattern = Signal(Asked(Pattern(1, size), "all"))
        m.d.comb += [pattern.n.eq(self.n), pattern.size.eq(self.log)]
        lift = Signal((size - 1).bit_length())
        m.d.comb += lift.eq(shared_lift(m, pattern, len(lift)))
        found = thresholds_of_any_size(m, list(self.bits), pattern.size, lift)
        conditions = [found[k] == (ones(self.bits[k - k % block:][:block]) >= self.n)
                      for k in range(size)]
        m.d.comb += self.correct.eq(~asked(self.n, block) | Cat(conditions).all())
        return m


def asked(n, size):
    return (n >= 1) & (n <= size)


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


def prove(property_, folder, cycle=0):
    """Whether SAT proves ``correct``, and what Yosys printed, in a process that it may end.

    With a ``cycle``: that it holds in that cycle, the first being 1, from registers that hold
    anything but for the state of the control, which a reset has set.
    """
    (folder / "property.il").write_text(rtlil.convert(property_, name="top", emit_src=False))
    steps = (f"-seq {cycle} -prove-skip {cycle - 1} -set rst 0" if cycle else "")
    (folder / "proof.ys").write_text(
        "read_rtlil property.il\nhierarchy -top top\nproc\nflatten\nopt -full\ndffunmap\n"
        "setattr -unset init w:*bits* w:*settled* w:taken\ntechmap\nopt\n"
        f"sat -verify -prove correct 1 -set-def-inputs {steps} top\n")
    run = subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, capture_output=True,
                         text=True, timeout=300, env={**os.environ, "TMPDIR": str(folder)})
    log = run.stdout + run.stderr
    return run.returncode == 0 and "SUCCESS!" in log, log[-2000:]
