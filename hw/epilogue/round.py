"""The last stages of a lane: from an exact number to an integer or a floating-point result.

A stage is a function of the lane's module, the payload and the lane; it returns the fields of the
next payload. See :class:`hw.epilogue.lane.Lane`.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value

from hw.fixed_point import FLOATS, MIN_SHIFT, SHIFT_BITS, TOTAL_BITS, Output


__all__ = ["align", "finish", "measure", "round_half_even", "saturate"]


WORD = 32
"""Bits of a result."""

TOP = TOTAL_BITS - 2
"""Highest bit that a magnitude can have."""

LARGEST_SHIFT = (1 << SHIFT_BITS) - 1
POINT = MIN_SHIFT + LARGEST_SHIFT
"""Bits after the point of an int8 result before it is rounded, whatever its shift."""

FLOAT_EXPONENT = FLOATS[Output.FP32].exponent
"""Bits of the exponent of all floating-point results."""

SMALLEST = TOP - MIN_SHIFT + (1 << FLOAT_EXPONENT - 1) - 2
"""How far the magnitude 1 is from the smallest exponent, without shift and for the unit 1."""


def saturate(value: Value, bits: int) -> Value:
    """Clamp to a signed number of ``bits``."""
    low, high = -1 << bits - 1, (1 << bits - 1) - 1
    return Mux(value < low, low, Mux(value > high, high, value))


def round_half_even(value: Value, dropped: int) -> Value:
    """``value / 2 ** dropped`` to the nearest integer, half to even."""
    return (value >> dropped) + _goes_up(value, dropped)


def _goes_up(value, dropped):
    """Whether the number without its lowest bits is to be increased."""
    return value[dropped - 1] & (value[:dropped - 1].any() | value[dropped])


def measure(m: Module, given, lane) -> dict[str, Value]:
    """Magnitude, and the zeros above its highest bit.

    One zero too many where a negative number's magnitude is a power of two: the zeros are counted
    before the sum of the complement and 1 is known. ``align`` has a bit more for it.
    """
    total = given.total.as_signed()
    digits, zeros = total[:-1] ^ total[-1].replicate(TOP + 1), Signal(range(TOP + 2))
    m.d.comb += zeros.eq(TOP + 1)
    for k in range(TOP + 1):
        with m.If(digits[k]):
            m.d.comb += zeros.eq(TOP - k)
    low, high = total[:len(total) // 2], total[len(total) // 2:]
    opposite = Cat((-low)[:len(low)], (~high + given.low_is_zero)[:len(high)])
    return {"magnitude": Mux(total[-1], opposite, total)[:TOP + 1], "zeros": zeros,
            "negative": total[-1], "shift": given.shift}


def align(m: Module, given, lane) -> dict[str, Value]:
    """Shift left, as far as the result allows, and keep its bits.

    A floating-point result moves until its highest bit is at the top, or its exponent is the
    smallest; an int8 result until its point is where a shift of 31 has it, or less far if it
    saturates anyway. The result is ``word + up``.
    """
    limit, amount = Signal(FLOAT_EXPONENT + 1), Signal(range(TOP + 2))
    aligned, exponent = Signal(TOP + 2), Signal(FLOAT_EXPONENT + 1)
    word, up, negative = Signal(WORD), Signal(), given.negative
    m.d.comb += [
        limit.eq(Mux(lane.output == Output.INT8, LARGEST_SHIFT, lane.exponent + SMALLEST)
                 - given.shift),
        amount.eq(Mux(given.zeros > limit, limit, given.zeros)),
        aligned.eq(given.magnitude << amount),
        exponent.eq(Mux(given.magnitude == 0, 0, limit - amount) + aligned[TOP:]),
    ]
    with m.Switch(lane.output):
        for output, form in FLOATS.items():
            with m.Case(output):
                dropped = TOP - form.mantissa
                m.d.comb += [word.eq(Cat(aligned[dropped:TOP], exponent)),
                             up.eq(_goes_up(aligned, dropped))]
        with m.Case(Output.INT8):
            m.d.comb += [word.eq(aligned[POINT:] ^ negative.replicate(WORD)),
                         up.eq(_goes_up(aligned, POINT) ^ negative)]
        with m.Default():
            m.d.comb += [word.eq(given.magnitude[:WORD] ^ negative.replicate(WORD)),
                         up.eq(negative)]
    return {"word": word, "up": up, "negative": negative}


def finish(m: Module, given, lane) -> dict[str, Value]:
    """Round, and saturate: a floating-point result to infinity."""
    rounded, value = Signal(WORD), Signal(WORD)
    m.d.comb += rounded.eq(given.word + given.up)
    with m.Switch(lane.output):
        for output, form in FLOATS.items():
            with m.Case(output):
                finite = rounded < form.infinity
                bits = Cat(Mux(finite, rounded, form.infinity)[:form.bits - 1], given.negative)
                m.d.comb += value.eq(bits.as_signed())
        with m.Case(Output.INT8):
            m.d.comb += value.eq(saturate(rounded.as_signed(), 8))
        with m.Default():
            m.d.comb += value.eq(rounded)
    return {"value": value.as_signed()}
