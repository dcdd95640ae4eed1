"""How far an approximation is from the exact result."""

import math

import torch
from torch import Tensor


__all__ = ["cosine", "cosines", "snr_db"]


def snr_db(exact: Tensor, approximate: Tensor) -> float:
    """Return the signal-to-noise ratio in dB: energy of ``exact`` over that of the error.

    Infinite where both are equal.
    """
    signal = exact.double().square().sum().item()
    noise = (exact.double() - approximate.double()).square().sum().item()
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal else -math.inf


def cosines(exact: Tensor, approximate: Tensor) -> Tensor:
    """Return the cosine similarity of every row (last dimension) of two tensors, -1 to 1."""
    return torch.nn.functional.cosine_similarity(exact.double(), approximate.double(), -1)


def cosine(exact: Tensor, approximate: Tensor) -> float:
    """Return the mean of ``cosines``."""
    return cosines(exact, approximate).mean().item()
