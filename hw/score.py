"""What selection orders by."""

from amaranth.hdl import Module, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH, Pattern


__all__ = ["Magnitude"]


class Magnitude(wiring.Component):
    """Scores of the magnitude criterion (ACT): ``score_j = |x_j|``, exact. Combinational.

    The magnitude of int8 needs 8 bits: that of -128 is 128, the largest of all.

    Parameters
    ----------
    pattern : Pattern

    Members
    -------
    values : In(ArrayLayout(signed(8), m))
    scores : Out(ArrayLayout(unsigned(8), m))
    """

    def __init__(self, pattern: Pattern):
        super().__init__({
            "values": In(data.ArrayLayout(signed(VALUE_WIDTH), pattern.m)),
            "scores": Out(data.ArrayLayout(VALUE_WIDTH, pattern.m)),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        for k in range(self.pattern.m):
            m.d.comb += self.scores[k].eq(abs(self.values[k]))
        return m
