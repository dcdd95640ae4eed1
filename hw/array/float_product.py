"""Exact products of small floats, in fixed point."""

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value

from hw.arithmetic.adder import Columns
from hw.formats import Format


__all__ = ["Activation", "base_bits", "exponents", "fixed_product", "multiple", "product_bits",
           "whole", "wire"]


WINDOW = 3
"""Bits of a shift that are done one by one; higher ones choose among windows, 8 places apart."""


def whole(form: Format) -> bool:
    """Whether activations come as integers, so that only exponents of weights shift a product.

    That saves the sum of exponents, and is smaller where exponents have two bits.
    """
    return form.exponent <= 2


def base_bits(form: Format) -> int:
    """Bits of an activation as the lanes take it: an integer, or its significand."""
    return form.max_units.bit_length() if whole(form) else form.mantissa + 1


def product_bits(form: Format) -> int:
    """Bits of the largest product of two finite floats, as a multiple of the smallest one."""
    return (form.max_units ** 2).bit_length()


@dataclass(frozen=True)
class Activation:
    """An activation as a lane takes it.

    Parameters
    ----------
    sign : Value
        Its sign.
    base, triple : Value
        Its magnitude as a multiple of the smallest number, or its significand with the hidden bit
        where the format is not :func:`whole`, and three times that.
    exponent : Value or None
        Above that of the smallest numbers; None where the format is whole.
    """

    sign: Value
    base: Value
    triple: Value
    exponent: Value | None


def fixed_product(m: Module, form: Format, activation: Activation, weight: Value
                  ) -> tuple[Value, Value, Value]:
    """The product of two finite floats as a multiple of the smallest one.

    The significand of the weight chooses multiples of the activation, two bits at a time; their sum
    is shifted left by the exponents. Before long shifts a negative product is negated; otherwise it
    is complemented at the end, and lacks 1.

    Parameters
    ----------
    m : Module
        Gets the gates.
    form : Format
        Of both.
    activation : Activation
        As the row gives it to all its PEs.
    weight : Value
        The bits of the weight.

    Returns
    -------
    bits, sign : Value
        ``product_bits(form)`` of them, and what stands above them in two's complement.
    lacks : Value
        The product is ``bits + lacks - (sign << len(bits))``.
    """
    fraction, field = weight[:form.mantissa], weight[form.mantissa:-1]
    normal = wire(m, reduce(or_, field))
    negative = wire(m, activation.sign ^ weight[-1])
    product = multiple(m, activation.base, activation.triple, [*fraction, normal])
    if activation.exponent is None:
        bits = _placed(m, product, field, product_bits(form))
        return wire(m, bits ^ negative.replicate(len(bits))), negative, negative
    product, negative = _negated(m, product, negative)
    bits = _shifted(m, product, exponents(m, activation, field, normal), negative,
                    product_bits(form) + 1)
    return bits[1:], negative, Const(0, 1)


def exponents(m: Module, activation: Activation, field: Value, normal: Value) -> list[Value]:
    """Bits of the exponents of both operands, above those of the smallest numbers, and 1.

    Parameters
    ----------
    m : Module
        Gets the gates.
    activation : Activation
        As the row gives it, with an exponent.
    field, normal : Value
        Bits of the weight's exponent, and whether one is set.
    """
    assert activation.exponent is not None
    # That of a weight above that of subnormals, and one more: its field, or 1 for these.
    total = Columns(len(field) + 1)
    for k, (one, other) in enumerate(zip(activation.exponent, field, strict=True)):
        total.add(k, one)
        total.add(k, other if k else other | ~normal)
    return total.sum(m)


def multiple(m: Module, base: Value, triple: Value, factor: list[Value], *,
             signed: bool = False) -> Value:
    """A number times a factor, two bits of which choose among multiples of the number.

    Parameters
    ----------
    m : Module
        Gets the gates.
    base, triple : Value
        The number, and three times it, two bits longer.
    factor : list of Value
        Bits of an unsigned number, at least two, the lowest one first.
    signed : bool
        The number is in two's complement, and so is the product.

    Returns
    -------
    Value
        As many bits as number and factor have together.
    """
    columns = Columns(len(base) + len(factor))
    for place in range(0, len(factor), 2):
        low, *high = factor[place:place + 2]
        terms = [(low, base)]
        if high:
            terms = [(low & ~high[0], base), (high[0] & ~low, Cat(Const(0, 1), base)),
                     (high[0] & low, triple)]
        chosen = [(wire(m, choice), source) for choice, source in terms]
        longest = max(len(source) for _, source in terms)
        for k in range(longest):
            bit = reduce(or_, (choice & source[min(k, len(source) - 1)]
                               for choice, source in chosen if signed or k < len(source)))
            columns.add(place + k, bit, negative=signed and k == longest - 1)
    return wire(m, Cat(columns.sum(m)))


def _placed(m: Module, product: Value, field: Value, width: int) -> Value:
    """A product shifted by the exponent of a weight, whose field has two bits."""
    choices = [wire(m, choice) for choice in
               (~field[1], field[1] & ~field[0], field[1] & field[0])]
    return wire(m, Cat(reduce(or_, (
        choice & product[place - k] for k, choice in enumerate(choices)
        if 0 <= place - k < len(product))) for place in range(width)))


def _negated(m: Module, bits: Value, negative: Value) -> tuple[Value, Value]:
    """A number or its negative in two's complement, and the sign, which a zero does not have.

    Bits above the lowest one are complemented: a chain says that it has passed.
    """
    negated, passed = [bits[0]], wire(m, negative & bits[0])
    for bit in bits[1:]:
        negated.append(bit ^ passed)
        passed = wire(m, passed | (negative & bit))
    return wire(m, Cat(negated)), passed


def _shifted(m: Module, bits: Value, amount: list[Value], sign: Value, width: int) -> Value:
    """The lowest bits of a product shifted left, zeros below and its sign above."""
    for k, shift in enumerate(amount[:WINDOW]):
        zeros, signs = Const(0, 1 << k), sign.replicate(1 << k)
        bits = wire(m, Mux(shift, Cat(zeros, bits), Cat(bits, signs)))
    high = amount[WINDOW:]
    windows = [wire(m, reduce(and_, (bit if number >> k & 1 else ~bit
                                      for k, bit in enumerate(high))))
               for number in range(1 << len(high))]
    # The sign, if the product lies in one of the first windows.
    above = [wire(m, sign & reduce(or_, windows[:k])) for k in range(1, len(windows))]
    placed = []
    for place in range(width):
        sources = [window & bits[place - (k << WINDOW)] for k, window in enumerate(windows)
                   if 0 <= place - (k << WINDOW) < len(bits)]
        passed = (place - len(bits) >> WINDOW) + 1
        placed.append(reduce(or_, [*sources, above[passed - 1]] if passed > 0 else sources))
    return wire(m, Cat(placed))


def wire(m: Module, value: Value) -> Signal:
    """A value as a net: whoever takes a bit of an expression would get gates of its own."""
    signal = Signal(len(value))
    m.d.comb += signal.eq(value)
    return signal
