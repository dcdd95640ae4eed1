"""One result in bf16 or fp16 through bias and activation function."""

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from hw.arithmetic.normalise import leading_zeros
from hw.config import Design
from hw.config.activations import FRACTION, FUNCTIONS, INSIDE, LINES
from hw.epilogue.lane import staged
from hw.epilogue.output_scale import SCALING, parts, quiet_nan
from hw.formats import FORMATS, Format
from hw.stream.members import only_if


__all__ = ["FloatLane", "FloatLaneInput", "FloatLaneOutput", "lane_stages", "lane_variant"]


WIDTH = FORMATS["bf16"].bits
PLACED = LINES + INSIDE

BELOW = 3
"""Bits behind the significand of an addend: two, and one for all that was shifted out."""


class FloatLaneInput(StructLayout):
    """A result, and the bias of its channel; or a sum in binary32 with its scale, too."""

    def __init__(self, design: Design):
        super().__init__({
            "value": design.summing.result_bits, "bias": WIDTH,
            **only_if(design.scales_outputs, scale=WIDTH), "last": 1})


class FloatLaneOutput(StructLayout):
    """A result, and whether its row is the last of a tile."""

    def __init__(self):
        super().__init__({"value": WIDTH, "last": 1})


def _align(m: Module, given, lane) -> dict:
    """The addend with the larger magnitude, and the other one shifted to its place."""
    form = lane.form
    swap = given.value[:-1] < given.bias[:-1]
    large, small = Signal(WIDTH), Signal(WIDTH)
    m.d.comb += [large.eq(Mux(swap, given.bias, given.value)),
                 small.eq(Mux(swap, given.value, given.bias))]
    (most, exponent, special), (least, lower, also) = parts(form, large), parts(form, small)
    value, lost = Cat(Const(0, BELOW), least), Const(0, 1)
    distance = Signal(form.exponent)
    m.d.comb += distance.eq(exponent - lower)
    levels = (form.mantissa + 1 + BELOW).bit_length()
    for k in range(levels):
        out = Signal()
        shifted = Signal(len(value))
        m.d.comb += [out.eq(lost | (distance[k] & value[:1 << k].any())),
                     shifted.eq(Mux(distance[k], value >> (1 << k), value))]
        value, lost = shifted, out
    far = distance[levels:].any()
    wrong = special & (large[:form.mantissa].any() | (also & (large[-1] != small[-1])))
    return {"large": most, "small": Mux(far, 0, value), "rest": lost | (far & least.any()),
            "exponent": exponent, "negative": large[-1], "subtracts": large[-1] ^ small[-1],
            "infinite": special, "nan": wrong | (also & small[:form.mantissa].any())}


def _add(m: Module, given, lane) -> dict:
    """The sum, which is not negative; a zero is negative if both addends are."""
    low = Cat(given.small[0] | given.rest, given.small[1:])
    total = Cat(Const(0, BELOW), given.large) + (
        low ^ given.subtracts.replicate(len(low))) + given.subtracts
    total = total[:lane.form.mantissa + BELOW + 2]
    total = Cat(total[:-1], total[-1] & ~given.subtracts)
    return {"total": total, "exponent": given.exponent,
            "negative": given.negative & (total.any() | ~given.subtracts),
            "infinite": given.infinite, "nan": given.nan}


def _round(m: Module, given, lane) -> dict:
    """The biased result; a carry is one more place."""
    value = _packed(m, lane.form, given.total, given.exponent, 1)
    magnitude = Mux(given.infinite, lane.form.infinity, value)
    result = Cat(magnitude[:WIDTH - 1], given.negative)
    return {"value": Mux(given.nan, quiet_nan(lane.form), result)}


def _packed(m: Module, form: Format, total: Value, exponent: Value, carry: int) -> Value:
    """Bits of a magnitude, whose highest bit is ``carry`` places above ``exponent``, rounded."""
    width = len(total)
    zeros = leading_zeros(m, total)
    room = Signal(form.exponent)
    m.d.comb += room.eq(exponent - (1 - carry))
    amount, shifted = Signal(len(zeros)), Signal(width)
    few = room[len(zeros):].any() | (zeros < room[:len(zeros)])
    m.d.comb += [amount.eq(Mux(few, zeros, room[:len(zeros)])), shifted.eq(total << amount)]
    significand = form.mantissa + 1
    kept, below = shifted[-significand:], shifted[:-significand]
    field = Signal(form.exponent + 1)
    m.d.comb += field.eq(exponent + carry - amount)
    up = below[-1] & (below[:-1].any() | kept[0])
    rounded = Cat(kept[:-1], Mux(kept[-1], field[:-1], 0)) + up
    return Mux(kept[-1] & field[:-1].all(), form.infinity, rounded)


