"""What selection orders by."""

from amaranth.hdl import C, Module, Mux, Value, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design, Pattern
from hw.formats import Format
from hw.stream.members import only_if
from hw.stream.payloads import Block
from hw.stream.register import end_stage


__all__ = ["Score", "ScoreStage"]


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
        super().__init__({
            "values": In(data.ArrayLayout(signed(number.bits), pattern.m)),
            **only_if(coefficients,
                      factors=In(data.ArrayLayout(unsigned(coefficients), pattern.m))),
            "scores": Out(data.ArrayLayout(number.score_width(coefficients), pattern.m)),
        })
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


class ScoreStage(wiring.Component):
    """Subtracts the shift and scores what is left: ``z = x - shift`` and ``|z| * c``.

    z saturates to the activation's integers. Latency one cycle.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(Block(design, ...)))
        With ``eta``, ``factors`` and ``shifts`` where the design has them.
    shift : In(signed(bits))
        With a scalar shift.
    o : Out(stream.Signature(Block(design, "scores", ...)))
        z as ``values``; with ``eta`` where the design has it.
    """

    latency = 1
    interval = 1

    def __init__(self, design: Design):
        eta = ["eta"] if design.dynamic_shift else []
        shifts = ["shifts"] if design.shift == "channel" else []
        factors = ["factors"] if design.coefficients else []
        super().__init__({
            "i": In(stream.Signature(Block(design, *eta, *shifts, *factors))),
            **only_if(design.shift == "scalar", shift=In(signed(design.number.bits))),
            "o": Out(stream.Signature(Block(design, *eta, "scores"))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, block = self.design, self.i.payload
        m.submodules.score = score = Score(design.pattern, design.number, design.coefficients)
        for k in range(design.pattern.m):
            m.d.comb += score.values[k].eq(self._subtract(block.values[k], self._shift(k)))
        if design.coefficients:
            m.d.comb += score.factors.eq(block.factors)
        end_stage(m, self, values=score.values, scores=score.scores)
        return m

    def _shift(self, k):
        match self.design.shift:
            case "none":
                return None
            case "scalar":
                return self.shift
            case "channel":
                return self.i.payload.shifts[k]
            case _:
                return self.i.payload.eta

    def _subtract(self, value, shift):
        """The difference, saturated."""
        if shift is None:
            return value
        bits = self.design.number.bits
        difference = value - shift
        low, high = -(1 << bits - 1), (1 << bits - 1) - 1
        overflow = difference[bits] ^ difference[bits - 1]
        return Mux(overflow, Mux(difference[bits], C(low, bits), C(high, bits)),
                   difference[:bits])
