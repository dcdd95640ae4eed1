"""Addition of many numbers at once, word by word."""

from amaranth.hdl import Cat, Const, Module, Signal, Value


__all__ = ["add", "carry_save", "prefix_add", "product"]


def carry_save(m: Module, numbers: list[Value], width: int) -> list[Value]:
    """Numbers, at most two, with the sum of unsigned ``numbers`` modulo ``2 ** width``.

    Three numbers become two with one full adder a bit, in a tree, until two are left.
    """
    while len(numbers) > 2:
        a, b, c, *rest = numbers
        total = Signal(min(width, max(len(a), len(b), len(c))))
        carry = Signal(min(width, len(total) + 1))
        m.d.comb += [total.eq(a ^ b ^ c), carry.eq(((a & b) | (c & (a | b))) << 1)]
        numbers = [*rest, total, carry]
    return numbers


def add(m: Module, numbers: list[Value], width: int) -> Value:
    """Sum of unsigned numbers modulo ``2 ** width``.

    How the last two are added is left to synthesis. Faster than
    :class:`hw.arithmetic.adder.Columns`, whose last adder ripples.
    """
    numbers = carry_save(m, numbers, width)
    return sum(numbers[1:], numbers[0])[:width]


def prefix_add(m: Module, one: Value, other: Value, carry: Value) -> Value:
    """Sum of two unsigned numbers of equal width and a carry, a bit more than they have.

    Every carry is known after as many gates as the logarithm of its place (Kogge and Stone): for
    sums that no register can cut.
    """
    width, distance = len(one) + 1, 1
    odd, generates = (one ^ other) << 1, Cat(carry, one & other)
    passes = odd
    while distance < width:
        carries, both = Signal(width), Signal(width)
        m.d.comb += [carries.eq(generates | (passes & (generates << distance))),
                     both.eq(passes & (passes << distance))]
        generates, passes, distance = carries, both, 2 * distance
    return odd[1:width] ^ generates


def product(value: Value, factor: Value, width: int, shift: int = 0) -> list[Value]:
    """Unsigned numbers with the sum ``value * factor * 2 ** shift`` modulo ``2 ** width``.

    One for each bit of the factor, and a constant: a bit of negative weight counts as its
    complement less 1 (Baugh and Wooley).
    """
    constant, numbers = 0, []
    sign = int(value.shape().signed) << len(value) - 1
    for k in range(len(factor)):
        negative = factor.shape().signed and k == len(factor) - 1
        flipped = sign ^ ((1 << len(value)) - 1 if negative else 0)
        bits = (value.as_unsigned() & factor[k].replicate(len(value))) ^ flipped
        numbers.append(Cat(Const(0, k + shift), bits)[:width])
        constant -= flipped << k + shift
    return [*numbers, Const(constant % (1 << width), width)]
