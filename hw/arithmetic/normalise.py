"""How far a number can be shifted to the left."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value


__all__ = ["leading_zeros", "normalised"]


def normalised(m: Module, value: Value) -> tuple[Value, Value, Value]:
    """A signed value shifted left until its two highest bits differ.

    Returns it, by how much it was shifted, and whether it is zero, where the shift means nothing.
    """
    width, shifts = len(value), []
    for k in reversed(range((width - 1).bit_length())):
        top = value[max(0, width - 1 - (1 << k)):]
        equal, shifted = Signal(), Signal(width)
        m.d.comb += [equal.eq(top.all() | ~top.any()),
                     shifted.eq(Mux(equal, value << (1 << k), value))]
        shifts.append(equal)
        value = shifted
    return value, Cat(reversed(shifts)), value[-1] == value[-2]


def leading_zeros(m: Module, bits: Value) -> Value:
    """How many of the highest bits are zero; all of them, or more, if all are."""
    def count(part: list[Value]) -> tuple[Value, list[Value]]:
        if len(part) == 1:
            return ~part[0], []
        half = len(part) // 2
        (low_none, low), (high_none, high) = count(part[:half]), count(part[half:])
        none, chosen = Signal(), Signal(len(low))
        m.d.comb += [none.eq(low_none & high_none),
                     chosen.eq(Mux(high_none, Cat(low), Cat(high)))]
        return none, [*chosen, high_none]

    size = 1 << (len(bits) - 1).bit_length()
    _, found = count([*[Const(1, 1)] * (size - len(bits)), *bits])
    return Cat(found)
