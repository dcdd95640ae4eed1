"""Exact products of floats of 16 bits, and their places below the largest one of a step."""

from dataclasses import dataclass
from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Value

from hw.array.float_product import Activation, exponents, multiple, wire
from hw.formats import Format


__all__ = ["Product", "cut", "largest", "product"]


@dataclass(frozen=True)
class Product:
    """An exact product of two finite floats: ``(-1) ** negative * size * 2 ** (exponent - 1)``.

    In units of the smallest product.

    Parameters
    ----------
    negative : Value
        Its sign.
    size : Value
        Product of the significands, twice as many bits as they have.
    exponent : Value
        Sum of the exponents above those of the smallest numbers, and 1. 0 where ``size`` is 0.
    """

    negative: Value
    size: Value
    exponent: Value


def product(m: Module, form: Format, activation: Activation, zero: Value, weight: Value
            ) -> Product:
    """Multiply two finite floats.

    Parameters
    ----------
    m : Module
        Gets the gates.
    form : Format
        Of both.
    activation : Activation
        As the row gives it to all its PEs, with an exponent.
    zero : Value
        The activation is zero.
    weight : Value
        The bits of the weight.
    """
    fraction, field = weight[:form.mantissa], weight[form.mantissa:-1]
    normal = wire(m, reduce(or_, field))
    size = multiple(m, activation.base, activation.triple, [*fraction, normal])
    there = wire(m, ~zero & (normal | reduce(or_, fraction)))
    exponent = (Cat(exponents(m, activation, field, normal))
                & there.replicate(form.exponent + 1))
    return Product(wire(m, activation.sign ^ weight[-1]), size, wire(m, exponent))


def largest(m: Module, numbers: list[Value]) -> Value:
    """The largest of unsigned numbers, of two at a time."""
    while len(numbers) > 1:
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        odd = numbers[-1:] if len(numbers) % 2 else []
        numbers = [*(wire(m, Mux(one > other, one, other)) for one, other in pairs), *odd]
    return numbers[0]


def cut(m: Module, size: Value, guard: int, distance: Value) -> Value:
    """A magnitude with guard bits, shifted right; what is below them is dropped.

    Parameters
    ----------
    m : Module
        Gets the gates.
    size : Value
        The magnitude.
    guard : int
        Bits below its last one that are kept.
    distance : Value
        By how much it is shifted.

    Returns
    -------
    Value
        ``floor(size * 2 ** (guard - distance))``, with ``len(size) + guard`` bits.
    """
    bits = Cat(Const(0, guard), size)
    levels = (len(bits) - 1).bit_length()
    for k in range(levels):
        bits = wire(m, Mux(distance[k], Cat(bits[1 << k:], Const(0, 1 << k)), bits))
    return wire(m, bits & (~distance[levels:].any()).replicate(len(bits)))
