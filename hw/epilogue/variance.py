"""The factor of the variance correction, once per token, bit by bit."""

from amaranth.hdl import C, Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.carry_save import prefix_add
from hw.fixed_point import GAIN_BITS, GAIN_FRACTION


__all__ = ["Gain", "Moments"]


QUOTIENT = 2 * GAIN_BITS + 2
"""Bits of the quotient: 8 before the point, twice one more than the gain's fraction after it."""


class Moments(data.StructLayout):
    """Sums over the values of a token and over those of them that were kept.

    Fields
    ------
    total, kept_total : signed
        Sums of the values.
    squares, kept_squares : unsigned
        Sums of their squares.

    Parameters
    ----------
    features : int
        Largest number of values of a token; they are int8.
    """

    def __init__(self, features: int):
        fields = {}
        for name in ("", "kept_"):
            fields[f"{name}total"] = signed((128 * features).bit_length() + 1)
            fields[f"{name}squares"] = (128 * 128 * features).bit_length()
        super().__init__(fields)


class Gain(wiring.Component):
    """``v = sqrt(Var(z) / Var(S(z)))`` of a token, unsigned with 12 bits after the point.

    With ``a = features * squares - total ** 2`` and ``b`` likewise of the kept values, it is
    ``(isqrt(floor(a * 2 ** 26 / b)) + 1) >> 1``, at most ``2 ** 16 - 1``, and 1 where ``b`` is 0:
    the root, rounded to the nearest. Multiplication, division and root take one bit per cycle:
    at most ``interval`` cycles for a token. Reset drops the token.

    Parameters
    ----------
    features : int
        Largest number of values of a token.

    Members
    -------
    i : In(stream.Signature(Moments(features)))
    features : In
        Values of a token; static.
    o : Out(stream.Signature(16))
    """

    def __init__(self, largest: int):
        super().__init__({
            "i": In(stream.Signature(Moments(largest))),
            "features": In(range(largest + 1)),
            "o": Out(stream.Signature(GAIN_BITS)),
        })
        self.largest = largest

    @property
    def interval(self) -> int:
        """Cycles from one token to the next, at most."""
        return 2 * (self.largest.bit_length() + (128 * self.largest).bit_length() + 3) \
            + QUOTIENT + QUOTIENT // 2 + 5

    def elaborate(self, platform):
        m = Module()
        width = (self.largest ** 2 << 14).bit_length()
        moments = Signal(Moments(self.largest))
        dense = Signal(width)  # a
        total = Signal(width)  # a and then b, while they are summed up
        # No sum of as many values is shifted further before the factor has no bit left.
        addend = Signal((self.largest << 13 + self.largest.bit_length()).bit_length())
        factor = Signal((128 * self.largest).bit_length())
        negative = Signal()
        step = Signal(range(QUOTIENT + 1), init=QUOTIENT)
        quotient = Signal(QUOTIENT)
        rest = Signal(width + 10)
        divisor = Signal(width + 9)
        root = Signal(QUOTIENT // 2)
        left = Signal(QUOTIENT // 2)  # at most twice the root; that of the last step is not used

        term = Mux(factor[0], addend, 0) ^ negative.replicate(width)
        added = prefix_add(m, total, term, negative)[:width]
        doubled = rest << 1
        smaller = prefix_add(m, doubled, ~Cat(divisor, C(0, 2)), C(1, 1))

        def multiply(one, other, minus):
            return [addend.eq(one), factor.eq(other), negative.eq(minus)]

        def product(following, *then):
            with m.If(factor != 0):
                m.d.sync += [total.eq(added), addend.eq(addend << 1), factor.eq(factor >> 1)]
            with m.Else():
                m.d.sync += [*then]
                m.next = following

        most = (128 * self.largest).bit_length()
        totals = [abs(moments.total)[:most], abs(moments.kept_total)[:most]]
        with m.FSM():
            with m.State("IDLE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [moments.eq(self.i.payload), total.eq(0),
                             *multiply(self.i.payload.squares, self.features, 0)]
                with m.If(self.i.valid):
                    m.next = "SQUARES"
            with m.State("SQUARES"):
                product("TOTAL", *multiply(totals[0], totals[0], 1))
            with m.State("TOTAL"):
                m.d.sync += dense.eq(total)
                product("KEPT-SQUARES", total.eq(0),
                        *multiply(moments.kept_squares, self.features, 0))
            with m.State("KEPT-SQUARES"):
                product("KEPT-TOTAL", *multiply(totals[1], totals[1], 1))
            with m.State("KEPT-TOTAL"):
                product("BEGIN")
            with m.State("BEGIN"):
                m.d.sync += [rest.eq(dense), divisor.eq(total << 9),
                             self.o.payload.eq(1 << GAIN_FRACTION)]
                m.next = "DONE"
                with m.If(total != 0):
                    m.next = "DIVIDE"
            with m.State("DIVIDE"):
                # The first bit stands above the quotient's: with it, the gain is the largest.
                fits = smaller[-1]
                m.d.sync += [rest.eq(Mux(fits, smaller[:-1], doubled)),
                             quotient.eq(Cat(fits, quotient)), step.eq(step - 1)]
                with m.If((step == QUOTIENT) & fits):
                    m.d.sync += [self.o.payload.eq((1 << GAIN_BITS) - 1), step.eq(QUOTIENT)]
                    m.next = "DONE"
                with m.If(step == 0):
                    m.d.sync += step.eq(QUOTIENT // 2)
                    m.next = "ROOT"
            with m.State("ROOT"):
                larger, trial = Cat(quotient[-2:], left), Cat(1, 0, root[:-1])
                difference = larger - trial
                fits = ~difference[-1]
                m.d.sync += [left.eq(Mux(fits, difference, larger)), root.eq(Cat(fits, root)),
                             quotient.eq(quotient << 2), step.eq(step - 1)]
                with m.If(step == 1):
                    m.next = "ROUND"
            with m.State("ROUND"):
                rounded = (root + 1) >> 1
                # The next token finds what a reset leaves.
                m.d.sync += [self.o.payload.eq(Mux(rounded[GAIN_BITS], (1 << GAIN_BITS) - 1,
                                                   rounded)),
                             step.eq(QUOTIENT), root.eq(0), left.eq(0)]
                m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.o.valid.eq(1)
                with m.If(self.o.ready):
                    m.next = "IDLE"
        return m
