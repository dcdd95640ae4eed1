"""The gather of kept values: one-hot selects of a bitmask, and the windows that they open."""

from functools import reduce
from operator import or_

from amaranth.hdl import C, Module, Mux, Signal, Value
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern


__all__ = ["Gather", "SelectDecoder", "selects_layout"]


def selects_layout(pattern: Pattern) -> data.ArrayLayout:
    """Selects of one block: for each of ``n`` lanes a one-hot of ``span`` bits."""
    return data.ArrayLayout(pattern.span, pattern.n)


class SelectDecoder(wiring.Component):
    """Decodes a bitmask into the position of every kept value.

    Combinational. The lower half of the mask is counted from below, the upper half from above,
    which halves the depth: kept value ``i`` has ``i`` set bits below it and ``n - 1 - i`` above it.
    Area grows with ``n * span``.

    A mask whose popcount is not ``n`` gives selects that are no one-hots.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.

    Members
    -------
    mask : In(m)
        Exactly ``n`` bits set.
    selects : Out(ArrayLayout(span, n))
        Lane ``i``, bit ``d``: kept value ``i`` stands at position ``i + d``.
    """

    def __init__(self, pattern: Pattern):
        self.pattern = pattern
        super().__init__({
            "mask": In(pattern.m),
            "selects": Out(selects_layout(pattern)),
        })

    def elaborate(self, platform):
        m = Module()
        n, size, span = self.pattern.n, self.pattern.m, self.pattern.span
        half = size // 2

        below = self._counts(m, "below", list(self.mask[:half]))
        above = self._counts(m, "above", list(self.mask[half:])[::-1])
        for lane in range(n):
            for d in range(span):
                position = lane + d
                if position < half:
                    exact = below[position][lane]
                else:
                    exact = above[size - 1 - position][n - 1 - lane]
                m.d.comb += self.selects[lane][d].eq(self.mask[position] & exact)

        return m

    def _counts(self, m, name, bits):
        """Signals for ``exactly count of the first k bits are set``, as ``[k][count]``.

        Counts that no mask of the pattern can have are left out: at most ``n`` bits are set, and
        fewer than ``span`` are not.
        """
        counts = [{0: C(1)}]
        for k, bit in enumerate(bits, start=1):
            before, after = counts[-1], {}
            for count in range(max(0, k - self.pattern.span + 1), min(self.pattern.n, k) + 1):
                terms = []
                if count in before:
                    terms.append(~bit & before[count])
                if count - 1 in before:
                    terms.append(bit & before[count - 1])
                after[count] = Signal(name=f"{name}{k}_is{count}")
                m.d.comb += after[count].eq(reduce(or_, terms))
            counts.append(after)
        return counts


class Gather(wiring.Component):
    """Takes the kept values out of a block.

    Combinational; ``gathered[i]`` is the value at the position that lane ``i`` selects. Each lane
    sees a window of ``span`` positions, since kept values are in ascending order. Area grows with
    ``n * span``.

    Parameters
    ----------
    pattern : Pattern
        How many values are kept of how many.
    shape : ShapeLike
        Shape of one value.

    Members
    -------
    values : In(ArrayLayout(shape, m))
        The whole block.
    selects : In(ArrayLayout(span, n))
        As ``SelectDecoder`` gives them.
    gathered : Out(ArrayLayout(shape, n))
        The selected values, in ascending order of position.
    """

    def __init__(self, pattern: Pattern, shape):
        self.pattern = pattern
        super().__init__({
            "values": In(data.ArrayLayout(shape, pattern.m)),
            "selects": In(selects_layout(pattern)),
            "gathered": Out(data.ArrayLayout(shape, pattern.n)),
        })

    def elaborate(self, platform):
        m = Module()

        for lane in range(self.pattern.n):
            select = self.selects[lane]
            m.d.comb += self.gathered[lane].eq(reduce(or_, (
                Mux(select[d], Value.cast(self.values[lane + d]), 0)
                for d in range(self.pattern.span))))

        return m
