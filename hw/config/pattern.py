"""The pattern N:M, and the numbers that follow from it."""

import re
from dataclasses import dataclass
from math import comb

from hw.config.checks import integer


__all__ = ["Pattern"]


@dataclass(frozen=True)
class Pattern:
    """Keep ``n`` of every ``m`` consecutive values of one token.

    Parameters
    ----------
    n : int
        Values kept in each block, from 1 to ``m``. ``n == m`` is dense.
    m : int
        Values in each block, from 2 to 64.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    """

    n: int
    m: int

    def __post_init__(self) -> None:
        integer("m", self.m, 2, 64)
        integer("n", self.n, 1, self.m)

    def __str__(self) -> str:
        return f"{self.n}:{self.m}"

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Read a pattern from its usual notation, ``"8:16"``."""
        found = re.fullmatch("([0-9]{1,9}):([0-9]{1,9})", text)
        if not found:
            raise ValueError(f"pattern must be written N:M, as in 8:16, not {text!r}")
        return cls(int(found[1]), int(found[2]))

    @property
    def dense(self) -> bool:
        """Whether every value is kept: neither selector nor gather are needed."""
        return self.n == self.m

    @property
    def has_baseline(self) -> bool:
        """Whether there is a dense pattern of as many lanes to compare with; none has one lane."""
        return not self.dense and self.n > 1

    @property
    def span(self) -> int:
        """Positions that one lane can take its value from, M - N + 1.

        Kept values are in ascending order, so lane ``i`` only ever needs positions
        ``i`` to ``i + M - N``.
        """
        return self.m - self.n + 1

    @property
    def bitmask_bits(self) -> int:
        """Bits of ``bitmask`` metadata per block."""
        return self.m

    @property
    def index_bits(self) -> int:
        """Bits of ``index`` metadata per block."""
        return self.n * (self.m - 1).bit_length()

    @property
    def rank_bits(self) -> int:
        """Bits of ``rank`` (combinadic) metadata per block."""
        return (self.masks - 1).bit_length()

    @property
    def masks(self) -> int:
        """Masks that a block can have, C(M, N): ranks are below it."""
        return comb(self.m, self.n)

    def blocks(self, features: int) -> int:
        """Blocks that hold ``features`` values; the last one may be padded with zeros."""
        return -(-features // self.m)
