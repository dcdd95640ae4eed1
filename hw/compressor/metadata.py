"""Metadata of compressed blocks: encoders, and decoders that know what no block can have.

Encoders start from the selects that the compactor needs anyway, decoders end in them.
"""

import itertools
from functools import reduce
from math import comb
from operator import or_

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.carry_save import add
from hw.config import Pattern
from hw.gather.gather import SelectDecoder, selects_layout


__all__ = ["BitmaskDecoder", "IndexDecoder", "IndexEncoder", "RankEncoder", "UnrankLane",
           "rank_parts"]


def _constant(select, values):
    """The one of the constants that a one-hot selects, bit by bit an OR of selects."""
    width = max(values).bit_length()
    return Cat(reduce(or_, (select[d] for d, value in enumerate(values) if value >> bit & 1),
                      C(0, 1)) for bit in range(width))


class IndexEncoder(wiring.Component):
    """Position of every kept value, ascending, ceil(log2 M) bits each. Combinational.

    Parameters
    ----------
    pattern : Pattern

    Members
    -------
    selects : In(ArrayLayout(span, n))
        As :class:`hw.gather.gather.SelectDecoder` gives them.
    code : Out(ArrayLayout(range(m), n))
    """

    def __init__(self, pattern: Pattern):
        super().__init__({
            "selects": In(selects_layout(pattern)),
            "code": Out(data.ArrayLayout(range(pattern.m), pattern.n)),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        for lane in range(self.pattern.n):
            m.d.comb += self.code[lane].eq(
                _constant(self.selects[lane], range(lane, lane + self.pattern.span)))
        return m


def rank_terms(pattern: Pattern) -> list[list[int]]:
    """For each kept value what its positions add to the rank: C(p, i + 1), ``span`` constants."""
    return [[comb(lane + d, lane + 1) for d in range(pattern.span)] for lane in range(pattern.n)]


def rank_parts(pattern: Pattern) -> list[int]:
    """Widths of what a rank is registered in first: up to 8 terms as their sum, more as terms."""
    if pattern.n <= 8:
        return [pattern.rank_bits]
    return [max(constants).bit_length() for constants in rank_terms(pattern)]


class RankEncoder(wiring.Component):
    """Rank of the mask among all masks of the pattern, or its terms. Combinational.

    Kept value ``i`` at position ``p`` adds C(p, i + 1). Its select chooses among ``span``
    constants, which costs OR gates alone; area and delay are those of adding N terms.

    Parameters
    ----------
    pattern : Pattern

    Members
    -------
    selects : In(ArrayLayout(span, n))
    code : Out(sum(rank_parts(pattern)))
        The rank or, where N > 8, its terms one above the other, as wide as ``rank_parts`` says.
    """

    def __init__(self, pattern: Pattern):
        super().__init__({
            "selects": In(selects_layout(pattern)),
            "code": Out(sum(rank_parts(pattern))),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        terms = []
        for lane, constants in enumerate(rank_terms(self.pattern)):
            term = Signal(max(constants).bit_length(), name=f"term{lane}")
            m.d.comb += term.eq(_constant(self.selects[lane], constants))
            terms.append(term)
        if len(rank_parts(self.pattern)) == 1:
            terms = [add(m, terms, self.pattern.rank_bits)]
        m.d.comb += self.code.eq(Cat(terms))
        return m


class BitmaskDecoder(wiring.Component):
    """Selects of a bitmask, and whether exactly N of its bits are set. Combinational.

    Members
    -------
    code : In(m)
    selects : Out(ArrayLayout(span, n))
    legal : Out(1)
    """

    def __init__(self, pattern: Pattern):
        super().__init__({
            "code": In(pattern.m),
            "selects": Out(selects_layout(pattern)),
            "legal": Out(1),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        m.submodules.decoder = decoder = SelectDecoder(self.pattern)
        m.d.comb += [
            decoder.mask.eq(self.code),
            self.selects.eq(decoder.selects),
            self.legal.eq(sum(self.code) == self.pattern.n),
        ]
        return m


class IndexDecoder(wiring.Component):
    """Selects of N indices, and whether they ascend and lie below M. Combinational.

    Members
    -------
    code : In(index_bits)
    selects : Out(ArrayLayout(span, n))
        One-hots if legal.
    legal : Out(1)
    """

    def __init__(self, pattern: Pattern):
        super().__init__({
            "code": In(pattern.index_bits),
            "selects": Out(selects_layout(pattern)),
            "legal": Out(1),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        n, size = self.pattern.n, self.pattern.m
        width = (size - 1).bit_length()
        indices = [self.code.word_select(lane, width) for lane in range(n)]
        for lane, index in enumerate(indices):
            m.d.comb += self.selects[lane].eq(
                Cat(index == lane + d for d in range(self.pattern.span)))
        ascending = [low < high for low, high in itertools.pairwise(indices)]
        m.d.comb += self.legal.eq(Cat(*ascending, indices[-1] < size).all())
        return m


class UnrankLane(wiring.Component):
    """Finds the position of one kept value in a rank, the values above it being known.

    Lane ``i`` stands at the largest position ``p`` whose C(p, i + 1) is not above the rank, which
    is then lowered by it. All ``span`` constants are compared at once. Combinational.

    Parameters
    ----------
    pattern : Pattern
    lane : int

    Members
    -------
    rank : In
        Below C(lane + span, lane + 1); that of lanes 0 to ``lane``.
    select : Out(span)
        Bit ``d``: the value stands at position ``lane + d``.
    left : Out
        The rank of the lanes below.
    """

    def __init__(self, pattern: Pattern, lane: int):
        super().__init__({
            "rank": In(self.bits(pattern, lane)),
            "select": Out(pattern.span),
            "left": Out(self.bits(pattern, lane - 1)),
        })
        self.pattern = pattern
        self.lane = lane

    @property
    def variant(self) -> str:
        """The lane."""
        return f"{self.lane}"

    @staticmethod
    def bits(pattern: Pattern, lane: int) -> int:
        """Bits of the rank of lanes 0 to ``lane``; of no lane, one bit."""
        return max(1, (comb(lane + pattern.span, lane + 1) - 1).bit_length())

    def elaborate(self, platform):
        m = Module()
        constants = rank_terms(self.pattern)[self.lane]
        fits = Signal(self.pattern.span + 1)
        m.d.comb += [
            fits.eq(Cat(self.rank >= constant if constant else C(1) for constant in constants)),
            self.select.eq(fits & ~(fits >> 1)),
            self.left.eq(self.rank - _constant(self.select, constants)),
        ]
        return m
