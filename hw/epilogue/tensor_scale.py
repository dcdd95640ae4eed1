"""Sums of NVFP4 times the scales of both tensors."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.wire import wire
from hw.array.float_product import multiple
from hw.array.sums import ResultRow
from hw.config import Design
from hw.fixed_point import FLOATS, Output
from hw.formats import FORMATS
from hw.stream.register import StreamRegister, relay


__all__ = ["TensorScale"]


FP32, BF16 = FLOATS[Output.FP32], FORMATS["bf16"]
FIELD = FP32.exponent
INFINITE = (1 << FIELD) - 1


class _Product(data.StructLayout):
    """A sum times the gain, before it is rounded.

    Fields
    ------
    significand : unsigned(32)
        The magnitude is ``significand * 2 ** (field - 157)``, from 2 ** 30 on; zero for zero.
    field : unsigned(9)
        Where the significand is zero it means nothing.
    negative, nan : 1
    """

    def __init__(self):
        super().__init__({"significand": FP32.mantissa + BF16.mantissa + 2, "field": FIELD + 1,
                          "negative": 1, "nan": 1})


class TensorScale(wiring.Component):
    """Multiplies the rows of the array by a gain, and rounds each result once, half to even.

    Sums of NVFP4 are zero, NaN, or normal numbers of binary32, multiples of the smallest product of
    two elements and two scales. With gains from ``2 ** NVFP4_LEAST_GAIN`` on no result is subnormal
    either, so that significands are multiplied as they are, and the product's highest bit has one
    of two places. What is beyond the largest number is infinite; NaN has the bits of the array's.
    Latency two cycles, one row per cycle; the product stands behind the first. Reset empties it.

    Parameters
    ----------
    design : Design
        Of an accelerator whose compressor has scales of tensors.

    Members
    -------
    i : In(stream.Signature(ResultRow(design.multiplied)))
        binary32.
    gain : In(16)
        bf16, positive, normal and finite; stable while a row is inside.
    o : Out(stream.Signature(ResultRow(design)))
    """

    latency = 2
    interval = 1

    def __init__(self, design: Design):
        self.design = design
        super().__init__({"i": In(stream.Signature(ResultRow(design.multiplied))),
                          "gain": In(BF16.bits), "o": Out(stream.Signature(ResultRow(design)))})

    def elaborate(self, platform):
        m = Module()
        columns = self.design.columns
        m.submodules.products = first = StreamRegister(data.StructLayout(
            {"columns": data.ArrayLayout(_Product(), columns), "last": 1}))
        m.submodules.results = second = StreamRegister(ResultRow(self.design))
        for column in range(columns):
            self._multiply(m, Value.cast(self.i.payload.accumulators[column]),
                           first.i.payload.columns[column])
            m.d.comb += second.i.payload.accumulators[column].eq(
                self._rounded(m, first.o.payload.columns[column]))
        relay(m, self.i, first.i)
        relay(m, first.o, second.i)
        wiring.connect(m, second.o, wiring.flipped(self.o))
        return m

    def _multiply(self, m: Module, given: Value, product) -> None:
        """The exact product of a sum and the gain, two bits of which choose a multiple."""
        field = given[FP32.mantissa:-1]
        significand = Signal(FP32.mantissa + 1)
        m.d.comb += [
            significand.eq(Mux(field.any(), Cat(given[:FP32.mantissa], Const(1, 1)), 0)),
            product.significand.eq(multiple(m, significand, wire(m, significand * 3), list(
                Cat(self.gain[:BF16.mantissa], Const(1, 1))))),
            product.field.eq(field + self.gain[BF16.mantissa:-1] - BF16.bias),
            product.negative.eq(given[-1]), product.nan.eq(field.all()),
        ]

    def _rounded(self, m: Module, product) -> Value:
        """The bits of a product as a result."""
        form = FLOATS[Output[self.design.result_format.upper()]]
        width, high = len(product.significand), product.significand[-1]
        shifted, packed = Signal(width), Signal(form.mantissa + FIELD + 1)
        m.d.comb += shifted.eq(Mux(high, product.significand, product.significand << 1))
        below = width - form.mantissa - 1
        kept, guard, rest = shifted[below:], shifted[below - 1], shifted[:below - 1].any()
        m.d.comb += packed.eq(Cat(kept[:-1], (product.field + high)[:FIELD + 1])
                              + (guard & (rest | kept[0])))
        infinity = INFINITE << form.mantissa
        result, magnitude = Signal(form.bits), Signal(form.bits - 1)
        m.d.comb += magnitude.eq(Mux(packed >= infinity, infinity, packed[:-1]))
        with m.If(product.nan):
            m.d.comb += result.eq(infinity | 1 << form.mantissa - 1)
        with m.Elif(shifted[-1]):  # not zero
            m.d.comb += result.eq(Cat(magnitude, product.negative))
        with m.Else():
            m.d.comb += result.eq(Cat(Const(0, form.bits - 1), product.negative))
        return result
