"""A weight as a lane takes it: in floats, or an integer."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import Module, Value

from hw.arithmetic.wire import wire
from hw.formats import Format


__all__ = ["Weight", "weight_of"]


@dataclass(frozen=True)
class Weight:
    """A finite weight.

    Parameters
    ----------
    negative : Value
        Its sign.
    factor : list of Value
        Bits of its significand, with the hidden one, or of an integer's magnitude, lowest first.
    field : Value or None
        Exponent field of a float, 0 for subnormals; None for integers, all of which have the same
        exponent.
    """

    negative: Value
    factor: list[Value]
    field: Value | None = None

    @property
    def nonzero(self) -> Value:
        """Whether it is another number than zero."""
        return self.factor[-1] | reduce(or_, self.factor[:-1])


def weight_of(m: Module, form: Format, bits: Value) -> Weight:
    """Take the bits of a weight apart.

    Parameters
    ----------
    m : Module
        Gets the gates.
    form : Format
        Of the weight.
    bits : Value
        As many as the format has.
    """
    if form.integer:
        size = wire(m, ((bits ^ bits[-1].replicate(form.bits)) + bits[-1])[:form.bits])
        return Weight(bits[-1], list(size))
    fraction, field = bits[:form.mantissa], bits[form.mantissa:-1]
    return Weight(bits[-1], [*fraction, wire(m, reduce(or_, field))], field)
