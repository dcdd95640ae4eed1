"""One accumulator through the epilogue."""

from amaranth.hdl import Cat, Const, Module, Mux, Value, signed
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from hw.arithmetic.carry_save import carry_save, product
from hw.config import Design
from hw.epilogue.round import align, finish, measure, round_half_even, saturate
from hw.epilogue.terms import LaneInput, row_sum_shape
from hw.fixed_point import (
    EXPONENT_BITS,
    GAIN_BITS,
    GAIN_FRACTION,
    SCALE_BITS,
    TOKEN_FRACTION,
    TOTAL_BITS,
    Output,
)
from hw.stream.register import StreamRegister


__all__ = ["Lane", "LaneOutput", "staged"]


class LaneOutput(StructLayout):
    """A result, and whether its row is the last of a tile."""

    def __init__(self):
        super().__init__({"value": signed(32), "last": 1})


def _multiply(m, given, lane):
    """Products with the token's terms, each as two numbers to add."""
    token, channel, design = given.token, given.channel, lane.design
    width = 1 + max(design.accumulator_width + GAIN_BITS,
                    row_sum_shape(design).width + len(token.eta) + GAIN_FRACTION)
    # Terms come through a memory: synthesis cannot know of one that is always the same.
    if design.statistics:
        numbers = product(given.accumulator, token.gain, width)
    else:
        whole = Cat(Const(0, GAIN_FRACTION), given.accumulator)
        numbers = [Cat(whole, whole[-1].replicate(width - len(whole))), Const(0, width)]
    if design.dynamic_shift:
        numbers += product(given.row_sum, token.eta, width, GAIN_FRACTION)
    return {
        **_two(m, "total", numbers, width),
        **_two(m, "factor", [*product(channel.scale, token.scale, 2 * SCALE_BITS),
                             Const(1 << TOKEN_FRACTION - 1)], 2 * SCALE_BITS),
        "shift": channel.shift, "bias": channel.bias,
    }


def _add_low(m, given, lane):
    return {**_lower(given, "total"), **_lower(given, "factor"),
            "shift": given.shift, "bias": given.bias}


def _add_high(m, given, lane):
    return {**_upper(given, "total"),
            "factor": _upper(given, "factor")["factor"][TOKEN_FRACTION:],
            "shift": given.shift, "bias": given.bias}


def _correct(m, given, lane):
    """The corrected accumulator; where it is the result, 1 and 0 are what scales it."""
    scales = lane.output != Output.CORRECTED
    bits = min(32, lane.design.accumulator_width)
    rounded = round_half_even(given.total.as_signed(), GAIN_FRACTION)
    return {"value": saturate(rounded, bits)[:bits].as_signed(),
            "factor": Mux(scales, given.factor, 1), "bias": Mux(scales, given.bias, 0).as_signed(),
            "shift": given.shift}


def _scale(m, given, lane):
    bias = (given.bias << given.shift)[:TOTAL_BITS]
    numbers = [*product(given.value, given.factor, TOTAL_BITS),
               Cat(bias, bias[-1].replicate(TOTAL_BITS - len(bias)))]
    return {**_two(m, "total", numbers, TOTAL_BITS), "shift": given.shift}


def _total_low(m, given, lane):
    return {**_lower(given, "total"), "shift": given.shift}


def _total_high(m, given, lane):
    """The whole total; whether it carries into its upper half when it changes its sign."""
    return {**_upper(given, "total"), "low_is_zero": given.total_low[:-1] == 0,
            "shift": given.shift}


def _two(m, name, numbers, width):
    """Two numbers with the sum of ``numbers``: fields of a payload."""
    one, other = (number | Const(0, width) for number in carry_save(m, numbers, width))
    return {f"{name}_a": one, f"{name}_b": other}


def _lower(given, name):
    """Add the lower halves of two numbers; carries only go half the way in a cycle."""
    one, other = given[f"{name}_a"], given[f"{name}_b"]
    half = len(one) // 2
    return {f"{name}_low": one[:half] + other[:half],
            f"{name}_a": one[half:], f"{name}_b": other[half:]}


def _upper(given, name):
    """Add the upper halves and the carry."""
    low, one, other = given[f"{name}_low"], given[f"{name}_a"], given[f"{name}_b"]
    high = Cat(low[-1], one) + Cat(low[-1], other)
    return {name: Cat(low[:-1], high[1:len(one) + 1])}


class Lane(wiring.Component):
    """Corrects and scales one accumulator per cycle, and rounds it to an integer or a float.

    With rhe, rounding to the nearest, half to even::

        c = sat(rhe(v * accumulator + eta * row_sum))
        f = floor(scale_o * scale_i + 1 / 2)
        t = c * f / 2 ** shift + bias_o
        y = sat8(rhe(t)) or float(t * 2 ** exponent)

    where v has 12 bits after the point, the token's ``scale_i`` 15, and ``bias_o`` 8; ``shift`` is
    8 plus that of the channel. Without statistics v is 1, without a shift of the token eta is 0,
    and neither takes any logic. sat clamps to the bits of an accumulator, at most 32. float rounds
    once, half to even, as IEEE 754 has it: subnormal below the smallest normal number, infinity
    above the largest, and the sign of a number that becomes 0. ``output`` chooses c or y.

    The stages are those of ``STAGES``. Back-pressure stops those that are full up to it; reset
    empties them.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(LaneInput(design)))
    o : Out(stream.Signature(LaneOutput()))
    output : In(range(5))
        One of :class:`hw.fixed_point.Output` other than RAW; stable while anything is inside.
    exponent : In(signed(8))
        As stable.
    """

    STAGES = (_multiply, _add_low, _add_high, _correct, _scale, _total_low, _total_high, measure,
              align, finish)
    """From a payload to the next one, each behind a register."""

    latency = len(STAGES)
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(LaneInput(design))),
            "o": Out(stream.Signature(LaneOutput())),
            "output": In(range(max(Output) + 1)),
            "exponent": In(signed(EXPONENT_BITS)),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        wiring.connect(m, staged(m, self, self.STAGES), wiring.flipped(self.o))
        return m


def staged(m, lane, stages):
    """The stream behind the stages of a lane, each a function of module, payload and lane."""
    source = wiring.flipped(lane.i)
    for stage in stages:
        fields = stage(m, source.payload, lane) | {"last": source.payload.last}
        values = {name: Value.cast(value) for name, value in fields.items()}
        register = StreamRegister(StructLayout({name: value.shape()
                                                for name, value in values.items()}))
        m.submodules[stage.__name__.strip("_")] = register
        m.d.comb += [register.i.valid.eq(source.valid), source.ready.eq(register.i.ready),
                     *(register.i.payload[name].eq(value) for name, value in values.items())]
        source = register.o
    return source
