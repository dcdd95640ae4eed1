"""Exact products of small floats, by floats or integers, in fixed point."""

from dataclasses import dataclass
from functools import reduce
from operator import and_, or_

from amaranth.hdl import Cat, Const, Module, Mux, Value

from hw.arithmetic.adder import Columns
from hw.arithmetic.wire import wire
from hw.array.weight import Weight, weight_of
from hw.formats import Format


__all__ = ["Activation", "base_bits", "exponents", "fixed_product", "multiple", "product_bits",
           "whole"]


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


def product_bits(form: Format, of_weight: Format) -> int:
    """Bits of the largest finite product of two formats, as a multiple of the smallest one."""
    return (form.max_units * of_weight.max_units).bit_length()


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


def fixed_product(m: Module, form: Format, of_weight: Format, activation: Activation,
                  bits: Value) -> tuple[Value, Value, Value]:
    """The product of two finite numbers as a multiple of the smallest one.

    The significand of the weight chooses multiples of the activation, two bits at a time; their sum
    is shifted left by the exponents. Before long shifts a negative product is negated; otherwise it
    is complemented at the end, and lacks 1.

    Parameters
    ----------
    m : Module
        Gets the gates.
    form, of_weight : Format
        Of the activation, a float, and of the weight.
    activation : Activation
        As the row gives it to all its PEs.
    bits : Value
        Those of the weight.

    Returns
    -------
    bits, sign : Value
        ``product_bits(form, of_weight)`` of them, and what stands above them in two's complement.
    lacks : Value
        The product is ``bits + lacks - (sign << len(bits))``.
    """
    weight, width = weight_of(m, of_weight, bits), product_bits(form, of_weight)
    negative = wire(m, activation.sign ^ weight.negative)
    product = multiple(m, activation.base, activation.triple, weight.factor)
    if activation.exponent is None:
        assert weight.field is not None
        placed = _placed(m, product, weight.field, width)
        return wire(m, placed ^ negative.replicate(width)), negative, negative
    product, negative = _negated(m, product, negative)
    if weight.field is None:
        shifted = _shifted(m, product, list(activation.exponent), negative, width)
    else:
        shifted = _shifted(m, product, exponents(m, activation, weight), negative, width + 1)[1:]
    return shifted, negative, Const(0, 1)


def exponents(m: Module, activation: Activation, weight: Weight) -> list[Value]:
    """Bits of the exponents of both operands, above those of the smallest numbers, and 1.

    Parameters
    ----------
    m : Module
        Gets the gates.
    activation : Activation
        As the row gives it, with an exponent.
    weight : Weight
        An integer adds nothing.
    """
    one, other = activation.exponent, weight.field
    assert one is not None
    if other is None:
        return list(wire(m, one + 1))
    # That of a weight above that of subnormals, and one more: its field, or 1 for these.
    normal, size = weight.factor[-1], max(len(one), len(other))
    total = Columns(size + 1)
    for k in range(size):
        for bit in one[k:k + 1]:
            total.add(k, bit)
        for bit in other[k:k + 1]:
            total.add(k, bit if k else bit | ~normal)
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
