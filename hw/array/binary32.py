"""Sums of floats to binary32, bf16 or fp16, where they leave the array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array.sums import ResultRow, SumRow
from hw.config import Design
from hw.formats import FORMATS
from hw.stream.register import StreamRegister, relay


__all__ = ["RoundRow"]


FRACTION, EXPONENT, BIAS = 23, 8, 127
WIDTH = 1 + EXPONENT + FRACTION
NAN, INFINITY = 0x7FC00000, 0xFF << FRACTION

FP16 = FORMATS["fp16"]
BELOW = BIAS - FP16.bias
"""What exponent fields of binary32 are above those of fp16."""


class RoundRow(wiring.Component):
    """Makes results of the sums of a row: rounds them once, to the nearest, half to even.

    To binary32, of which rounded sums are already, to bf16, which has its exponents, or, rounded
    sums alone, to fp16. Exact sums are within the range of normal numbers, or zero, which is +0.
    NaN is 7FC00000, its upper half, or 7E00. Latency two cycles, one row per cycle; behind the
    first stand magnitudes.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(SumRow(design)))
    o : Out(stream.Signature(ResultRow(design)))
    """

    latency = 2
    interval = 1

    def __init__(self, design: Design):
        self.design = design
        super().__init__({"i": In(stream.Signature(SumRow(design))),
                          "o": Out(stream.Signature(ResultRow(design)))})

    def elaborate(self, platform):
        m = Module()
        design, exact = self.design, self.design.accumulator == "exact"
        self.cut = WIDTH - design.result_bits  # lowest bits of binary32 that a result has not
        number = Value.cast(self.i.payload.sums[0]["total" if exact else "mantissa"])
        self.width = len(number)
        magnitude = data.StructLayout({"size": unsigned(self.width), "negative": 1, "nan": 1,
                                       **({} if exact else {"field": 8, "infinite": 1})})
        m.submodules.magnitudes = first = StreamRegister(data.StructLayout(
            {"sums": data.ArrayLayout(magnitude, design.columns), "last": 1}))
        m.submodules.results = second = StreamRegister(ResultRow(design))
        for column in range(design.columns):
            given, held = self.i.payload.sums[column], first.i.payload.sums[column]
            (self._measure_exact if exact else self._measure_rounded)(m, given, held)
            packed = (self._rounded if exact else self._packed)(m, first.o.payload.sums[column])
            m.d.comb += second.i.payload.accumulators[column].eq(packed)
        relay(m, self.i, first.i)
        relay(m, first.o, second.i)
        wiring.connect(m, second.o, wiring.flipped(self.o))
        return m

    def _measure_exact(self, m, given, held):
        """Sign and magnitude of an exact sum."""
        negative = given.total[-1]
        m.d.comb += [
            held.size.eq(Mux(negative, -given.total, given.total)),
            held.negative.eq(negative),
            held.nan.eq(given.nan if self.design.number.nan else 0),
        ]

    def _measure_rounded(self, m, given, held):
        """Sign and magnitude of a sum that is rounded already."""
        negative = given.mantissa[-1]
        m.d.comb += [
            held.size.eq(Mux(negative, -given.mantissa, given.mantissa)),
            held.negative.eq(Mux(given.infinite, given.negative, negative | given.negative)),
            held.field.eq(given.field), held.infinite.eq(given.infinite), held.nan.eq(given.nan),
        ]

    def _packed(self, m, given):
        """The bits of a rounded sum: -2 ** 24 has the next exponent, a subnormal number none."""
        if self.design.result_format == "fp16":
            return self._half(m, given)
        normal = given.size[FRACTION] | given.size[FRACTION + 1]
        field = Mux(normal, given.field, 0) + given.size[FRACTION + 1]
        finite = Cat(given.size[:FRACTION], field[:EXPONENT])
        if self.cut:  # a carry into the exponent gives the next number, the last one infinity
            lowest, guard, rest = (finite[self.cut], finite[self.cut - 1],
                                   finite[:self.cut - 1].any())
            finite = finite[self.cut:] + (guard & (rest | lowest))
        return self._result(given, Mux(given.infinite, INFINITY >> self.cut, finite))

    def _half(self, m, given):
        """The bits of a rounded sum in fp16, which has fewer exponents: the number moves right.

        By 12 places everything is less than half of the smallest number.
        """
        carry, most = given.size[FRACTION + 1], FP16.mantissa + 2
        field, down, places = Signal(EXPONENT + 1), Signal(signed(EXPONENT + 2)), Signal(4)
        m.d.comb += [field.eq(given.field + carry), down.eq(BELOW + 1 - field),
                     places.eq(Mux(down[-1], 0, Mux(down > most, most, down[:4])))]
        size, moved = Cat(given.size[:FRACTION], given.size[FRACTION] | carry), Signal(36)
        m.d.comb += moved.eq(Cat(Const(0, most), size) >> places)
        dropped = len(moved) - FP16.mantissa - 1
        kept, guard, rest = moved[dropped:], moved[dropped - 1], moved[:dropped - 1].any()
        exponent = Mux(kept[-1], (field - BELOW)[:FP16.exponent], 0)
        packed = Cat(kept[:-1], exponent) + (guard & (rest | kept[0]))
        beyond = given.infinite | (field > FP16.max_exponent + BIAS)
        return self._result(given, Mux(beyond, FP16.infinity, packed))

    def _result(self, given, magnitude):
        """A result of a sign and the bits without it, or NaN."""
        bits = FRACTION + EXPONENT - self.cut
        nan = NAN >> self.cut
        if self.design.result_format == "fp16":
            nan = FP16.infinity | 1 << FP16.mantissa - 1
        return Mux(given.nan, nan, Cat(magnitude[:bits], given.negative))

    def _rounded(self, m, given):
        """The bits of a magnitude as a result."""
        width, fraction = self.width, FRACTION - self.cut
        bits, zeros = given.size, []
        for k in reversed(range((width - 1).bit_length())):
            none = ~bits[width - (1 << k):].any()
            shifted = Signal(width)
            m.d.comb += shifted.eq(Mux(none, bits << (1 << k), bits))
            zeros.append(none)
            bits = shifted
        bits = Cat(Const(0, max(0, fraction + 3 - width)), bits)
        dropped = len(bits) - fraction - 1
        kept, guard, rest = bits[dropped:], bits[dropped - 1], bits[:dropped - 1].any()
        top = BIAS + width - 1 + self.design.product_unit  # exponent field without zeros
        field = Mux(kept[-1], top - Cat(reversed(zeros)), 0)
        packed = Cat(kept[:-1], field[:EXPONENT]) + (guard & (rest | kept[0]))
        return self._result(given, packed)
