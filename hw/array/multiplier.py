"""Multiplication by a recoded activation: digits made once per row, partial products per PE."""

from amaranth.hdl import Module, Value, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH


__all__ = ["Digit", "Recoder", "digits_layout", "partial_products"]


class Digit(data.StructLayout):
    """A radix-4 digit, as what to do with the weight.

    A lower digit is -1, 0, 1 or 2, at most one field set: an AND-OR of three terms then gives a
    bit of the partial product, where Booth's digits (-2 to 2) take an XOR more. Only the top digit
    can be -2, as ``two`` and ``negative``; -1 is ``one`` and ``negative`` there.

    Fields
    ------
    one : take the weight
    two : take twice the weight
    negative : take the complement; the missing 1 is part of the row's correction
    """

    def __init__(self):
        super().__init__({"one": 1, "two": 1, "negative": 1})


def digits_layout(bits: int) -> data.ArrayLayout:
    """Radix-4 digits of a signed value of an even number of ``bits``, lowest first."""
    return data.ArrayLayout(Digit(), bits // 2)


class Recoder(wiring.Component):
    """Recodes a value: ``value = sum of digit[k] * 4 ** k``. Combinational.

    Parameters
    ----------
    bits : int
        Bits of the value, an even number.

    Members
    -------
    value : In(signed(bits))
    enable : In(1)
        All digits are 0 while it is low.
    digits : Out(digits_layout(bits))
    """

    def __init__(self, bits: int = VALUE_WIDTH):
        super().__init__({
            "value": In(signed(bits)),
            "enable": In(1),
            "digits": Out(digits_layout(bits)),
        })

    def elaborate(self, platform):
        m = Module()

        # A pair of bits and the carry make 0 to 4; 3 becomes -1 and 4 becomes 0, with a carry.
        bits = Value.cast(self.value)
        carry = self.enable & 0
        top = len(bits) // 2 - 1
        for k in range(top + 1):
            low, high = bits[2 * k] & self.enable, bits[2 * k + 1] & self.enable
            digit = self.digits[k]
            odd = low ^ carry
            if k < top:
                m.d.comb += [
                    digit.one.eq(odd & ~high),
                    digit.two.eq((high & ~low & ~carry) | (~high & low & carry)),
                    digit.negative.eq(odd & high),
                ]
                carry = high & (low | carry)
            else:
                # The pair's upper bit is the sign: -2 to 1, and the carry.
                m.d.comb += [
                    digit.one.eq(odd),
                    digit.two.eq(~odd & (high ^ low)),
                    digit.negative.eq(high & ~(low & carry)),
                ]
        return m


def partial_products(digits, weight: list[Value]) -> list[list[Value]]:
    """Bits of ``digit * weight`` for each digit, less the 1 that a ``negative`` one lacks.

    Parameters
    ----------
    digits : digits_layout(bits)
        Digits of the activation.
    weight : list of Value
        Bits of a signed weight, lowest first.

    Returns
    -------
    list of lists
        A bit more than the weight has for each digit. The topmost has negative weight, as in two's
        complement.
    """
    bits = [*weight, weight[-1]]
    doubled = [None, *weight]
    products = []
    for k in range(len(digits)):
        digit, product = digits[k], []
        for single, double in zip(bits, doubled, strict=True):
            chosen = digit.one & single
            if double is not None:
                chosen |= digit.two & double
            if k < len(digits) - 1:
                product.append(chosen | (digit.negative & ~single))
            else:
                product.append(chosen ^ digit.negative)
        products.append(product)
    return products
