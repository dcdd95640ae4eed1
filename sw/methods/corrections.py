"""Corrections of the error that sparsity makes, under the names of the paper.

Notation: x one token, S(.) the sparsifier, W the weights [O, K]. Statistics are float32.
"""

import torch
from torch import Tensor

from sw.methods.names import CORRECTIONS, SHIFTS, TRAINED


__all__ = ["CORRECTIONS", "SHIFTS", "TRAINED", "largest_magnitudes", "low_rank", "rotation",
           "smoothing", "token_shift", "variance_ratio"]


def token_shift(x: Tensor, mean: bool = False) -> Tensor:
    """D-PTS: the lower median (or the mean) of every token of ``x`` [T, K], as [T, 1]."""
    x = x.float()
    if mean:
        return x.mean(-1, keepdim=True)
    if torch.onnx.is_in_onnx_export():  # it has no median
        return x.topk(x.shape[-1] // 2 + 1).values[:, -1:]
    return x.median(-1, keepdim=True).values


def variance_ratio(dense: Tensor, sparse: Tensor) -> Tensor:
    """VAR: ``sqrt(Var(x) / Var(S(x)))`` of every token of [T, K], [T, 1], float32.

    Variances are unbiased, over all K features, zeros included. The ratio is 1 where S(x) does not
    vary, as it never does where K is 1.
    """
    dense, sparse = dense.float(), sparse.float()
    # The ratio has no scale, but squares of very small and very large values have no float32.
    scale = dense.detach().abs().amax(-1, keepdim=True)
    scale = torch.where((scale > 0) & scale.isfinite(), scale, 1)
    whole, kept = (_spread(x / scale) for x in (dense, sparse))
    varies = (whole > 0) & (kept > 0)
    # A root of 0 has no gradient, so it is not taken.
    ratio = torch.where(varies, whole / torch.where(kept > 0, kept, 1), 1).sqrt()
    return torch.where((whole == 0) & (kept > 0), 0, ratio)


def _spread(x: Tensor) -> Tensor:
    """Variances of tokens times K - 1; ``torch.var`` warns where there is no token."""
    return (x - x.mean(-1, keepdim=True)).square().sum(-1, keepdim=True)


def largest_magnitudes(x: Tensor, real: Tensor | None = None) -> Tensor:
    """Largest magnitude of every column of ``x`` [T, K], [K]; 0 without tokens.

    ``real`` [T] says which tokens count, by default all.
    """
    if x.shape[0] == 0:
        return x.new_zeros(x.shape[1])
    magnitudes = x.abs()
    return (magnitudes if real is None else torch.where(real[:, None], magnitudes, 0)).amax(0)


def smoothing(largest: Tensor, weight: Tensor) -> Tensor:
    """SmoothQuant-like scaling: ``sqrt(max|X_j| / max|W_j|)`` of every input feature, [K].

    ``largest`` [K] is the largest magnitude of each input feature. A feature that is always zero,
    or not finite, gets the factor 1.
    """
    factor = (largest.float() / weight.float().abs().amax(0).clamp_min(1e-8)).sqrt()
    return torch.where((factor > 0) & factor.isfinite(), factor, 1)


def rotation(covariance: Tensor, blocks: int = 1) -> Tensor:
    """LaRoSA-like rotation: eigenvectors of the covariance [K, K] of the inputs, as columns.

    They are dealt out to blocks, largest first: in plain order the first block of an N:M pattern
    would get all that is large, and could keep only N of it.
    """
    vectors = torch.linalg.eigh(covariance.double()).eigenvectors.flip(-1).float()
    return torch.cat([vectors[:, block::blocks] for block in range(blocks)], 1)


def low_rank(weight: Tensor, rank: int) -> tuple[Tensor, Tensor]:
    """R-Sparse: A [O, rank] and B [rank, K], so that ``A @ B`` is the best copy of the weights."""
    u, s, v = torch.linalg.svd(weight.float(), full_matrices=False)
    root = s[:rank].sqrt()
    return u[:, :rank] * root, root[:, None] * v[:rank]
