"""Selection criteria: the factor c_j of the score ``|z_j| * c_j``, one for each input feature.

A factor that is constant within a block cannot change a selection, so the row norm of CLACT is
left out. All factors are float32 and non-negative.
"""

import torch
from torch import Tensor

from hw.config import choice
from sw.exact.graph import is_recorded
from sw.methods.names import CRITERIA


__all__ = ["COEFFICIENT_BITS", "CRITERIA", "amber_coefficients", "clact_coefficients",
           "quantize_coefficients", "variance_coefficients", "weight_coefficients",
           "wina_coefficients"]


COEFFICIENT_BITS = 8
"""Bits of a coefficient in hardware."""

_SAMPLES = 100_000
"""Weights that quantiles are estimated from, at most; evenly spaced, so every call agrees."""


def clact_coefficients(x: Tensor, real: Tensor | None = None) -> Tensor:
    """CLACT: the norm of every column of ``x`` [T, K], over all tokens or the ``real`` ones [T]."""
    return _column_norms(x if real is None else torch.where(real[:, None], x, 0))


def _column_norms(x: Tensor) -> Tensor:
    """Norms of the columns of [T, K], float32; squares neither overflow nor vanish."""
    if x.shape[0] == 0:
        return x.new_zeros(x.shape[1], dtype=torch.float32)
    x = x.float()
    scale = x.abs().amax((0, 1))
    scale = torch.where((scale > 0) & scale.isfinite(), scale, 1)
    return (x / scale).square().sum(0).sqrt() * scale


def amber_coefficients(weight: Tensor) -> Tensor:
    """Amber-Pruner: norms of the columns of the standardised weights, over the smallest of them.

    Mean and deviation are of the weights between the 0.5 % and 99.5 % quantiles; the norm is of
    all weights, outliers included. A deviation or a smallest norm of 0 divides nothing: it is the
    same for all columns, and changes no selection. Where all norms are 0 the factors are 1.
    """
    weight = weight.float()
    flat = weight.flatten()
    sample = flat[::-(-flat.numel() // _SAMPLES)]
    ordered = sample.sort().values
    low, high = _quantile(ordered, 0.005), _quantile(ordered, 0.995)
    inside = (flat >= low) & (flat <= high)
    # Sums instead of a selection, whose size would depend on the values.
    count = inside.sum()
    mean = torch.where(inside, flat, 0).sum() / count
    deviation = (torch.where(inside, flat - mean, 0).square().sum() / count).sqrt()
    norms = _column_norms((weight - mean) / _nonzero(deviation))
    return torch.where(norms.max() > 0, norms / _nonzero(norms.min()), 1)


def _quantile(ordered: Tensor, share: float) -> Tensor:
    """Of ascending values, linear between the two nearest; ONNX cannot express PyTorch's own."""
    place = share * (ordered.numel() - 1)
    below = int(place)
    above = min(below + 1, ordered.numel() - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def _nonzero(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 1)


def wina_coefficients(weight: Tensor) -> Tensor:
    """WINA: the norm of every column of ``weight`` [O, K]."""
    return _column_norms(weight)


def variance_coefficients(weight: Tensor) -> Tensor:
    """Variance-weighted: the unbiased variance of every column of ``weight`` [O, K].

    Raises
    ------
    ValueError
        If O is 1: a single value has no variance.
    """
    if weight.shape[0] == 1:
        raise ValueError("criterion must be another than variance for a layer of one output "
                         "feature, whose weights do not vary")
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
    """Scale factors so that the largest is 255, and round: the integers that hardware holds.

    Raises
    ------
    ValueError
        If a factor is infinite or NaN.
    """
    if not is_recorded(coefficients) and not bool(coefficients.isfinite().all()):
        raise ValueError("coefficients must be finite to be quantised, not infinite or NaN")
    largest = (1 << COEFFICIENT_BITS) - 1
    return (coefficients / _nonzero(coefficients.max()) * largest).round().to(torch.int32)
