"""Selector that compares every pair of scores."""

from itertools import combinations

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from hw.selector.combinational import CombinationalSelector
from hw.selector.count import at_least, lift_of, reaches, sort_bits


__all__ = ["RankSelector", "keep", "not_less"]


class RankSelector(CombinationalSelector):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    Every pair of scores is compared once. A score is kept if it wins at least ``m - n`` of its
    ``m - 1`` comparisons. Combinational. The fastest structure, and the smallest for small ``m``;
    area grows with ``m ** 2``.

    With a pattern at run time the comparisons that a score loses are counted, those with scores of
    its own block only: an aligned pair shares a block of ``2 ** k`` if the indices differ in their
    low ``k`` bits only.

    Parameters and ports are those of :class:`hw.selector.combinational.CombinationalSelector`.
    """

    def elaborate(self, platform):
        m = Module()
        n, size = self.pattern.n, self.pattern.m

        # The lower index wins ties, therefore "not less".
        first = {(low, high): not_less(m, self.scores[low], self.scores[high])
                 for low, high in combinations(range(size), 2)}
        if self.flexible == "none":
            m.d.comb += self.mask.eq(keep(m, n, size, first))
            return m
        lift = [[bit] for bit in lift_of(m, self.n, size)]
        m.d.comb += self.mask.eq(Cat(~reaches(m, lost, lift) for lost in self._lost(first)))
        return m

    def _lost(self, first):
        """For each lane, one bit for every score of its block that comes before it."""
        lost: list[list[Value]] = [[] for _ in range(self.pattern.m)]
        for (low, high), low_wins in first.items():
            same: Value | int = 1
            if self.flexible == "all":
                same = self.size >= (low ^ high).bit_length()
            lost[low].append(~low_wins & same)
            lost[high].append(low_wins & same)
        return lost


def not_less(m: Module, a: Value, b: Value) -> Value:
    """``a >= b``, decided by the highest bit that differs."""
    differ = Signal(len(a))
    m.d.comb += differ.eq(a ^ b)
    result: Value = Signal()
    m.d.comb += result.eq(a[0] | ~b[0])
    for bit in range(1, len(a)):
        decided = Signal()
        m.d.comb += decided.eq(Mux(differ[bit], a[bit], result))
        result = decided
    return result


def keep(m: Module, n: int, size: int, first: dict[tuple[int, int], Value]) -> Value:
    """The mask, from whether lane ``low`` comes before lane ``high`` for every such pair."""
    wins: list[list[Value]] = [[] for _ in range(size)]
    for (low, high), low_wins in first.items():
        wins[low].append(low_wins)
        wins[high].append(~low_wins)
    # Up to 15 wins are sorted faster than counted. Three are one gate, and the networks of more
    # than 15 would multiply the netlist.
    sort = 4 < size <= 16
    return Cat(sort_bits(m, lane)[size - n - 1] if sort else at_least(m, lane, size - n)
               for lane in wins)
