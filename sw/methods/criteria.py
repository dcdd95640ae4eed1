"""Selection criteria: the factor c_j of the score ``|z_j| * c_j``, one for each input feature.

A factor that is constant within a block cannot change a selection, so the row norm of CLACT is
left out. All factors are float32 and non-negative.
"""

import torch
from torch import Tensor

from hw.config import choice


__all__ = ["COEFFICIENT_BITS", "CRITERIA", "amber_coefficients", "clact_coefficients",
           "quantize_coefficients", "variance_coefficients", "weight_coefficients",
           "wina_coefficients"]


CRITERIA = ("act", "clact", "amber", "wina", "variance")
"""ACT (magnitude), CLACT, Amber-Pruner, WINA, variance-weighted."""

COEFFICIENT_BITS = 8
"""Bits of a coefficient in hardware."""

_SAMPLES = 100_000
"""Weights that quantiles are estimated from, at most; evenly spaced, so every call agrees."""


def clact_coefficients(x: Tensor) -> Tensor:
    """CLACT: the norm of every column of ``x`` [T, K], over all tokens."""
    return x.float().square().sum(0).sqrt()


def amber_coefficients(weight: Tensor) -> Tensor:
    """Amber-Pruner: norms of the columns of the standardised weights, over the smallest of them.

    Mean and deviation are of the weights between the 0.5 % and 99.5 % quantiles; the norm is of
    all weights, outliers included.
    """
    weight = weight.float()
    flat = weight.flatten()
    sample = flat[::-(-len(flat) // _SAMPLES)]
    low, high = sample.quantile(torch.tensor([0.005, 0.995], device=flat.device))
    inliers = flat[(flat >= low) & (flat <= high)]
    deviation = inliers.std(correction=0).clamp_min(1e-8)
    norms = ((weight - inliers.mean()) / deviation).norm(dim=0)
    return norms / norms.min().clamp_min(1e-8)


def wina_coefficients(weight: Tensor) -> Tensor:
    """WINA: the norm of every column of ``weight`` [O, K]."""
    return weight.float().norm(dim=0)


def variance_coefficients(weight: Tensor) -> Tensor:
    """Variance-weighted: the unbiased variance of every column of ``weight`` [O, K]."""
    return weight.float().var(dim=0)


def weight_coefficients(criterion: str, weight: Tensor) -> Tensor | None:
    """Return the factors of a criterion that depend on the weights alone, else None.

    Raises
    ------
    ValueError
        If the criterion is not one of ``CRITERIA``.
    """
    choice("criterion", criterion, CRITERIA)
    function = {"amber": amber_coefficients, "wina": wina_coefficients,
                "variance": variance_coefficients}.get(criterion)
    return function(weight) if function else None


def quantize_coefficients(coefficients: Tensor) -> Tensor:
    """Scale factors so that the largest is 255, and round: the integers that hardware holds."""
    largest = (1 << COEFFICIENT_BITS) - 1
    peak = coefficients.max().clamp_min(torch.finfo(torch.float32).tiny)
    return (coefficients / peak * largest).round().to(torch.int32)
