"""Any mask on an array of N lanes: its steps (the twin of `hw.compressor.steps`)."""

import torch
from torch import Tensor


__all__ = ["step_blocks", "step_masks"]


def step_masks(mask: Tensor, lanes: int, least: int = 1) -> tuple[Tensor, Tensor]:
    """Split masks of any popcount into steps of exactly ``lanes`` positions.

    A block with ``c`` kept values takes ``max(1, least, ceil(c / lanes))`` steps, lowest positions
    first; a step with fewer than ``lanes`` values left fills up with the highest positions that it
    does not keep.

    Parameters
    ----------
    mask : bool Tensor [..., M]
        True where a value is kept.
    lanes : int
        Kept values of a step, from 1 to M.
    least : int
        Steps of every block at least.

    Returns
    -------
    masks : bool Tensor [..., S, M]
        Positions of each step, ``lanes`` in every one; S is the largest number of steps.
    kept : bool Tensor [..., S, M]
        Those of them that are kept; the others hold zeros. Steps that a block does not need keep
        nothing. Over the steps of a block this adds up to ``mask``.

    Raises
    ------
    ValueError
        If ``lanes`` is not from 1 to M or ``least`` is below 0.
    """
    m = mask.shape[-1]
    if not 1 <= lanes <= m:
        raise ValueError(f"lanes must be an integer from 1 to {m}, not {lanes!r}")
    if least < 0:
        raise ValueError(f"least must be an integer of at least 0, not {least!r}")
    rank = mask.cumsum(-1) - 1
    most = int(mask.sum(-1).max()) if mask.numel() else 0
    count = max(1, least, -(-most // lanes))
    step = torch.arange(count, device=mask.device).unsqueeze(-1)
    kept = mask.unsqueeze(-2) & (rank.unsqueeze(-2) // lanes == step)
    missing = lanes - kept.sum(-1, keepdim=True)
    others_from_above = (~kept).flip(-1).cumsum(-1).flip(-1)
    return kept | (~kept & (others_from_above <= missing)), kept


def step_blocks(x: Tensor, mask: Tensor, lanes: int, least: int = 1) -> tuple[Tensor, Tensor]:
    """Compressed blocks of every step.

    Parameters
    ----------
    x, mask : Tensor [..., M]
        Blocks and what is kept of them.
    lanes, least : int
        As in :func:`step_masks`.

    Returns
    -------
    values : Tensor [..., S, lanes]
        Kept values of each step in ascending order of position, zero where a position fills up.
    masks : bool Tensor [..., S, M]
    """
    masks, kept = step_masks(mask, lanes, least)
    values = torch.where(kept, x.unsqueeze(-2), torch.zeros_like(x).unsqueeze(-2))
    return values[masks].reshape(*masks.shape[:-1], lanes), masks
