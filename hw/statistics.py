"""Sums that the variance correction needs."""

from amaranth.hdl import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.adder import Columns
from hw.config import Design
from hw.stream import TokenSums


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
        values = list(self.values)
        squares = [self._square(m, k, value) for k, value in enumerate(values)]
        for name, numbers in (("total", values), ("squares", squares)):
            kept = [Mux(keep, number, 0) for keep, number in zip(self.mask, numbers, strict=True)]
            m.d.comb += [
                self.sums[name].eq(_sum(m, numbers, len(self.sums[name]))),
                self.sums[f"kept_{name}"].eq(_sum(m, kept, len(self.sums[f"kept_{name}"]))),
            ]
        return m

    def _square(self, m, k, value):
        """``value ** 2``, from the products of its magnitude's bits, each of them used once."""
        bits = self.design.number.bits
        magnitude = Signal(bits, name=f"magnitude{k}")
        square = Signal((1 << 2 * bits - 2).bit_length(), name=f"square{k}")
        m.d.comb += magnitude.eq(abs(value))
        columns = Columns(len(square))
        for i in range(bits):
            columns.add(2 * i, magnitude[i])
            for j in range(i):
                columns.add(i + j + 1, magnitude[i] & magnitude[j])
        m.d.comb += square.eq(Cat(columns.sum(m)))
        return square


def _sum(m, numbers, width):
    """Add numbers of one shape, modulo ``2 ** width``."""
    columns = Columns(width)
    for number in numbers:
        top = len(number) - 1
        for bit in range(top):
            columns.add(bit, number[bit])
        columns.add(top, number[top], negative=number.shape().signed)
    return Cat(columns.sum(m))
