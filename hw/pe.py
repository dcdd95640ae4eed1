"""The processing element: dot product of a block, and its accumulator."""

from amaranth.hdl import Cat, Module, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.adder import Columns
from hw.config import VALUE_WIDTH, Pattern
from hw.gather import Gather
from hw.multiplier import partial_products
from hw.row import SharedLayout


__all__ = ["PE"]


class PE(wiring.Component):
    """Multiplies a compressed block of activations with its weights, and accumulates.

    In each cycle the accumulator becomes ``(accumulator if keep else 0) + sum(value[i] *
    gathered[i])``, where ``gathered`` are the weights at the positions of the kept activations.
    One block per cycle; the result stands in ``accumulator`` one cycle later. It wraps around on
    overflow, which ``Design`` rules out.

    The activations come recoded, all zero where there is no block to add: a PE holds digit
    selectors and one tree of adders for all partial products and the accumulator together.

    Parameters
    ----------
    pattern : Pattern
        Lanes (``n``) and weights per step (``m``). Dense has no gather.
    accumulator_width : int
        Bits of the accumulator, from 16 to 64.

    Members
    -------
    shared : In(SharedLayout(pattern))
        Activations and what selects their weights, as ``RowDecoder`` gives them.
    weights : In(ArrayLayout(signed(8), m))
        Weights of the block.
    accumulator : Out(signed(accumulator_width))
        Sum of all steps since the last one that began a sum.
    """

    def __init__(self, pattern: Pattern, accumulator_width: int = 32):
        self.pattern = pattern
        super().__init__({
            "shared": In(SharedLayout(pattern)),
            "weights": In(data.ArrayLayout(signed(VALUE_WIDTH), pattern.m)),
            "accumulator": Out(signed(accumulator_width)),
        })

    def elaborate(self, platform):
        m = Module()

        gathered = self.weights
        if not self.pattern.dense:
            m.submodules.gather = gather = Gather(self.pattern, signed(VALUE_WIDTH))
            m.d.comb += gather.values.eq(self.weights)
            m.d.comb += gather.selects.eq(self.shared.selects)
            gathered = gather.gathered

        columns = Columns(len(self.accumulator))
        for lane in range(self.pattern.n):
            weight = list(Value.cast(gathered[lane]))
            for k, product in enumerate(partial_products(self.shared.digits[lane], weight)):
                *bits, sign = product
                for j, bit in enumerate(bits):
                    columns.add(2 * k + j, bit)
                columns.add(2 * k + len(bits), sign, negative=True)
        for j, bit in enumerate(self.shared.correction):
            columns.add(j, bit)
        for j, bit in enumerate(Value.cast(self.accumulator)):
            columns.add(j, bit & self.shared.keep)
        m.d.sync += self.accumulator.eq(Cat(columns.sum(m)))

        return m
