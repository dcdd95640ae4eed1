"""Dot products of floats with an exact accumulator."""

from amaranth.hdl import Cat, Module, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import Columns
from hw.array.float_product import Activation, fixed_product, product_bits, whole
from hw.array.float_row import FloatLayout
from hw.array.sums import ExactSum
from hw.config import Design


__all__ = ["ExactDotProduct"]


class ExactDotProduct(wiring.Component):
    """Multiplies floats with as many weights, and accumulates without rounding.

    A module of its own: it is the same whatever brings the weights, a gather or nothing.

    Parameters
    ----------
    design : Design
        Lanes, formats and the accumulator's width.
    inverted : bool
        The weights come as complements.

    Members
    -------
    signs, bases, triples, exponents, keep, step, nan : In
        As in ``FloatLayout``.
    weights : In(lanes * weight bits)
        Lane 0 lowest.
    accumulator : Out(ExactSum(design))
        Sum of all steps since the last one that began a sum.
    """

    def __init__(self, design: Design, *, inverted: bool):
        self.design = design
        self.inverted = inverted
        fields = {name: In(field.shape) for name, field in FloatLayout(design)
                  if name != "selects"}
        super().__init__({
            **fields,
            "weights": In(unsigned(design.lanes * design.weight.bits)),
            "accumulator": Out(ExactSum(design)),
        })

    def elaborate(self, platform):
        m = Module()
        form, lanes = self.design.number, self.design.lanes
        weights = ~self.weights if self.inverted else self.weights
        columns, top = Columns(self.design.accumulator_width), product_bits(form)
        for lane in range(lanes):
            activation = Activation(self.signs[lane], self.bases[lane], self.triples[lane],
                                    None if whole(form) else self.exponents[lane])
            bits, negative = fixed_product(m, form, activation,
                                           weights.word_select(lane, form.bits))
            for k, bit in enumerate(bits):
                columns.add(k, bit)
            columns.add(0, negative)
            columns.add(top, negative, negative=True)
        for k, bit in enumerate(Value.cast(self.accumulator.total)):
            columns.add(k, bit & self.keep)
        m.d.sync += self.accumulator.total.eq(Cat(columns.sum(m)))
        if form.nan:
            found = Cat(weights.word_select(lane, form.bits)[:-1].all() for lane in range(lanes))
            m.d.sync += self.accumulator.nan.eq(
                (self.accumulator.nan & self.keep) | self.nan | (self.step & found.any()))
        return m
