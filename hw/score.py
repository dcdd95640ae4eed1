"""What selection orders by."""

from amaranth.hdl import Module, Mux, Value, signed, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.formats import Format


__all__ = ["Score"]


class Score(wiring.Component):
    """Scores of a block: ``score_j = |z_j| * c_j``, exact. Combinational.

    Without coefficients ``c`` is 1 (the criterion ACT). The magnitude of an integer needs all its
    bits: that of -128 is 128, the largest of all. A floating-point magnitude is its bits without
    the sign, which order alike: -0 equals +0, infinity lies above the finite values, and NaN above
    infinity, every NaN being given the same score.

    Parameters
    ----------
    pattern : Pattern
    number : Format
        Format of a value.
    coefficients : int
        Bits of a coefficient, 0 for none; integers only.

    Members
    -------
    values : In(ArrayLayout(signed(bits), m))
    factors : In(ArrayLayout(unsigned(coefficients), m))
        Only with coefficients.
    scores : Out(ArrayLayout(unsigned(number.score_width(coefficients)), m))
    """

    def __init__(self, pattern: Pattern, number: Format, coefficients: int = 0):
        members = {
            "values": In(data.ArrayLayout(signed(number.bits), pattern.m)),
            "factors": In(data.ArrayLayout(unsigned(coefficients), pattern.m)),
            "scores": Out(data.ArrayLayout(number.score_width(coefficients), pattern.m)),
        }
        if not coefficients:
            del members["factors"]
        super().__init__(members)
        self.pattern = pattern
        self.number = number
        self.coefficients = coefficients

    def elaborate(self, platform):
        m = Module()
        for k in range(self.pattern.m):
            magnitude = self._magnitude(self.values[k])
            if self.coefficients:
                magnitude = magnitude * self.factors[k]
            m.d.comb += self.scores[k].eq(magnitude)
        return m

    def _magnitude(self, value) -> Value:
        number = self.number
        if number.integer:
            return abs(value)
        bits = Value.cast(value)[:number.bits - 1]
        if number.infinity is None:  # a single NaN, which is the largest pattern anyway
            return bits
        fraction, exponent = bits[:number.mantissa], bits[number.mantissa:]
        return Mux(exponent.all() & fraction.any(), number.nan, bits)
