"""Corrections of the error that sparsity makes, under the names of the paper.

Notation: x one token, S(.) the sparsifier, W the weights [O, K]. Statistics are float32.
"""

import torch
from torch import Tensor


__all__ = ["CORRECTIONS", "SHIFTS", "TRAINED", "low_rank", "rotation", "smoothing",
           "token_shift", "variance_ratio"]


SHIFTS = ("d-pts", "d-pts-mean", "s-pts", "l-pts")
"""``y = (S(x - eta) + eta) W^T``; at most one of them."""

CORRECTIONS = (*SHIFTS, "shift", "ls", "var", "r-sparse", "smooth", "larosa")
"""Names that ``sw.methods.sparsify.sparsify`` takes."""

TRAINED = ("l-pts", "shift", "ls", "r-sparse")
"""Corrections with learned parameters. Untrained, all but R-Sparse do nothing."""


def token_shift(x: Tensor, mean: bool = False) -> Tensor:
    """D-PTS: the lower median (or the mean) of every token of ``x`` [T, K], as [T, 1]."""
    x = x.float()
    return x.mean(-1, keepdim=True) if mean else x.median(-1, keepdim=True).values


def variance_ratio(dense: Tensor, sparse: Tensor) -> Tensor:
    """VAR: ``sqrt(Var(x) / Var(S(x)))`` of every token, [T, 1].

    Variances are unbiased, over all K features, zeros included; that of S(x) is at least 1e-9.
    """
    kept = sparse.float().var(-1, keepdim=True).clamp_min(1e-9)
    return (dense.float().var(-1, keepdim=True) / kept).sqrt()


def smoothing(largest: Tensor, weight: Tensor) -> Tensor:
    """SmoothQuant-like scaling: ``sqrt(max|X_j| / max|W_j|)`` of every input feature, [K].

    ``largest`` [K] is the largest magnitude of each input feature. A feature that is always zero
    gets the factor 1.
    """
    factor = (largest.float() / weight.float().abs().amax(0).clamp_min(1e-8)).sqrt()
    return torch.where(factor > 0, factor, torch.ones_like(factor))


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
