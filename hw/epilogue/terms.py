"""What belongs to one accumulator on its way through the epilogue."""

from amaranth.hdl import signed
from amaranth.lib import data

from hw.config import Design
from hw.fixed_point import BIAS_BITS, CHANNEL_BYTES, GAIN_BITS, SCALE_BITS, SHIFT_BITS


__all__ = ["ChannelTerms", "LaneInput", "TokenTerms", "row_sum_shape"]


class TokenTerms(data.StructLayout):
    """What the epilogue knows of a token: shift eta, gain v (12 fraction bits), scale (15)."""

    def __init__(self):
        super().__init__({"eta": signed(8), "gain": GAIN_BITS, "scale": SCALE_BITS})


class ChannelTerms(data.StructLayout):
    """What the epilogue knows of an output channel; 6 bytes.

    Fields
    ------
    scale : unsigned(16)
    shift : unsigned(5)
        Beyond 8; the three bits above it are ignored.
    bias : signed(24)
        In units of the result, 8 bits after the point.
    """

    def __init__(self):
        super().__init__({"scale": SCALE_BITS, "shift": SHIFT_BITS,
                          "unused": CHANNEL_BYTES * 8 - SCALE_BITS - SHIFT_BITS - BIAS_BITS,
                          "bias": signed(BIAS_BITS)})


def row_sum_shape(design: Design):
    """Shape of the sum of an output channel's weights: it holds that of the longest token."""
    return signed((128 * design.covered_blocks * design.pattern.m).bit_length() + 1)


class LaneInput(data.StructLayout):
    """One accumulator with all that belongs to it."""

    def __init__(self, design: Design):
        super().__init__({
            "accumulator": signed(design.accumulator_width),
            "row_sum": row_sum_shape(design),
            "token": TokenTerms(),
            "channel": ChannelTerms(),
            "last": 1,
        })
