"""Infinite and undefined products of a step, as IEEE 754 has them."""

from amaranth.hdl import Cat, Const, Module, Value

from hw.arithmetic.wire import wire
from hw.formats import Format


__all__ = ["Specials", "specials"]


class Specials:
    """What becomes of a sum by its infinite operands.

    Parameters
    ----------
    nan : Value
        A weight is NaN, zero meets infinity, or infinities of both signs are added.
    infinite, negative : Value
        A product is infinite, and its sign; they mean nothing where the sum is NaN.
    """

    def __init__(self, nan: Value, infinite: Value, negative: Value):
        self.nan, self.infinite, self.negative = nan, infinite, negative


def specials(m: Module, form: Format, weights: list[Value], signs: Value, infinities: Value,
             zeros: Value) -> Specials:
    """Find the infinite products of a step.

    Parameters
    ----------
    m : Module
        Gets the gates.
    form : Format
        Of weights: it has infinities, or is one of integers.
    weights : list of Value
        Bits of the weight of each lane.
    signs, infinities, zeros : Value
        Of the activations, a bit for each lane. A NaN among them is for others to find.
    """
    wrong, upwards, downwards = [], [], []
    for lane, given in enumerate(weights):
        weight = wire(m, given)
        nan, endless, none = _kind(m, form, weight)
        found = wire(m, infinities[lane] | endless)  # times zero it is NaN, which comes first
        negative = wire(m, signs[lane] ^ weight[-1])
        wrong.append(nan | (infinities[lane] & none) | (endless & zeros[lane]))
        upwards.append(found & ~negative)
        downwards.append(found & negative)
    up, down = wire(m, Cat(upwards).any()), wire(m, Cat(downwards).any())
    return Specials(Cat(wrong).any() | (up & down), up | down, down)


def _kind(m: Module, form: Format, weight: Value) -> tuple[Value, Value, Value]:
    """Whether a weight is NaN, infinite, and zero."""
    if form.integer:
        return Const(0, 1), Const(0, 1), wire(m, ~weight.any())
    fraction, field = weight[:form.mantissa], weight[form.mantissa:-1]
    top, some = wire(m, field.all()), wire(m, fraction.any())
    return top & some, wire(m, top & ~some), wire(m, ~(field.any() | some))
