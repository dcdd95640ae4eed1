"""What the hardware's compressor computes, in integers: shift, select, compact, sums of a token.

Tokens whose features do not fill whole blocks are padded with zeros first, as the sender of the
stream does; the padding takes part in everything that follows.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import Pattern, choice
from sw.exact.quantize import saturate
from sw.exact.selection import block_mask, pad_features, scores


__all__ = ["CompressedTokens", "SelectedTokens", "compress_tokens", "select_tokens", "token_mean",
           "token_median"]


class CompressedTokens(NamedTuple):
    """Tokens as they leave the compressor.

    Attributes
    ----------
    z : Tensor
        int8 [T, blocks, m]: ``x - eta``, saturated.
    mask : Tensor
        bool [T, blocks, m].
    kept, dropped : Tensor
        int8 [T, blocks, n] and [T, blocks, m - n]: values of z, in ascending order of features.
    eta : Tensor
        int64 [T] or [T, features]: what was subtracted.
    sums : Tensor
        int64 [T, 4], of each token: sum of z, sum of squares of z, and both of the kept values.
    """

    z: Tensor
    mask: Tensor
    kept: Tensor
    dropped: Tensor
    eta: Tensor
    sums: Tensor


def token_mean(x: Tensor) -> Tensor:
    """Mean of each token of integers [T, K], int64 [T]: rounded to the nearest, half upwards."""
    features = x.shape[-1]
    return (2 * x.long().sum(-1) + features).div(2 * features, rounding_mode="floor")


def token_median(x: Tensor) -> Tensor:
    """Lower median of each token of integers [T, K], int64 [T]."""
    return x.long().median(-1).values


class SelectedTokens(NamedTuple):
    """Tokens and their masks, as they go into the compactor; see :class:`CompressedTokens`."""

    z: Tensor
    mask: Tensor
    eta: Tensor


def compress_tokens(x: Tensor, pattern: Pattern, *, coefficients: Tensor | None = None,
                    shift: int | Tensor | str = 0, bits: int = 8) -> CompressedTokens:
    """Compress tokens exactly as the hardware does.

    Parameters
    ----------
    x : Tensor
        int8 [T, K].
    pattern : Pattern
        Values kept of each block.
    coefficients : Tensor, optional
        Integers from 0 to 255, [K]: factors of the score.
    shift : int, Tensor [K], "mean" or "median"
        What is subtracted before selection: one number, one for each channel, or the statistic of
        each token.
    bits : int
        Bits of an activation, 4 or 8: z saturates to them.

    Raises
    ------
    ValueError
        If a value is of another type or shape, or out of range.
    """
    blocks, mask, eta = select_tokens(x, pattern, coefficients=coefficients, shift=shift, bits=bits)
    kept = blocks[mask].view(*mask.shape[:-1], pattern.n)
    dropped = blocks[~mask].view(*mask.shape[:-1], pattern.m - pattern.n)
    sums = torch.stack([part for values in (blocks, kept) for part in _sums(values.flatten(1))], -1)
    return CompressedTokens(blocks, mask, kept, dropped, eta, sums)


def select_tokens(x: Tensor, pattern: Pattern, *, coefficients: Tensor | None = None,
                  shift: int | Tensor | str = 0, bits: int = 8, threshold: int = 0
                  ) -> SelectedTokens:
    """Shift tokens and select from them exactly as the hardware does.

    Parameters
    ----------
    x, pattern, coefficients, shift, bits
        As for :func:`compress_tokens`.
    threshold : int
        If not 0: keep all values whose score reaches it. Of the pattern, only M matters then.
    """
    _check(x, coefficients, shift)
    if coefficients is not None:
        coefficients = pad_features(coefficients, pattern.m)
    x = pad_features(x, pattern.m)
    if isinstance(shift, str):
        eta = {"mean": token_mean, "median": token_median}[shift](x)
        shifted = x.long() - eta[:, None]
    elif isinstance(shift, Tensor):
        eta = pad_features(shift.long(), pattern.m).expand(x.shape)
        shifted = x.long() - eta
    else:
        eta = torch.full((len(x),), shift, device=x.device)
        shifted = x.long() - shift
    z = saturate(shifted, bits)
    blocks = z.view(*z.shape[:-1], pattern.blocks(z.shape[-1]), pattern.m)
    if threshold:
        mask = (scores(z, coefficients).long().abs() >= threshold).view(blocks.shape)
    else:
        mask = block_mask(z, pattern.n, pattern.m, coefficients)
    return SelectedTokens(blocks, mask, eta)


def _check(x: Tensor, coefficients: Tensor | None, shift: int | Tensor | str) -> None:
    """Raise ValueError if these are none that hardware has."""
    if x.dtype != torch.int8 or x.dim() != 2:
        raise ValueError("x must be int8 of two dimensions, not "
                         f"{str(x.dtype).removeprefix('torch.')} of {x.dim()}")
    if isinstance(shift, str):
        choice("shift", shift, ("mean", "median"))
    for name, values, low, high in (("coefficients", coefficients, 0, 255),
                                    ("shift", shift, -128, 127)):
        if not isinstance(values, Tensor):
            continue
        if values.shape != x.shape[1:] or values.is_floating_point():
            raise ValueError(f"{name} must be integers of the shape {list(x.shape[1:])}, not "
                             f"{str(values.dtype).removeprefix('torch.')} {list(values.shape)}")
        if values.numel() and not low <= int(values.min()) <= int(values.max()) <= high:
            raise ValueError(f"{name} must be from {low} to {high}, not from {int(values.min())} "
                             f"to {int(values.max())}")


def _sums(values: Tensor) -> tuple[Tensor, Tensor]:
    return values.long().sum(-1), values.long().square().sum(-1)
