"""The order of the blocks in a job's streams, in one place."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design


__all__ = ["activation_blocks", "column_tiles", "result_tensor", "weight_blocks"]


def column_tiles(design: Design, outputs: int) -> int:
    """Tiles of columns that hold ``outputs`` output features."""
    return -(-outputs // design.columns)


def activation_blocks(x: Tensor, design: Design) -> Tensor:
    """int8 [T, K] to [T, blocks, M]: the beats of ``s_axis_act``, zeros after the last feature."""
    m = design.pattern.m
    return pad(x, (0, -x.shape[1] % m)).reshape(len(x), -1, m)


def weight_blocks(weight: Tensor, design: Design) -> Tensor:
    """int8 [O, K] to [tiles, blocks, columns * M]: the beats of ``s_axis_weight``.

    Columns of the last tile that have no output feature are zero.
    """
    columns = design.columns
    blocks = activation_blocks(pad(weight, (0, 0, 0, -len(weight) % columns)), design)
    tiles = blocks.reshape(-1, columns, *blocks.shape[1:]).transpose(1, 2)
    return tiles.reshape(*tiles.shape[:2], -1)


def result_tensor(results: Tensor, tokens: int, outputs: int, design: Design) -> Tensor:
    """Beats of ``m_axis_result``, [tiles * T, columns], to accumulators int32 [T, O].

    Raises
    ------
    ValueError
        If the shape does not fit the job.
    """
    expected = column_tiles(design, outputs) * tokens, design.columns
    if tuple(results.shape) != expected:
        raise ValueError(f"results must have the shape {expected}, not {tuple(results.shape)}")
    sums = results.reshape(-1, tokens, design.columns).transpose(0, 1)
    return sums.reshape(tokens, -1)[:, :outputs].to(torch.int32)
