"""Addition of many numbers at once, word by word."""

from amaranth.hdl import Module, Signal, Value


__all__ = ["add"]


def add(m: Module, numbers: list[Value], width: int) -> Value:
    """Sum of unsigned numbers modulo ``2 ** width``.

    Three numbers become two with one full adder a bit, in a tree, until two are left; how these
    are added is left to synthesis. Faster than :class:`hw.adder.Columns`, whose last adder ripples.
    """
    while len(numbers) > 2:
        a, b, c, *rest = numbers
        total = Signal(min(width, max(len(a), len(b), len(c))))
        carry = Signal(min(width, len(total) + 1))
        m.d.comb += [total.eq(a ^ b ^ c), carry.eq(((a & b) | (c & (a | b))) << 1)]
        numbers = [*rest, total, carry]
    return sum(numbers[1:], numbers[0])[:width]
