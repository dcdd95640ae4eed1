"""Activation functions of the epilogue, as tables that hardware and software share.

Standard library only. ``f(x) = x * g(x)``, and ``g(-x) = 1 - g(x)``: a table holds ``q(a) = g(-a)``
for ``a`` from 0 on, in straight lines.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property


__all__ = ["FRACTION", "FUNCTIONS", "INSIDE", "LINES", "Function"]


FRACTION = 20
"""Bits after the point of ``q``."""

LINES = 7
"""Bits of ``a`` that choose a line, the highest ones."""

INSIDE = 8
"""Bits of ``a`` behind them, which say where on the line it is."""


@dataclass(frozen=True)
class Function:
    """A function of the epilogue.

    Attributes
    ----------
    name : str
    end : int
        ``q`` is 0 from ``2 ** end`` on.
    tail : callable
        ``q`` of a float that is not negative.
    """

    name: str
    end: int
    tail: Callable[[float], float]

    @cached_property
    def lines(self) -> tuple[tuple[int, int], ...]:
        """Where each line begins, and by how much it falls, in units of ``2 ** -FRACTION``.

        ``q`` is convex, so a line through its ends lies above it; it is lowered by half of that.
        """
        width = 2.0 ** (self.end - LINES)
        found = []
        for k in range(1 << LINES):
            left, middle, right = (self.tail((k + part) * width) for part in (0, 0.5, 1))
            begin = round((left - ((left + right) / 2 - middle) / 2) * 2**FRACTION)
            found.append((begin, min(begin, round((left - right) * 2**FRACTION))))
        return tuple(found)


FUNCTIONS = {function.name: function for function in (
    Function("gelu", 3, lambda a: math.erfc(a / math.sqrt(2)) / 2),
    Function("silu", 4, lambda a: 1 / (1 + math.exp(a))))}
"""By name: GELU with the error function, and SiLU."""
