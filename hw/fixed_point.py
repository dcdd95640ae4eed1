"""Numbers of the epilogue that hardware and driver share. Standard library only."""

from enum import IntEnum

from hw.formats import FORMATS, Format


__all__ = ["BIAS_BITS", "BIAS_FRACTION", "CHANNEL_BYTES", "EXPONENT_BITS", "FLOATS", "GAIN_BITS",
           "GAIN_FRACTION", "MIN_SHIFT", "SCALE_BITS", "SHIFT_BITS", "TOKEN_FRACTION",
           "TOTAL_BITS", "Output"]


GAIN_BITS, GAIN_FRACTION = 16, 12
"""Of v, the factor of the variance correction."""

SCALE_BITS = 16
"""Of a channel's and of a token's scale, unsigned."""

TOKEN_FRACTION = 15
"""Bits after the point of a token's scale."""

SHIFT_BITS, MIN_SHIFT = 5, 8
"""A channel's result is shifted right by ``MIN_SHIFT`` plus its own shift."""

BIAS_BITS, BIAS_FRACTION = 24, 8
"""Of a channel's bias, signed, in units of the result."""

TOTAL_BITS = BIAS_BITS + (1 << SHIFT_BITS)
"""Of the number that is rounded, signed: scaled accumulator, and bias in front of its shift."""

EXPONENT_BITS = 8
"""Of the logarithm, to the base 2, of the unit of floating-point results, signed."""

CHANNEL_BYTES = 6
"""Bytes of one column in a beat of ``s_axis_channel``: scale, shift, bias, low byte first."""


class Output(IntEnum):
    """What the result stream carries for each column, sign-extended to an accumulator's width."""

    RAW = 0
    """The accumulator."""
    CORRECTED = 1
    """int32: variance correction and shift applied."""
    INT8 = 2
    """int8: also scaled, biased, rounded and saturated."""
    FP32 = 3
    """As INT8, but times a power of two, and rounded to IEEE 754 binary32 instead."""
    BF16 = 4
    """As FP32, but rounded to bfloat16."""


FLOATS = {
    Output.FP32: Format("fp32", 32, exponent=8, mantissa=23, infinity=0x7F800000, nan=0x7F800001),
    Output.BF16: FORMATS["bf16"],
}
"""Formats of floating-point results; both have the exponents of binary32."""
