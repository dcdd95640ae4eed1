"""Selector that finds the n-th largest score bit by bit."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from hw.arithmetic.wire import wire
from hw.selector.combinational import CombinationalSelector
from hw.selector.count import at_least, lift_bits, lift_of, reaches, total


__all__ = ["RadixSelector", "fill", "halve"]


class RadixSelector(CombinationalSelector):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    The ``n``-th largest score is found from its most significant bit down, between two sets of
    lanes: ``above``, known to be larger, and ``within``, not known to be smaller. Each bit halves
    the interval: the lanes that have it set are probed, and if they are at least ``n``, the
    smaller ones leave ``within``, otherwise they enter ``above``. Because settled lanes go on
    counting, ``n`` is a constant in every step. What is left between the two sets equals the
    ``n``-th largest score; of these ties, the lowest indices fill the mask.

    Combinational. Area grows linearly with ``m * width``; the delay is that of ``width``
    counts in series.

    Parameters and ports are those of :class:`hw.selector.combinational.CombinationalSelector`.
    """

    def elaborate(self, platform):
        m = Module()
        size = self.pattern.m
        quota = lift_of(m, self.n, size) if self.flexible == "n" else self.pattern.n

        above: Value = Const(0, size)
        within: Value = Const((1 << size) - 1, size)
        for bit in reversed(range(self.width)):
            ones = Cat(self.scores[k][bit] for k in range(size))
            above, within = halve(m, quota, above, within, ones)
        m.d.comb += self.mask.eq(fill(m, quota, above, within))
        return m


def halve(m: Module, quota: int | Value, above: Value, within: Value,
          ones: Value) -> tuple[Signal, Signal]:
    """One step: the next ``above`` and ``within``, from the lanes whose bit is one.

    ``quota`` is how many to keep, or the lift (:func:`lift_of`) of a number that is not constant.
    """
    size = len(ones)
    probe, next_above, next_within = Signal(size), Signal(size), Signal(size)
    m.d.comb += probe.eq(above | (within & ones))
    enough = (at_least(m, list(probe), quota) if isinstance(quota, int)
              else reaches(m, list(probe), [[bit] for bit in quota])).replicate(size)
    m.d.comb += [
        next_above.eq(above | (probe & ~enough)),
        next_within.eq(within & (probe | ~enough)),
    ]
    return next_above, next_within


def fill(m: Module, quota: int | Value, above: Value, within: Value) -> Value:
    """The mask: ``above``, and of the ties as many of the lowest as make ``n``.

    The index of the last tie to keep is searched from its top bit down. If the lanes above and
    the ties of the lower half are ``n`` or more, it lies there, otherwise the ties of that half
    are taken and it lies in the upper one; the half is then searched in the same way. Only one
    half goes on, so that all searches together count each lane but once.
    """
    size = len(above)
    bits = lift_bits(size)
    lift = lift_of(m, quota, size) if isinstance(quota, int) else quota
    ties = Signal(size)
    m.d.comb += ties.eq(within & ~above)
    taken, part = total(m, list(above), lift, bits), list(ties)
    index: list[Value] = []
    for bit in reversed(range(bits)):
        low, high = part[:1 << bit], part[1 << bit:]
        count = total(m, low, taken, bits + 1)
        enough, taken_next = Signal(), Signal(bits)
        m.d.comb += [
            enough.eq(count[bits]),
            taken_next.eq(Mux(enough, taken, count[:bits])),
        ]
        index.insert(0, ~enough)
        taken = taken_next
        high += [Const(0, 1)] * (len(low) - len(high))
        part = list(wire(m, Mux(enough, Cat(low), Cat(high))))
    return above | (ties & Cat(_up_to(m, index))[:size])


def _up_to(m: Module, index: list[Value]) -> list[Value]:
    """For each lane, whether its number is at most ``index``, which comes low bit first."""
    lanes: list[Value] = [Const(1, 1)]
    for bit in index:
        lanes = [*(wire(m, lane | bit) for lane in lanes), *(wire(m, lane & bit)
                                                              for lane in lanes)]
    return lanes
