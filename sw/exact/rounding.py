"""Exact sums of float64, rounded once to binary32.

A sum is first rounded to odd: cut, and its last bit set where something was cut off. Rounding that
to the nearest of at least two bits less gives the exact sum rounded to the nearest (Boldo and
Melquiond, Emulation of a FMA and correctly rounded sums: proved algorithms using rounding to odd,
IEEE Transactions on Computers 57(4), 2008).
"""

import torch
from torch import Tensor


__all__ = ["add_to_fp32", "two_sum"]


def two_sum(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The sum of float64, and its error: together the exact sum (Knuth)."""
    total = a + b
    rest = total - a
    return total, (a - (total - rest)) + (b - rest)


def _odd_sum(a: Tensor, b: Tensor) -> Tensor:
    """The sum of float64, rounded to odd."""
    total, error = two_sum(a, b)
    bits = total.view(torch.int64)
    outwards = (error > 0) == (total > 0)
    cut = (error != 0) & total.isfinite() & (bits & 1 == 0)
    return torch.where(cut, bits + torch.where(outwards, 1, -1), bits).view(torch.float64)


def add_to_fp32(total: Tensor, high: Tensor, low: Tensor | None = None) -> Tensor:
    """``total + high + low``, exact and rounded once to binary32; float64 of the same shape.

    ``total`` holds numbers of binary32; ``high`` and ``low`` are float64, in its normal range. NaN
    and infinities as IEEE 754 adds them.
    """
    if low is None:
        return _odd_sum(total, high).float().double()
    upper, rest = two_sum(total, low)
    top, error = two_sum(high, upper)
    exact = _odd_sum(top, _odd_sum(error, rest))
    return torch.where(top.isfinite(), exact, top).float().double()
