"""Exact products of floats of 16 bits, and their places below the largest one of a step.

Weights are floats of the same format, or integers.
"""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Value

from hw.arithmetic.wire import wire
from hw.array.float_product import Activation, exponents, multiple
from hw.array.weight import weight_of
from hw.formats import Format


__all__ = ["Product", "cut", "largest", "product"]


@dataclass(frozen=True)
class Product:
    """An exact product of finite numbers: ``(-1) ** negative * size * 2 ** (exponent - 1)``.

    In units of the smallest product.

    Parameters
    ----------
    negative : Value
        Its sign.
    size : Value
        Product of the significands, or of that of the activation by the magnitude of an integer: as
        many bits as both have.
    exponent : Value
        Sum of the exponents above those of the smallest numbers, and 1; integers have 0. It is 0
        where ``size`` is.
    """

    negative: Value
    size: Value
    exponent: Value


def product(m: Module, of_weight: Format, activation: Activation, zero: Value, bits: Value
            ) -> Product:
    """Multiply a finite float by a finite weight.

    Parameters
    ----------
    m : Module
        Gets the gates.
    of_weight : Format
        Of the weight.
    activation : Activation
        As the row gives it to all its PEs, with an exponent.
    zero : Value
        The activation is zero.
    bits : Value
        Those of the weight.
    """
    weight = weight_of(m, of_weight, bits)
    size = multiple(m, activation.base, activation.triple, weight.factor)
    there = wire(m, ~zero & weight.nonzero)
    exponent = Cat(exponents(m, activation, weight))
    return Product(wire(m, activation.sign ^ weight.negative), size,
                   wire(m, exponent & there.replicate(len(exponent))))


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
