"""The accumulator that rounds to binary32 once a step."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.normalise import leading_zeros
from hw.array.sums import MANTISSA, RoundedSum
from hw.stream.members import only_if


__all__ = ["FIELD", "FloatAccumulator"]


FIELD = 10
"""Bits of the signed exponent field of a step: two scales E8M0 span 509 exponents."""


class FloatAccumulator(wiring.Component):
    """Adds exact steps, and rounds each sum to binary32: to the nearest, half to even.

    All of a sum is in two's complement, with 25 bits of significand: rounding to nearest even is
    the same for both signs, so that nothing is negated. The operand with the smaller exponent is
    shifted right, with two guard bits and a bit for what is shifted out behind them; the sum is
    shifted left by its equal leading bits, no farther than to the smallest exponent, and rounded.
    One step per cycle: this is the loop, and all of it lies between two edges of the clock.

    The sum stands in ``total`` one cycle after the step. Reset makes it +0.

    Parameters
    ----------
    width : int
        Bits of a step.
    infinities : bool
        Steps may be infinite, too, and not the sum alone.

    Members
    -------
    value : In(signed(width))
        The step, its two highest bits different, or zero.
    field : In(signed(FIELD))
        Exponent of the step, as that of ``RoundedSum``: as if ``value`` had as many bits as its
        significand. The least number where the step is zero.
    keep : In(1)
        Low if the step begins a new sum.
    step : In(1)
        There is a step; else ``value`` is zero.
    nan : In(1)
        The step is NaN.
    infinite, negative : In(1), with ``infinities``
        The step is infinite, whatever ``value`` is, and its sign then.
    total : Out(RoundedSum())
    """

    def __init__(self, width: int, *, infinities: bool = False):
        self.width = width
        self.infinities = infinities
        super().__init__({"value": In(signed(width)), "field": In(signed(FIELD)), "keep": In(1),
                          "step": In(1), "nan": In(1),
                          **only_if(infinities, infinite=In(1), negative=In(1)),
                          "total": Out(RoundedSum())})

    @property
    def variant(self) -> str:
        """Bits of a step, and whether it may be infinite."""
        return f"{self.width}{'_infinite' * self.infinities}"

    def elaborate(self, platform):
        m = Module()
        size = max(MANTISSA, self.width)
        total, keep = self.total, self.keep
        held = total.mantissa.as_unsigned() & keep.replicate(MANTISSA)
        field = Cat((total.field[0] & keep) | ~keep, total.field[1:] & keep.replicate(7))
        held = Cat(Const(0, size - MANTISSA), held)
        given = Cat(Const(0, size - self.width), self.value)

        # The distance is that of the fields, one less if the step has the larger one: its
        # counterpart then moves by one place in any case.
        ahead = Signal(signed(FIELD + 1))
        m.d.comb += ahead.eq(field - self.field)
        larger = ahead[-1]
        exponent, stays, moves = Signal(FIELD), Signal(size), Signal(size + 1)
        m.d.comb += [
            exponent.eq(Mux(larger, self.field, field)),
            stays.eq(Mux(larger, given, held)),
            moves.eq(Mux(larger, Cat(held, held[-1]), Cat(Const(0, 1), given))),
        ]
        distance = ahead[:FIELD] ^ larger.replicate(FIELD)
        moved, rest = self._moved(m, moves, distance)
        added = Signal(size + 4)
        m.d.comb += added.eq(Cat(rest, (Cat(Const(0, 2), stays).as_signed()
                                        + moved.as_signed())[:size + 3]))
        self._round(m, added, exponent)
        return m

    def _moved(self, m: Module, value: Value, distance: Value) -> tuple[Value, Value]:
        """A value with one more bit, shifted right; and whether ones were shifted out."""
        value, sign, lost = Cat(Const(0, 1), value), value[-1], Const(0, 1)
        levels = (len(value) - 1).bit_length()
        for k in reversed(range(levels)):
            shifted, out = Signal(len(value)), Signal()
            m.d.comb += [
                shifted.eq(Mux(distance[k], Cat(value[1 << k:], sign.replicate(1 << k)), value)),
                out.eq(lost | (distance[k] & value[:1 << k].any())),
            ]
            value, lost = shifted, out
        far = distance[levels:].any()
        return (Mux(far, sign.replicate(len(value)), value),
                lost | (far & value.any()))

    def _round(self, m: Module, added: Value, exponent: Value) -> None:
        """Normalise and round a sum whose highest bit has the place above ``exponent``."""
        total, keep, negative = self.total, self.keep, added[-1]
        zeros = leading_zeros(m, added[:-1] ^ negative.replicate(len(added) - 1))
        few = exponent[len(zeros):].any() | (zeros < exponent[:len(zeros)])
        amount, shifted = Signal(len(zeros)), Signal(len(added))
        m.d.comb += [amount.eq(Mux(few, zeros, exponent[:len(zeros)])),
                     shifted.eq(added << amount)]
        kept, below = shifted[-MANTISSA:], shifted[:-MANTISSA]
        rounded = Signal(MANTISSA)
        m.d.comb += rounded.eq(kept + (below[-1] & (below[:-1].any() | kept[0])))
        carried, low = ~negative & rounded[-1], ~rounded[:-1].any()
        none = low & ~rounded[-1]
        field = Signal(FIELD)
        m.d.comb += field.eq(exponent + 1 - amount + carried)
        # -2 ** 24 is a number of the next exponent.
        least = low & rounded[-1] & negative
        over = field[8:].any() | (field[1:8].all() & (field[0] | least))
        stays, sign, nan = keep & total.infinite, negative & (over | none), self.nan
        if self.infinities:
            over |= self.infinite
            sign = Mux(self.infinite, self.negative, sign)
            nan |= stays & self.infinite & (self.negative ^ total.negative)
        m.d.sync += [
            total.mantissa.eq(Cat(rounded[:-2], rounded[-2] | carried, negative & ~none)),
            total.field.eq(Mux(none, 1, field[:8])),
            total.infinite.eq(stays | over),
            total.negative.eq(Mux(stays, total.negative, sign) | (~self.step & total.negative)),
            total.nan.eq((keep & total.nan) | nan),
        ]