def _place(m: Module, given, lane) -> dict:
    """The magnitude in fixed point, cut below; whether it is beyond the table."""
    significand, exponent, _ = parts(lane.form, given.value)
    last = Const(lane.form.bias - 1 + lane.function.end, lane.form.exponent)
    down = Signal(lane.form.exponent + 1)
    m.d.comb += down.eq(last - exponent)
    beyond = down[-1]
    whole = Cat(Const(0, PLACED - len(significand)), significand)
    few = (PLACED - 1).bit_length()
    return {"value": given.value, "beyond": beyond,
            "place": Mux(down[few:-1].any(), 0, whole >> down[:few])}


def _look(m: Module, given, lane) -> dict:
    """The line that the magnitude lies on."""
    begins, falls = zip(*lane.function.lines, strict=True)
    line = given.place[INSIDE:]
    return {"value": given.value, "beyond": given.beyond, "inside": given.place[:INSIDE],
            "begin": Array(Const(number, FRACTION) for number in begins)[line],
            "fall": Array(Const(number, max(falls).bit_length()) for number in falls)[line]}


def _factor(m: Module, given, lane) -> dict:
    """What the value is multiplied by."""
    tail = Signal(FRACTION)
    m.d.comb += tail.eq(Mux(given.beyond, 0,
                            given.begin - (given.fall * given.inside >> INSIDE)))
    whole = Const(1 << FRACTION, FRACTION + 1)
    return {"value": given.value, "factor": Mux(given.value[-1], tail, whole - tail)}


def _multiply(m: Module, given, lane) -> dict:
    significand, _, _ = parts(lane.form, given.value)
    width = len(significand) + FRACTION
    return {"value": given.value, "product": (significand * given.factor)[:width]}


def _finish(m: Module, given, lane) -> dict:
    """The function of the value where it is switched on, or the value."""
    form = lane.form
    _, exponent, special = parts(form, given.value)
    negative, nan = given.value[-1], special & given.value[:form.mantissa].any()
    magnitude = Mux(special, Mux(negative, 0, form.infinity),
                    _packed(m, form, given.product, exponent, 0))
    result = Mux(nan, quiet_nan(form), Cat(magnitude[:WIDTH - 1], negative))
    return {"value": Mux(lane.active, result, given.value)}


def lane_variant(design: Design) -> str:
    """What tells the lanes of designs apart: the function, and the format but for bf16."""
    function, form = FUNCTIONS.get(design.activation), FORMATS[design.result_format]
    name = function.name if function else "bias"
    return name if form.name == "bf16" else f"{name}_{form.name}"


def lane_stages(design: Design) -> tuple:
    """Stages of a lane, one a cycle: a scale, where outputs have one, a bias, and a function."""
    function = design.activation in FUNCTIONS
    return (*(SCALING if design.scales_outputs else ()), _align, _add, _round,
            *((_place, _look, _factor, _multiply, _finish) if function else ()))


class FloatLane(wiring.Component):
    """Adds a bias to one result of 16 bits per cycle, and applies the design's activation function.

    Where outputs have scales, a sum is multiplied by that of its own first. Each of these rounds
    once, to the nearest, half to even; :mod:`sw.exact.outputs` and :mod:`sw.exact.activation` have
    the rule.
    Latency ``len(stages)`` cycles: three, three more with scales, five more with a function.
    Back-pressure stops the stages that are full up to it; reset empties them.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(FloatLaneInput(design)))
    o : Out(stream.Signature(FloatLaneOutput()))
    active : In(1), with a function
        It follows the bias; stable while anything is inside.
    """

    interval = 1

    def __init__(self, design: Design):
        self._variant, self.function = lane_variant(design), FUNCTIONS.get(design.activation)
        self.form = FORMATS[design.result_format]
        super().__init__({
            "i": In(stream.Signature(FloatLaneInput(design))),
            "o": Out(stream.Signature(FloatLaneOutput())),
            **({"active": In(1)} if self.function else {}),
        })
        self.stages = lane_stages(design)

    @property
    def latency(self) -> int:
        """Cycles from a result to what becomes of it."""
        return len(self.stages)

    @property
    def variant(self) -> str:
        """That of :func:`lane_variant`."""
        return self._variant

    def elaborate(self, platform):
        m = Module()
        wiring.connect(m, staged(m, self, self.stages), wiring.flipped(self.o))
        return m
