"""What follows from the weights of a layer: computed once, and again when they change.

Weights change in many ways: a checkpoint is loaded, an optimiser steps, the model gets another
type or device, or a script writes into ``weight.data``, which no version counter of PyTorch
notices. So the weights themselves are compared, by sums of their bits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from sw.exact.graph import is_recorded


__all__ = ["Derived", "Fingerprint", "lasting", "refuse_own_type"]


_INTEGERS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


@contextmanager
def lasting() -> Iterator[None]:
    """Make what is kept beyond a call: without gradients, and not of ``torch.inference_mode``.

    What that mode makes cannot be part of training later on.
    """
    with torch.inference_mode(False), torch.no_grad():
        yield


def refuse_own_type(weight: Tensor) -> None:
    """Raise ValueError if weights have a type of their own, as a quantiser gives them.

    They know few operations beside the product, so that nothing else can follow from them.
    """
    if not is_recorded(weight) and type(weight) not in (Tensor, nn.Parameter):
        raise ValueError("weights of a sparse layer must be plain numbers for a method that needs "
                         f"them, not {type(weight).__name__}")


class Fingerprint(NamedTuple):
    """What tells weights from others: their type, and sums of the bits of rows and columns.

    Sums of integers do not depend on their order, so every device and compiler agrees. Rows and
    columns, because either alone would not notice that the other ones were exchanged.
    """

    dtype: torch.dtype
    words: torch.dtype
    sums: Tensor

    @classmethod
    def of(cls, weight: Tensor, like: "Fingerprint | None" = None) -> "Fingerprint":
        """Fingerprint of weights of two dimensions, any type, to compare to another one.

        ValueError if they are no plain numbers.
        """
        refuse_own_type(weight)
        bits = weight.detach()
        if bits.stride(-1) != 1:
            bits = bits.contiguous()
        words = _words(bits) if like is None else like.words
        bits = bits.view(words)
        # The highest bits are signs: an even number of them would cancel in both sums.
        rows = (bits >> 8 if words == torch.int64 else bits).sum(1, dtype=torch.int64)
        return cls(weight.dtype, words, torch.cat([rows, bits.sum(0, dtype=torch.int64)]))

    def same(self, other: "Fingerprint") -> Tensor | bool:
        """Whether it is that of the same weights; a tensor, which a graph can hold."""
        if (self.dtype, self.words, self.sums.shape) != \
                (other.dtype, other.words, other.sums.shape):
            return False
        return (self.sums.to(other.sums.device) == other.sums).all()


def _words(bits: Tensor) -> torch.dtype:
    """Integers to read weights as: several at a time, five times as fast, where rows allow it."""
    size = bits.element_size()
    places = (bits.shape[-1], bits.storage_offset(), *bits.stride()[:-1])
    whole = all(place * size % 8 == 0 for place in places)
    return torch.int64 if whole else _INTEGERS[size]


class Derived:
    """A value that follows from weights, kept as long as the weights are the same.

    In a graph the computation is recorded instead, so that the graph is right for any weights.
    """

    def __init__(self) -> None:
        self._kept: tuple[Fingerprint, Tensor] | None = None

    @torch.no_grad()
    def __call__(self, weight: Tensor, compute: Callable[[], Tensor]) -> Tensor:
        """Return what ``compute`` gives for the weights as they are now."""
        if is_recorded(weight):
            return compute()
        with lasting():
            return self._keep(weight, compute)

    def _keep(self, weight: Tensor, compute: Callable[[], Tensor]) -> Tensor:
        if weight.is_meta:
            raise ValueError("weights of a sparse layer must be in memory, not on the meta device")
        now = Fingerprint.of(weight)
        if self._kept is None or self._kept[1].device != weight.device \
                or not self._kept[0].same(now):
            self._kept = now, compute()
        return self._kept[1]
