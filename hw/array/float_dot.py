"""Dot products of floats, with an exact accumulator or one that rounds to binary32."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import ChainedColumns, Columns
from hw.arithmetic.normalise import normalised
from hw.array.block_scale import is_nan, largest_factor, scaled
from hw.array.float_accumulator import FIELD, FloatAccumulator
from hw.array.float_product import Activation, fixed_product, whole
from hw.array.float_row import FloatLayout
from hw.array.infinities import specials
from hw.array.sums import MANTISSA, ExactSum, RoundedSum
from hw.config import Design


__all__ = ["ExactDotProduct", "FloatDotProduct", "RoundedDotProduct"]


BIAS = 150
"""What the field of a ``RoundedSum`` is above the exponent of its lowest bit."""


class FloatDotProduct(wiring.Component):
    """Multiplies floats with as many weights. See the two kinds of accumulators below."""

    def __init__(self, design: Design, accumulator, *, inverted: bool):
        self.design = design
        self.inverted = inverted
        super().__init__({
            **{name: In(field.shape) for name, field in FloatLayout(design) if name != "selects"},
            **({"weight_scale": In(8)} if design.block else {}),
            "weights": In(unsigned(design.lanes * design.weight.bits)),
            "accumulator": Out(accumulator),
        })

    def _lanes(self) -> list[Value]:
        """The weight of each lane."""
        weights = ~self.weights if self.inverted else self.weights
        bits = self.design.weight.bits
        return [weights.word_select(lane, bits) for lane in range(self.design.lanes)]

    def _columns(self, width: int) -> Columns:
        """Adders of the products, those that are smaller: products of many bits have chains."""
        return (Columns if whole(self.design.number) else ChainedColumns)(width)

    def _products(self, m: Module, columns: Columns) -> None:
        """Add the products of all lanes to a sum."""
        form, weights = self.design.number, self.design.weight
        for lane, weight in enumerate(self._lanes()):
            activation = Activation(self.signs[lane], self.bases[lane], self.triples[lane],
                                    None if whole(form) else self.exponents[lane])
            bits, sign, lacks = fixed_product(m, form, weights, activation, weight)
            for k, bit in enumerate(bits):
                columns.add(k, bit)
            if whole(form):
                columns.add(0, lacks)
            columns.add(len(bits), sign, negative=True)

    def _nan(self, found: list[Value] | None = None) -> Value:
        """Whether a step is NaN: by activations, scales, and what is found among its products.

        In a format without infinities those are the gathered weights that are NaN.
        """
        if found is None:
            found = [weight[:-1].all() for weight in self._lanes() if self.design.weight.nan]
            if self.design.marks_filler:
                found = [nan & self.kept[lane] for lane, nan in enumerate(found)]
        if self.design.block:
            found = [*found, is_nan(self.design.block, self.weight_scale)]
        return self.nan | (self.step & Cat(found).any())


class ExactDotProduct(FloatDotProduct):
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
    signs, bases, triples, exponents, keep, step, nan, kept : In
        As in ``FloatLayout``.
    weights : In(lanes * weight bits)
        Lane 0 lowest.
    accumulator : Out(ExactSum(design))
        Sum of all steps since the last one that began a sum, a cycle after the last one.
    """

    latency = 1

    def __init__(self, design: Design, *, inverted: bool):
        super().__init__(design, ExactSum(design), inverted=inverted)

    def elaborate(self, platform):
        m = Module()
        columns = self._columns(self.design.accumulator_width)
        self._products(m, columns)
        for k, bit in enumerate(Value.cast(self.accumulator.total)):
            columns.add(k, bit & self.keep, last=not whole(self.design.number))
        m.d.sync += self.accumulator.total.eq(Cat(columns.sum(m)))
        if self.design.number.nan:
            m.d.sync += self.accumulator.nan.eq((self.accumulator.nan & self.keep) | self._nan())
        return m


class RoundedDotProduct(FloatDotProduct):
    """Multiplies floats with as many weights, and rounds to binary32 once a step.

    The sum of a step is exact, times the scales of its two blocks, and registered without leading
    bits that are equal; the accumulator is a module of its own.

    Parameters
    ----------
    design : Design
        Lanes and formats.
    inverted : bool
        The weights come as complements.

    Members
    -------
    signs, bases, triples, exponents, scale, keep, step, nan, infinities, zeros, kept : In
        As in ``FloatLayout``.
    weight_scale : In(8)
        Of the block of weights. Absent where the format has no scales.
    weights : In(lanes * weight bits)
        Lane 0 lowest.
    accumulator : Out(RoundedSum())
        Sum of all steps since the last one that began a sum, two cycles after the last one.
    """

    latency = 2

    def __init__(self, design: Design, *, inverted: bool):
        super().__init__(design, RoundedSum(), inverted=inverted)

    def elaborate(self, platform):
        m = Module()
        value, field = self._step(m)
        infinities = bool(self.design.number.infinity)
        m.submodules.rounding = rounding = FloatAccumulator(len(value), infinities=infinities)
        step = {"value": value, "field": field, "keep": self.keep, "step": self.step}
        if infinities:
            found = specials(m, self.design.weight, self._lanes(), self.signs, self.infinities,
                             self.zeros)
            step |= {"nan": self._nan([found.nan]), "infinite": self.step & found.infinite,
                     "negative": found.negative}
        else:
            step["nan"] = self._nan()
        for name, given in step.items():
            taken = getattr(rounding, name)
            held = Signal(taken.shape(), name=name,
                          reset_less=name in ("value", "field", "negative"))
            m.d.sync += held.eq(given)
            m.d.comb += taken.eq(held)
        m.d.comb += self.accumulator.eq(rounding.total)
        return m

    def _step(self, m: Module) -> tuple[Value, Value]:
        """The sum of a step without equal leading bits, and its exponent."""
        form, weights, block = self.design.number, self.design.weight, self.design.block
        most = self.design.lanes * form.max_units * weights.max_units
        columns = self._columns(most.bit_length() + 1)
        self._products(m, columns)
        given = (self.scale, self.weight_scale) if block else (Const(0), Const(0))
        total, scales, least = scaled(m, block, Cat(columns.sum(m)), *given)
        width = (most * largest_factor(block)).bit_length() + 1
        value, shift, zero = normalised(m, total[:width])

        # As if the value had as many bits as the significand of the accumulator.
        lowest = BIAS + width - MANTISSA + form.unit + weights.unit + least
        return value, Mux(zero, -1 << FIELD - 1, scales - shift + lowest)
