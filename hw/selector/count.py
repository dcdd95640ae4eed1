"""Counting of single bits, shared by the selectors."""

from functools import reduce
from operator import or_

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value


__all__ = ["add", "at_least", "lift_bits", "lift_of", "popcount", "reaches", "sort_bits",
           "total"]


def _signal(m: Module, value: Value) -> Signal:
    signal = Signal()
    m.d.comb += signal.eq(value)
    return signal


def _full_adder(m: Module, a: Value, b: Value, c: Value) -> tuple[Signal, Signal]:
    """Sum and carry of three bits of one weight."""
    same = _signal(m, ~(a ^ b))
    return _signal(m, ~(same ^ c)), _signal(m, Mux(same, a, c))


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
    return total(m, bits, Const(0, 0), len(bits).bit_length())


def total(m: Module, bits: list[Value], start: Value, width: int) -> Signal:
    """Number of ones among ``bits``, plus ``start``, modulo ``2 ** width``."""
    count = Signal(width)
    column = bits
    for weight in range(width):
        column, carries = _reduce_column(
            m, [*column, start[weight]] if weight < len(start) else column, left=1)
        m.d.comb += count[weight].eq(column[0] if column else 0)
        column = carries
    return count


def add(m: Module, a: Value, b: Value, carry: Value) -> Value:
    """Sum of two numbers of equal width and a carry, one bit wider than they are."""
    bits = []
    for one, other in zip(a, b, strict=True):
        bit, carry = _full_adder(m, one, other, carry)
        bits.append(bit)
    return Cat(*bits, carry)


def at_least(m: Module, bits: list[Value], threshold: int) -> Value:
    """Whether ``threshold`` or more of ``bits`` are ones; ``threshold`` is a constant."""
    if 2 * threshold > len(bits) + 1:  # count the zeros instead: the smaller constant
        return ~at_least(m, [~bit for bit in bits], len(bits) + 1 - threshold)
    weights = (threshold - 1).bit_length()
    lift = (1 << weights) - threshold
    return reaches(m, bits, [[Const(1, 1)] if lift >> k & 1 else [] for k in range(weights)])


def reaches(m: Module, bits: list[Value], lift: list[list[Value]]) -> Value:
    """Whether the number of ones among ``bits``, plus a lift, is ``2 ** len(lift)`` or more.

    ``lift`` has the bits to add at every weight, none or one. Small: about an adder for each bit.
    Only the carries of the count decide, so that neither its low bits nor a comparison are built,
    and a bit of the lift costs the difference between the majority of three and an AND.
    """
    column = bits
    for lifted in lift:
        column = [*lifted, *column]
        column, carries = _reduce_column(m, column, left=2 + len(column) % 2)
        column = [*carries, _carry(m, *column)]
    return _signal(m, reduce(or_, column))


def lift_bits(size: int) -> int:
    """Width of a lift, such that two to its power is ``size`` or more."""
    return (size - 1).bit_length()


def lift_of(m: Module, n: Value | int, size: int) -> Value:
    """What is to be added to a count, so that ``2 ** lift_bits(size)`` says "``n`` or more"."""
    bits = lift_bits(size)
    lift = Signal(bits)
    m.d.comb += lift.eq((1 << bits) - n)
    return lift


def _carry(m: Module, a: Value, b: Value, c: Value | None = None) -> Signal:
    return _signal(m, a & b) if c is None else _full_adder(m, a, b, c)[1]


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
