"""A sum in binary32 times the scale of its output: three stages of a lane in floats.

Either may be subnormal, and so may be the result: the product is exact, and one shifter brings its
highest bit to the top, or less far, to the place that it has in a subnormal number. One rounding,
half to even; :mod:`sw.exact.outputs` has the rule.
"""

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed

from hw.arithmetic.normalise import leading_zeros
from hw.arithmetic.wire import wire
from hw.array.float_product import multiple
from hw.fixed_point import FLOATS, Output
from hw.formats import Format


__all__ = ["SCALING", "parts", "quiet_nan"]


FP32 = FLOATS[Output.FP32]

LOW = 126
"""What the exponent fields of a sum and a scale are together above the field of their product, if
its highest bit is at the top: the bias of binary32 less one place, whatever the scale's format."""


def quiet_nan(form: Format) -> int:
    """Bits of the NaN that results have."""
    return (form.infinity or 0) | 1 << form.mantissa - 1


def parts(form, bits: Value) -> tuple[Value, Value, Value]:
    """Significand, exponent from 1 on, and whether it is that of NaN and infinities."""
    field = bits[form.mantissa:-1]
    normal = field.any()
    return Cat(bits[:form.mantissa], normal), Cat(field[0] | ~normal, field[1:]), field.all()


def _scale(m: Module, given, lane) -> dict:
    """The exact product; two bits of the scale choose a multiple of the sum."""
    (sum_, exponent, special), (factor, other, also) = (
        parts(form, bits) for form, bits in ((FP32, given.value), (lane.form, given.scale)))
    base = wire(m, sum_)
    product = multiple(m, base, wire(m, base * 3), list(wire(m, factor)))
    bits, of_scale = given.value[:FP32.mantissa], given.scale[:lane.form.mantissa]
    none = (~special & ~base.any()) | (~also & ~factor.any())
    return {"product": product, "exponent": exponent + other,
            "negative": given.value[-1] ^ given.scale[-1], "infinite": special | also,
            "nan": (special & bits.any()) | (also & of_scale.any()) | ((special | also) & none),
            "bias": given.bias}


def _measure(m: Module, given, lane) -> dict:
    """How far a product moves, and its exponent field where it then is a normal number."""
    zeros = leading_zeros(m, given.product)
    most, width = _most(lane), len(given.exponent) + 1
    room, field, whole = Signal(signed(width)), Signal(signed(width)), Signal(len(zeros) + 1)
    amount = Signal(range(most + len(given.product) + 1))
    m.d.comb += [
        room.eq(given.exponent - (LOW + 1 - most)), field.eq(given.exponent - LOW - zeros),
        whole.eq(zeros + most),
        amount.eq(Mux(room[-1], 0, Mux(room < whole, room, whole)[:len(amount)])),
    ]
    return {"product": given.product, "amount": amount, "field": field,
            "negative": given.negative, "infinite": given.infinite, "nan": given.nan,
            "bias": given.bias}


def _settle(m: Module, given, lane) -> dict:
    """The result."""
    form = lane.form
    moved = Signal(len(given.product) + _most(lane))
    m.d.comb += moved.eq(given.product << given.amount)
    significand = form.mantissa + 1
    kept, below = moved[-significand:], moved[:-significand]
    field = Mux(kept[-1], given.field[:form.exponent], 0)
    packed = Cat(kept[:-1], field) + (below[-1] & (below[:-1].any() | kept[0]))
    beyond = given.infinite | (kept[-1] & (given.field > form.max_exponent + form.bias))
    magnitude = Mux(beyond, form.infinity, packed[:form.bits - 1])
    result = Mux(given.nan, quiet_nan(form), Cat(magnitude[:form.bits - 1], given.negative))
    return {"value": result, "bias": given.bias}


def _most(lane) -> int:
    """Places by which a product of one is less than half of the smallest number, and moves by 0."""
    return lane.form.mantissa + 2


SCALING = (_scale, _measure, _settle)
"""Stages from a sum, a scale and a bias to what a bias is added to."""
