"""Sums of floats to binary32, where they leave the array."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array.sums import ResultRow, SumRow
from hw.config import Design
from hw.stream.register import StreamRegister


__all__ = ["RoundRow"]


MANTISSA, EXPONENT, BIAS = 23, 8, 127
NAN = 0x7FC00000


class RoundRow(wiring.Component):
    """Rounds the exact sums of a row to binary32: to the nearest, half to even.

    A sum that is NaN becomes 7FC00000, one that is zero +0. Nothing else is special: every sum is
    within the range of normal numbers. Latency two cycles, one row per cycle; behind the first
    stand magnitudes.

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
        design = self.design
        magnitude = data.StructLayout({"size": unsigned(design.accumulator_width), "negative": 1,
                                       "nan": 1})
        m.submodules.magnitudes = first = StreamRegister(data.StructLayout(
            {"sums": data.ArrayLayout(magnitude, design.columns), "last": 1}))
        m.submodules.results = second = StreamRegister(ResultRow(design))
        for column in range(design.columns):
            given, held = self.i.payload.sums[column], first.i.payload.sums[column]
            negative = given.total[-1]
            m.d.comb += [
                held.size.eq(Mux(negative, -given.total, given.total)),
                held.negative.eq(negative),
                held.nan.eq(given.nan if design.number.nan else 0),
                second.i.payload.accumulators[column].eq(
                    self._rounded(m, first.o.payload.sums[column])),
            ]
        m.d.comb += [
            first.i.payload.last.eq(self.i.payload.last), first.i.valid.eq(self.i.valid),
            self.i.ready.eq(first.i.ready),
            second.i.payload.last.eq(first.o.payload.last), second.i.valid.eq(first.o.valid),
            first.o.ready.eq(second.i.ready),
        ]
        wiring.connect(m, second.o, wiring.flipped(self.o))
        return m

    def _rounded(self, m, given):
        """The bits of a magnitude as binary32."""
        width = self.design.accumulator_width
        bits, zeros = given.size, []
        for k in reversed(range((width - 1).bit_length())):
            none = ~bits[width - (1 << k):].any()
            shifted = Signal(width)
            m.d.comb += shifted.eq(Mux(none, bits << (1 << k), bits))
            zeros.append(none)
            bits = shifted
        bits = Cat(Const(0, max(0, MANTISSA + 3 - width)), bits)
        dropped = len(bits) - MANTISSA - 1
        kept, guard, rest = bits[dropped:], bits[dropped - 1], bits[:dropped - 1].any()
        top = BIAS + width - 1 + 2 * self.design.number.unit  # exponent field without zeros
        field = Mux(kept[-1], top - Cat(reversed(zeros)), 0)
        packed = Cat(kept[:-1], field[:EXPONENT]) + (guard & (rest | kept[0]))
        return Mux(given.nan, NAN, Cat(packed[:MANTISSA + EXPONENT], given.negative))
