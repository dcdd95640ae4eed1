"""The N-th largest of M tensors, element by element, through a comparator network.

Sorting every block by itself is slow in any tensor library. A network instead compares whole
tensors: slice ``j`` holds value ``j`` of every block, and each comparator is one vectorised
minimum and maximum.
"""

from collections.abc import Sequence
from functools import reduce

import torch
from torch import Tensor


__all__ = ["nth_largest"]


def _merge(a: Sequence[Tensor], b: Sequence[Tensor], keep: int) -> list[Tensor]:
    """Merge two descending lists into the ``keep`` largest (Batcher's odd-even merge)."""
    if not a or not b:
        return list(a or b)[:keep]
    if len(a) == len(b) == 1:
        largest = [torch.maximum(a[0], b[0])]
        return largest if keep == 1 else [*largest, torch.minimum(a[0], b[0])]
    even = _merge(a[0::2], b[0::2], keep // 2 + 1)
    odd = _merge(a[1::2], b[1::2], (keep + 1) // 2)
    merged = even[:1]
    for k, value in enumerate(odd):
        if k + 1 == len(even):
            merged.append(value)
            break
        merged.append(torch.maximum(value, even[k + 1]))
        if len(merged) < keep:
            merged.append(torch.minimum(value, even[k + 1]))
    return [*merged, *even[len(odd) + 1:]][:keep]


def _largest(values: Sequence[Tensor], keep: int) -> list[Tensor]:
    """Sort into descending order, dropping all but the ``keep`` largest on the way."""
    if len(values) == 1:
        return list(values)
    half = len(values) // 2
    return _merge(_largest(values[:half], keep), _largest(values[half:], keep), keep)


def nth_largest(slices: Sequence[Tensor], n: int) -> Tensor:
    """Return, element by element, the ``n``-th largest of ``slices`` (``n = 1``: the largest).

    Parameters
    ----------
    slices : sequence of Tensor
        At least ``n`` tensors of one shape and one ordered dtype.
    n : int
        From 1 to ``len(slices)``.
    """
    if len(slices) == 1:
        return slices[0]
    half = len(slices) // 2
    a, b = _largest(slices[:half], n), _largest(slices[half:], n)
    # If the n largest are the first i of `a` and the first n - i of `b`, the smaller one of the
    # two last is the n-th. Every other split takes a value that is too small.
    splits = []
    for i in range(max(0, n - len(b)), min(n, len(a)) + 1):
        ends = [a[i - 1]] if i else []
        ends += [b[n - i - 1]] if i < n else []
        splits.append(reduce(torch.minimum, ends))
    return reduce(torch.maximum, splits)
