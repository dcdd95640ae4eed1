"""Statistics of what the layers of a dense model get, over the real tokens of some calls."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from itertools import zip_longest
from typing import Any

import torch
from torch import Tensor, nn

from sw.methods import corrections as correct
from sw.methods.experts import separated
from sw.methods.layers import find_layers
from sw.methods.tokens import follow_masks, real_tokens, token_mask


__all__ = ["observe"]


class _Sums:
    """What is summed up of one layer, in float64: float32 stops counting at 2 ** 24."""

    def __init__(self, features: int, covariance: bool, device: torch.device):
        def zeros(*size: int) -> Tensor:
            return torch.zeros(size, dtype=torch.float64, device=device)

        self.calls = self.tokens = 0
        self.medians, self.squares, self.largest = zeros(), zeros(features), zeros(features)
        self.sum = zeros(features) if covariance else None
        self.products = zeros(features, features) if covariance else None

    def add(self, x: Tensor) -> None:
        """Add the tokens [T, K] of a call; at least one."""
        x = x.float()
        self.calls += 1
        self.tokens += x.shape[0]
        self.medians += correct.token_shift(x).mean(dtype=torch.float64)
        self.largest = torch.maximum(self.largest, correct.largest_magnitudes(x))
        x = x.double()
        self.squares += x.square().sum(0)
        if self.sum is not None and self.products is not None:
            self.sum += x.sum(0)
            self.products += x.t() @ x

    def statistics(self) -> dict[str, Tensor]:
        """What ``observe`` returns of the layer."""
        found = {"shift": (self.medians / self.calls).float(),
                 "norm": self.squares.sqrt().float(), "largest": self.largest.float()}
        if self.sum is not None and self.products is not None:
            mean = self.sum / self.tokens
            found["covariance"] = self.products / self.tokens - torch.outer(mean, mean)
        return found


@torch.no_grad()
def observe(model: nn.Module, batches: Iterable[Mapping[str, Any]],
            layers: Sequence[str] | None = None, *, ignore: Sequence[str] | None = None,
            covariance: bool = False, masks: Iterable[Tensor | None] | None = None,
            ) -> dict[str, dict[str, Tensor]]:
    """Run the dense model on batches of keyword arguments and gather statistics of its layers.

    Padding is left out: the tokens that count are those of the ``attention_mask`` of a batch, or of
    ``masks``.

    Parameters
    ----------
    model : nn.Module
        Any model; it is left as it was.
    batches : iterable of dict
        Keyword arguments of one call each.
    layers, ignore : sequence of str, optional
        As in ``sw.methods.layers.find_layers``.
    covariance : bool
        Whether to gather covariances, which LaRoSA needs.
    masks : iterable of Tensor, optional
        For every batch [B, T], 0 or False where a token is padding, in place of the
        ``attention_mask``; None: all tokens are real.

    Returns
    -------
    dict
        For every layer that got tokens, all float32: ``shift``, the mean over calls of the mean
        lower median of a token; ``norm`` and ``largest`` [K], norm and largest magnitude of every
        input feature; and with ``covariance``, that of the inputs [K, K], float64.

    Raises
    ------
    ValueError
        If there is no batch, or not a mask for each, no layer matches, the mask does not say which
        tokens of a layer are padding, or a layer gets values that are infinite or NaN.
    """
    sums: dict[str, _Sums] = {}

    def gather(name: str, x: Tensor) -> None:
        real = real_tokens(x, name)
        x = x.reshape(-1, x.shape[-1])
        x = x if real is None else x[real]
        if x.shape[0] == 0:
            return
        if not bool(x.isfinite().all()):
            raise ValueError(f"inputs of {name} must be finite, not infinite or NaN")
        if name not in sums:
            sums[name] = _Sums(x.shape[1], covariance, x.device)
        sums[name].add(x)

    calls = 0
    with separated(model):
        handles = follow_masks(model) + [layer.register_forward_pre_hook(
            lambda _, inputs, keywords, name=name: gather(name, (*inputs, *keywords.values())[0]),
            with_kwargs=True) for name, layer in find_layers(model, layers, ignore).items()]
        try:
            for batch, mask in _paired(batches, masks):
                with nullcontext() if masks is None else token_mask(mask):
                    model(**batch)
                calls += 1
        finally:
            for handle in handles:
                handle.remove()
    if not calls:
        raise ValueError("batches must have at least one call, not none")
    return {name: each.statistics() for name, each in sums.items()}


def _paired(batches: Iterable[Mapping[str, Any]], masks: Iterable[Tensor | None] | None,
            ) -> Iterable[tuple[Mapping[str, Any], Tensor | None]]:
    """Batches and their masks; ValueError if there is not one for each."""
    if masks is None:
        yield from ((batch, None) for batch in batches)
        return
    none: Any = object()
    for batch, mask in zip_longest(batches, masks, fillvalue=none):
        if batch is none or mask is none:
            raise ValueError("masks must have one for each of the batches, not "
                             f"{'fewer' if mask is none else 'more'}")
        yield batch, mask
