"""One accumulator through the epilogue."""

from amaranth.hdl import Const, Module, Mux, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design
from hw.epilogue_format import (
    BIAS_BITS,
    CHANNEL_BYTES,
    GAIN_BITS,
    GAIN_FRACTION,
    MIN_SHIFT,
    SCALE_BITS,
    SHIFT_BITS,
    TOKEN_FRACTION,
    Output,
)
from hw.stream import StreamRegister


__all__ = ["ChannelTerms", "Lane", "LaneInput", "LaneOutput", "TokenTerms", "row_sum_shape"]


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
            "output": unsigned(2),
            "last": 1,
        })


class LaneOutput(data.StructLayout):
    """A result, and whether its row is the last of a tile."""

    def __init__(self):
        super().__init__({"value": signed(32), "last": 1})


def round_half_even(m: Module, value, dropped, name: str):
    """``value / 2 ** (dropped + 1)`` to the nearest integer, half to even."""
    half_up = Signal(value.shape(), name=f"{name}_shifted")  # one bit more than the result
    sticky = Signal(name=f"{name}_sticky")
    below = Signal(len(value), name=f"{name}_below")
    m.d.comb += [half_up.eq(value >> dropped), below.eq((Const(1, len(value)) << dropped) - 1),
                 sticky.eq((value & below).any())]
    return (half_up >> 1) + (half_up[0] & (sticky | half_up[1]))


def saturate(value, bits: int):
    """Clamp to a signed number of ``bits``."""
    low, high = -1 << bits - 1, (1 << bits - 1) - 1
    return Mux(value < low, low, Mux(value > high, high, value))


class Corrected(data.StructLayout):
    """Between the stages of a lane: the corrected accumulator and the factor that is left."""

    def __init__(self):
        super().__init__({"value": signed(32), "factor": SCALE_BITS + 1,
                          "shift": SHIFT_BITS, "bias": signed(BIAS_BITS), "output": unsigned(2),
                          "last": 1})


class Products(data.StructLayout):
    """After the first multipliers of a lane."""

    def __init__(self, design: Design):
        product = signed(design.accumulator_width + GAIN_BITS + 1)
        shifted_back = signed(row_sum_shape(design).width + 8)
        super().__init__({"varied": product, "shifted_back": shifted_back,
                          "factor": SCALE_BITS + 1, "shift": SHIFT_BITS,
                          "bias": signed(BIAS_BITS), "output": unsigned(2), "last": 1})


class Scaled(data.StructLayout):
    """After the last multiplier of a lane: the number to round, or the result as it is."""

    def __init__(self):
        super().__init__({"value": signed(60), "shift": SHIFT_BITS, "output": unsigned(2),
                          "last": 1})


class Lane(wiring.Component):
    """Corrects and requantises one accumulator per cycle; latency 4 cycles.

    With rhe, rounding to the nearest, half to even::

        c = sat(rhe(v * accumulator + eta * row_sum))
        f = floor(scale_o * scale_i + 1 / 2)
        y = sat8(rhe(c * f / 2 ** shift + bias_o))

    where v has 12 bits after the point, the token's ``scale_i`` 15, and ``bias_o`` 8; ``shift`` is
    8 plus that of the channel. sat clamps to the bits of an accumulator, at most 32. ``output``
    chooses c or y. Reset empties the stages.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(LaneInput(design)))
    o : Out(stream.Signature(LaneOutput()))
    """

    latency = 4

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(LaneInput(design))),
            "o": Out(stream.Signature(LaneOutput())),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        products = self._stage(m, "products", self.i, Products(self.design), self._multiply)
        corrected = self._stage(m, "corrected", products, Corrected(), self._correct)
        scaled = self._stage(m, "scaled", corrected, Scaled(), self._scale)
        last = self._stage(m, "rounded", scaled, LaneOutput(), self._round)
        wiring.connect(m, last, wiring.flipped(self.o))
        return m

    def _stage(self, m, name, source, shape, compute):
        """Register what ``compute`` makes of a stream's payload."""
        m.submodules[name] = register = StreamRegister(shape)
        m.d.comb += [register.i.valid.eq(source.valid), source.ready.eq(register.i.ready)]
        compute(m, source.payload, register.i.payload)
        return register.o

    def _multiply(self, m, given, result):
        token, channel = given.token, given.channel
        factor = channel.scale * token.scale + (1 << TOKEN_FRACTION - 1)
        m.d.comb += [
            result.varied.eq(given.accumulator * token.gain),
            result.shifted_back.eq(given.row_sum * token.eta),
            result.factor.eq(factor >> TOKEN_FRACTION),
            result.shift.eq(channel.shift), result.bias.eq(channel.bias),
            result.output.eq(given.output), result.last.eq(given.last),
        ]

    def _correct(self, m, given, result):
        total = Signal(signed(max(len(given.varied), len(given.shifted_back) + GAIN_FRACTION) + 1))
        m.d.comb += [
            total.eq(given.varied + (given.shifted_back << GAIN_FRACTION)),
            result.value.eq(saturate(round_half_even(m, total, GAIN_FRACTION - 1, "corrected"),
                                     min(32, self.design.accumulator_width))),
            *(result[name].eq(given[name])
              for name in ("factor", "shift", "bias", "output", "last")),
        ]

    def _scale(self, m, given, result):
        scaled = given.value * given.factor + (given.bias << given.shift)
        m.d.comb += [
            result.value.eq(Mux(given.output == Output.INT8, scaled, given.value)),
            result.shift.eq(given.shift), result.output.eq(given.output),
            result.last.eq(given.last),
        ]

    def _round(self, m, given, result):
        rounded = round_half_even(m, given.value, given.shift + (MIN_SHIFT - 1), "result")
        m.d.comb += [
            result.value.eq(Mux(given.output == Output.INT8, saturate(rounded, 8), given.value)),
            result.last.eq(given.last),
        ]
