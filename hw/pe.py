"""The processing element: dot product of a block, and its accumulator."""

from amaranth.hdl import Cat, Module, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.adder import Columns
from hw.config import VALUE_WIDTH, Pattern
from hw.gather import route
from hw.multiplier import DIGITS, Digit, partial_products
from hw.network import make_network
from hw.row import SharedLayout


__all__ = ["PE", "DotProduct"]


class DotProduct(wiring.Component):
    """Multiplies activations with as many weights, and accumulates.

    A module of its own: it is the same whatever brings the weights, a gather or nothing.

    Parameters
    ----------
    lanes : int
        Pairs of an activation and a weight.
    accumulator_width : int
        Bits of the accumulator.
    correction_width : int
        Bits of ``correction``.
    inverted : bool
        The weights come as complements.

    Members
    -------
    digits, correction, keep : In
        As in ``SharedLayout``.
    weights : In(8 * lanes)
        Lane 0 lowest.
    accumulator : Out(signed(accumulator_width))
        Sum of all steps since the last one that began a sum.
    """

    def __init__(self, lanes: int, accumulator_width: int, correction_width: int, *,
                 inverted: bool):
        self.lanes = lanes
        self.inverted = inverted
        super().__init__({
            "digits": In(data.ArrayLayout(data.ArrayLayout(Digit(), DIGITS), lanes)),
            "correction": In(correction_width),
            "keep": In(1),
            "weights": In(unsigned(VALUE_WIDTH * lanes)),
            "accumulator": Out(signed(accumulator_width)),
        })

    def elaborate(self, platform):
        m = Module()
        columns = Columns(len(self.accumulator))
        weights = ~self.weights if self.inverted else self.weights
        for lane in range(self.lanes):
            weight = list(weights.word_select(lane, VALUE_WIDTH))
            for k, product in enumerate(partial_products(self.digits[lane], weight)):
                *bits, sign = product
                for j, bit in enumerate(bits):
                    columns.add(2 * k + j, bit)
                columns.add(2 * k + len(bits), sign, negative=True)
        for j, bit in enumerate(self.correction):
            columns.add(j, bit)
        for j, bit in enumerate(Value.cast(self.accumulator)):
            columns.add(j, bit & self.keep)
        m.d.sync += self.accumulator.eq(Cat(columns.sum(m)))
        return m


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
    gather : str
        Network of the gather, one of :data:`hw.config.GATHERS`.

    Members
    -------
    shared : In(SharedLayout(pattern, gather))
        Activations and what selects their weights, as ``RowDecoder`` gives them.
    weights : In(ArrayLayout(signed(8), m))
        Weights of the block.
    accumulator : Out(signed(accumulator_width))
        Sum of all steps since the last one that began a sum.
    """

    def __init__(self, pattern: Pattern, accumulator_width: int = 32, gather: str = "auto"):
        self.pattern = pattern
        self.gather = gather
        super().__init__({
            "shared": In(SharedLayout(pattern, gather)),
            "weights": In(data.ArrayLayout(signed(VALUE_WIDTH), pattern.m)),
            "accumulator": Out(signed(accumulator_width)),
        })

    def elaborate(self, platform):
        m = Module()
        shared, weights, inverted = self.shared, Value.cast(self.weights), False
        if not self.pattern.dense:
            weights, inverted = route(m, make_network(self.gather, self.pattern), self.weights,
                                      shared.selects)
        m.submodules.dot_product = dot_product = DotProduct(
            self.pattern.n, len(self.accumulator), len(shared.correction), inverted=inverted)
        m.d.comb += [
            dot_product.digits.eq(shared.digits),
            dot_product.correction.eq(shared.correction),
            dot_product.keep.eq(shared.keep),
            dot_product.weights.eq(weights),
            self.accumulator.eq(dot_product.accumulator),
        ]
        return m
