"""A sparse linear layer on an accelerator: programs it, streams, and puts the results together."""

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from hw.config import Design
from sw.driver.beats import activation_blocks, column_tiles, result_tensor, weight_blocks


__all__ = ["COUNTERS", "Backend", "run_linear"]


COUNTERS = ("CYCLES", "STEPS", "ARRAY_CYCLES")
"""Registers that count what a job took."""

BUSY, DONE = 1, 2
"""STATUS of a running job, and of one that ended without an error."""


class Backend(Protocol):
    """An accelerator: its registers, and one job's streams at a time."""

    design: Design

    def write(self, register: str, value: int) -> None:
        """Write a register of :data:`hw.registers.REGISTERS`."""

    def read(self, register: str) -> int:
        """Read a register."""

    def run(self, act: np.ndarray, weight: np.ndarray, results: int, *,
            limit: int) -> tuple[np.ndarray, int]:
        """Stream the blocks of a job; return the accumulators [results, columns], and cycles."""


def run_linear(backend: Backend, x: Tensor, weight: Tensor) -> tuple[Tensor, dict[str, int]]:
    """Run a sparse linear layer, in jobs of at most ``max_tokens`` tokens.

    Parameters
    ----------
    backend : Backend
        The accelerator.
    x : Tensor
        int8, [T, K]: dense activations. The accelerator prunes them.
    weight : Tensor
        int8, [O, K].

    Returns
    -------
    tuple of Tensor and dict
        Accumulators int32 [T, O], and the sum of each of :data:`COUNTERS` over the jobs.

    Raises
    ------
    ValueError
        If K is more than the accelerator was built for.
    RuntimeError
        If the accelerator reports an error.
    """
    design = backend.design
    if x.shape[1] > design.max_k:
        raise ValueError(f"x must have at most {design.max_k} input features, not {x.shape[1]}")
    counters = dict.fromkeys(COUNTERS, 0)
    tiles, blocks = column_tiles(design, len(weight)), design.pattern.blocks(x.shape[1])
    weights = weight_blocks(weight, design).numpy()
    outputs = []
    for part in x.split(design.max_tokens):
        tokens = len(part)
        for register, value in (("K_BLOCKS", blocks), ("TOKENS", tokens),
                                ("COLUMN_TILES", tiles), ("CONTROL", 1)):
            backend.write(register, value)
        # Ten times what the slower of loading and computing takes: only a fault needs longer.
        limit = 1000 + 10 * (tokens + tiles * (tokens + 1)) * (blocks + design.rows)
        results, _ = backend.run(activation_blocks(part, design).numpy(), weights,
                                 tiles * tokens, limit=limit)
        status = _ended(backend)
        if status != DONE:
            raise RuntimeError(f"the accelerator ended a job with STATUS {status:#x}")
        outputs.append(result_tensor(torch.from_numpy(results), tokens, len(weight), design))
        counters = {name: count + backend.read(name) for name, count in counters.items()}
    return torch.cat(outputs), counters


def _ended(backend: Backend) -> int:
    """STATUS once the job has ended: rows without a token leave the array after the last result.

    They take one cycle each, and so does a read at least.
    """
    for _ in range(backend.design.rows):
        status = backend.read("STATUS")
        if not status & BUSY:
            break
    return status
