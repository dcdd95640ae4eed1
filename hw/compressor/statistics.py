"""Sums that the variance correction needs."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import Columns
from hw.arithmetic.carry_save import add
from hw.config import Design
from hw.stream.payloads import TokenSums


__all__ = ["BlockSums"]


class BlockSums(wiring.Component):
    """Sum and sum of squares of a block's values, and of those that are kept. Combinational.

    Parameters
    ----------
    design : Design

    Members
    -------
    values : In(ArrayLayout(signed(bits), m))
    mask : In(m)
    sums : Out(TokenSums(design, 1))
    """

    def __init__(self, design: Design):
        super().__init__({
            "values": In(data.ArrayLayout(signed(design.number.bits), design.pattern.m)),
            "mask": In(design.pattern.m),
            "sums": Out(TokenSums(design, 1)),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        half = 1 << self.design.number.bits - 1
        shifted = [Cat(value[:-1], ~value[-1]) for value in self.values]  # value + half
        squares = [self._square(m, k, value) for k, value in enumerate(self.values)]
        for name, numbers, offset in (("total", shifted, -half), ("squares", squares, 0)):
            # A value that is not kept counts as a zero, so that any number of them may be.
            kept = [Mux(keep, number, -offset)
                    for keep, number in zip(self.mask, numbers, strict=True)]
            for target, terms in ((self.sums[name], numbers), (self.sums[f"kept_{name}"], kept)):
                width = len(target)
                correction = C(self.design.pattern.m * offset % (1 << width), width)
                m.d.comb += target.eq(add(m, [*terms, correction], width))
        return m

    def _square(self, m, k, value):
        """``value ** 2`` from the products of its bits, each of them used once."""
        bits = self.design.number.bits
        square = Signal((1 << 2 * bits - 2).bit_length(), name=f"square{k}")
        columns = Columns(len(square))
        for i in range(bits):
            columns.add(2 * i, value[i])
            for j in range(i):  # the sign bit counts negative
                columns.add(i + j + 1, value[i] & value[j], negative=i == bits - 1)
        m.d.comb += square.eq(Cat(columns.sum(m)))
        return square
