"""Selector that finds the n-th largest score bit by bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector.count import at_least, popcount


__all__ = ["RadixSelector", "fill", "halve"]


class RadixSelector(wiring.Component):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    The ``n``-th largest score is found from its most significant bit down, between two sets of
    lanes: ``above``, known to be larger, and ``within``, not known to be smaller. Each bit halves
    the interval: the lanes that have it set are probed, and if they are at least ``n``, the
    smaller ones leave ``within``, otherwise they enter ``above``. Because settled lanes go on
    counting, ``n`` is a constant in every step. What is left between the two sets equals the
    ``n``-th largest score; of these ties, the lowest indices fill the mask.

    Combinational. Area grows linearly with ``m * width``; the delay is that of ``width``
    counts in series.

    Parameters
    ----------
    pattern : Pattern
        How many scores to keep of how many. Not dense.
    width : int
        Bits of a score.

    Members
    -------
    scores : In(ArrayLayout(unsigned(width), m))
        The scores of one block.
    mask : Out(m)
        Bit ``j`` is set where score ``j`` is kept. Exactly ``n`` bits are set.
    """

    def __init__(self, pattern: Pattern, *, width: int):
        self.pattern = pattern
        self.width = width
        super().__init__({
            "scores": In(data.ArrayLayout(unsigned(width), pattern.m)),
            "mask": Out(pattern.m),
        })

    def elaborate(self, platform):
        m = Module()
        n, size = self.pattern.n, self.pattern.m

        above: Value = Const(0, size)
        within: Value = Const((1 << size) - 1, size)
        for bit in reversed(range(self.width)):
            ones = Cat(self.scores[k][bit] for k in range(size))
            above, within = halve(m, n, above, within, ones)
        m.d.comb += self.mask.eq(fill(m, n, above, within))
        return m


def halve(m: Module, n: int, above: Value, within: Value, ones: Value) -> tuple[Signal, Signal]:
    """One step: the next ``above`` and ``within``, from the lanes whose bit is one."""
    size = len(ones)
    probe, next_above, next_within = Signal(size), Signal(size), Signal(size)
    m.d.comb += probe.eq(above | (within & ones))
    enough = at_least(m, list(probe), n).replicate(size)
    m.d.comb += [
        next_above.eq(above | (probe & ~enough)),
        next_within.eq(within & (probe | ~enough)),
    ]
    return next_above, next_within


def fill(m: Module, n: int, above: Value, within: Value) -> Value:
    """The mask: ``above``, and of the ties as many of the lowest as make ``n``."""
    size = len(above)
    ties = Signal(size)
    quota = Signal(range(n + 1))
    m.d.comb += [
        ties.eq(within & ~above),
        quota.eq(n - popcount(m, list(above))),
    ]
    return above | Cat(_first(m, list(ties), quota))


def _first(m: Module, bits: list[Value], quota: Value) -> list[Value]:
    """The lowest ``quota`` of the bits that are set; ``quota`` is at most their number."""
    if len(bits) == 1:
        return [quota[0]]
    half = len(bits) // 2
    low, high = bits[:half], bits[half:]
    low_count = popcount(m, low)
    low_quota = Signal.like(low_count)
    high_quota = Signal(range(len(high) + 1))
    m.d.comb += [
        low_quota.eq(Mux(quota > low_count, low_count, quota)),
        high_quota.eq(quota - low_quota),
    ]
    return _first(m, low, low_quota) + _first(m, high, high_quota)
