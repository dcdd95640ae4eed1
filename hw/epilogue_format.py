"""Numbers of the epilogue that hardware and driver share. Standard library only."""

from enum import IntEnum


__all__ = ["BIAS_BITS", "BIAS_FRACTION", "CHANNEL_BYTES", "GAIN_BITS", "GAIN_FRACTION", "MIN_SHIFT",
           "SCALE_BITS", "SHIFT_BITS", "TOKEN_FRACTION", "Output"]


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
