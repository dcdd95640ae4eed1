"""Counting of single bits, shared by the selectors."""

from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux, Signal, Value


__all__ = ["at_least", "popcount", "sort_bits"]


def _signal(m: Module, value: Value) -> Signal:
    signal = Signal()
    m.d.comb += signal.eq(value)
    return signal


def _full_adder(m: Module, a: Value, b: Value, c: Value) -> tuple[Signal, Signal]:
    """Sum and carry of three bits of one weight."""
    differ = _signal(m, a ^ b)
    return _signal(m, differ ^ c), _signal(m, Mux(differ, c, a))


def _reduce_column(m: Module, column: list[Value], left: int) -> tuple[list[Value], list[Value]]:
    """Add the bits of one weight until ``left`` remain; return them and the carries."""
    carries: list[Value] = []
    while len(column) > left:
        a, b, *rest = column
        if rest:
            c, *rest = rest
        else:
            c = Const(0, 1)
        total, carry = _full_adder(m, a, b, c)
        column = [*rest, total]
        carries.append(carry)
    return column, carries


def popcount(m: Module, bits: list[Value]) -> Signal:
    """Number of ones among ``bits``, ``len(bits).bit_length()`` bits wide."""
    count = Signal(range(len(bits) + 1))
    column = bits
    for weight in range(len(count)):
        column, carries = _reduce_column(m, column, left=1)
        m.d.comb += count[weight].eq(column[0])
        column = carries
    return count


def at_least(m: Module, bits: list[Value], threshold: int) -> Value:
    """Whether ``threshold`` or more of ``bits`` are ones. Small: about an adder for each bit.

    A constant lifts the threshold to a power of two, so that the carries of the count decide
    and neither the low bits of the count nor a comparison are built.
    """
    if 2 * threshold > len(bits) + 1:  # count the zeros instead: the smaller constant
        return ~at_least(m, [~bit for bit in bits], len(bits) + 1 - threshold)
    if len(bits) == 3 and threshold == 2:
        a, b, c = bits
        return _signal(m, (a & b) | (c & (a | b)))
    top = (threshold - 1).bit_length()
    lift = (1 << top) - threshold
    column = bits
    for weight in range(top):
        if lift >> weight & 1:
            column = [Const(1, 1), *column]
        column, carries = _reduce_column(m, column, left=2)
        carry = _signal(m, column[0] & column[1] if len(column) == 2 else Const(0, 1))
        column = [*carries, carry]
    return _signal(m, reduce(or_, column))


def sort_bits(m: Module, bits: list[Value]) -> list[Value]:
    """The bits, ones first: bit ``k`` tells whether more than ``k`` of them are ones.

    Batcher's merge sort. On single bits a comparator is an OR and an AND, so that this is faster
    than a count, at more area. What belongs to unused outputs is removed by synthesis.
    """
    if len(bits) == 1:
        return bits
    half = len(bits) // 2
    return _merge(m, sort_bits(m, bits[:half]), sort_bits(m, bits[half:]))


def _merge(m: Module, a: list[Value], b: list[Value]) -> list[Value]:
    """Odd-even merge of two sorted lists of any lengths."""
    if not a or not b:
        return a or b
    if len(a) == len(b) == 1:
        return [_signal(m, a[0] | b[0]), _signal(m, a[0] & b[0])]
    first, *even = _merge(m, a[0::2], b[0::2])
    odd = _merge(m, a[1::2], b[1::2])
    merged = [first]
    for x, y in zip(odd, even, strict=False):
        merged += [_signal(m, x | y), _signal(m, x & y)]
    paired = min(len(odd), len(even))
    return merged + odd[paired:] + even[paired:]
