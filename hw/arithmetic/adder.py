"""Addition of many numbers at once, bit by bit."""

from heapq import heapify, heappop, heappush
from itertools import count

from amaranth.hdl import C, Module, Signal, Value


__all__ = ["ChainedColumns", "Columns"]


Bit = tuple[int, int, Value, bool]
"""When it arrives, its number, the bit, and whether it is the carry of an adder."""

LAST = 1000
"""Arrival of what is to be added last."""


class Columns:
    """Bits to be added, by their binary weight; the sum is taken modulo ``2 ** width``.

    Full adders reduce one column after the other, from the lowest, until one bit is left. They
    take the three bits that arrive first, so carries and late bits ripple past few adders: one
    structure is both the tree of compressors and the final adder. Each full adder removes exactly
    one bit, hence no other order needs fewer.

    Parameters
    ----------
    width : int
        Bits of the sum.
    """

    def __init__(self, width: int):
        self.width = width
        self._bits: list[list[Bit]] = [[] for _ in range(width)]
        self._constant = 0
        self._number = count()

    def add(self, column: int, bit: Value, *, negative: bool = False, last: bool = False) -> None:
        """Add ``bit * 2 ** column``, or subtract it if ``negative``; behind others if ``last``."""
        if negative:  # -bit = ~bit - 1
            bit = ~bit
            self._constant -= 1 << column
        self._push(column, bit, LAST * last)

    def sum(self, m: Module) -> list[Value]:
        """Add the adders to ``m`` and return the bits of the sum, lowest first."""
        total: list[Value] = []
        for column in range(self.width):
            waiting = self._bits[column]
            constant = bool(self._constant >> column & 1)
            while len(waiting) >= 3:
                self._adder(m, column, self._three(waiting))
            if waiting and len(waiting) + constant >= 2:
                inputs = [heappop(waiting) for _ in range(len(waiting))]
                self._adder(m, column, inputs, constant=constant)
                constant = False
            total.append(waiting[0][2] if waiting else C(constant))
        return total

    def _three(self, waiting):
        """Take three inputs for a full adder."""
        return [heappop(waiting) for _ in range(3)]

    def _full(self, m, a, b, c):
        """Carry and sum of three bits."""
        return (a & b) | (a & c) | (b & c), a ^ b ^ c

    def _adder(self, m, column, inputs, *, constant=False):
        """Replace up to three ``inputs``, a constant 1 among them, by sum and carry."""
        arrival = max(time for time, _, _, _ in inputs) + 2
        match [bit for _, _, bit, _ in inputs], constant:
            case [a, b, c], False:
                carry, odd = self._full(m, a, b, c)
            case [a, b], False:
                carry, odd = a & b, a ^ b
            case [a, b], True:
                carry, odd = a | b, ~(a ^ b)
            case [a], True:
                carry, odd = a, ~a
        self._push(column, self._name(m, "sum", column, odd), arrival)
        self._push(column + 1, self._name(m, "carry", column, carry), arrival - 1, carried=True)

    def _name(self, m, kind, column, expression):
        signal = Signal(len(expression), name=f"{kind}_c{column}n{next(self._number)}")
        m.d.comb += signal.eq(expression)
        return signal

    def _push(self, column, bit, arrival, *, carried=False):
        if column < self.width:
            heappush(self._bits[column], (arrival, next(self._number), bit, carried))


class ChainedColumns(Columns):
    """The same sum, of full adders that take one carry each, as long as there are any.

    A carry then meets the exclusive or of two bits that are none: it is chosen among, and chains of
    carries pass one gate a column. Smaller and faster where many numbers are long.
    """

    def _three(self, waiting):
        carries = [bit for bit in waiting if bit[-1]]
        others = sorted(bit for bit in waiting if not bit[-1])
        taken = [*others[:2], min(carries)] if carries and others[1:] else sorted(waiting)[:3]
        waiting[:] = [bit for bit in waiting if bit not in taken]
        heapify(waiting)
        return taken

    def _full(self, m, a, b, c):
        odd = Signal()
        m.d.comb += odd.eq(a ^ b)
        return (a | odd) & (c | ~odd), odd ^ c
