"""Selector that sorts the two halves of a block and compares them from opposite ends."""

from collections.abc import Iterator

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from hw.selector.combinational import CombinationalSelector


__all__ = ["NetworkSelector"]


class NetworkSelector(CombinationalSelector):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    Both halves are sorted by Batcher's network. Of two sorted halves, the ``i``-th of one is kept
    exactly if it comes before the ``n - 1 - i``-th of the other: one comparison for each pair. The
    marks then run back through the exchanges to the lanes. A score is sorted with its index
    complemented below it, so that no two are equal; between the halves the lower one wins.

    Combinational. Area grows with ``m * log2(m) ** 2``, delay with ``log2(m) ** 2`` comparisons.

    Parameters and ports are those of :class:`hw.selector.combinational.CombinationalSelector`.
    """

    def elaborate(self, platform):
        m = Module()
        n, size = self.pattern.n, self.pattern.m
        cut = size // 2
        low, low_swaps = _sort(m, self.scores, range(cut), self.width)
        high, high_swaps = _sort(m, self.scores, range(cut, size), self.width)

        low_kept: list[Value] = [Const(int(i < n - len(high)), 1) for i in range(len(low))]
        high_kept: list[Value] = [Const(int(i < n - len(low)), 1) for i in range(len(high))]
        for i in range(len(low)):
            j = n - 1 - i
            if 0 <= j < len(high):
                first = Signal(name=f"first{i}")
                m.d.comb += first.eq(low[i] >= high[j])
                low_kept[i], high_kept[j] = first, ~first
        m.d.comb += self.mask.eq(Cat(_back(m, low_kept, low_swaps),
                                     _back(m, high_kept, high_swaps)))
        return m


Swap = tuple[int, int, Signal]


def _sort(m: Module, scores, lanes: range, width: int) -> tuple[list[Value], list[Swap]]:
    """Scores of some lanes, the largest first, and the exchanges that were made in turn."""
    index_bits = (len(lanes) - 1).bit_length()
    keys: list[Value] = [Cat(Const(len(lanes) - 1 - k, index_bits), scores[lane])
                         for k, lane in enumerate(lanes)]
    swaps: list[Swap] = []
    for i, j in _exchanges(len(lanes)):
        swap = Signal(name=f"swap{lanes.start}_{len(swaps)}")
        m.d.comb += swap.eq(keys[j] > keys[i])
        both = [Signal(width + index_bits) for _ in range(2)]
        m.d.comb += [both[0].eq(Mux(swap, keys[j], keys[i])),
                     both[1].eq(Mux(swap, keys[i], keys[j]))]
        keys[i], keys[j] = both
        swaps.append((i, j, swap))
    return [key[index_bits:] for key in keys], swaps


def _exchanges(size: int) -> Iterator[tuple[int, int]]:
    """Batcher's odd-even merge sort for any number of lanes (Knuth, 5.2.2, algorithm M)."""
    top = 1 << max((size - 1).bit_length() - 1, 0)
    p = top
    while p and size > 1:
        q, r, d = top, 0, p
        while True:
            yield from ((i, i + d) for i in range(size - d) if i & p == r)
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1


def _back(m: Module, kept: list[Value], swaps: list[Swap]) -> list[Value]:
    """Marks at the ends of the exchanges, taken back to the lanes."""
    for i, j, swap in reversed(swaps):
        upper, lower = Signal(), Signal()
        m.d.comb += [upper.eq(Mux(swap, kept[j], kept[i])), lower.eq(Mux(swap, kept[i], kept[j]))]
        kept[i], kept[j] = upper, lower
    return kept
