"""A sparse linear layer on an accelerator: programs it, streams, and puts the results together."""

from typing import Protocol

from torch import Tensor

from hw.config import Design
from hw.registers import Error
from sw.driver.beats import Beats, activation_beats, column_tiles, result_tensor, weight_beats


__all__ = ["COUNTERS", "Backend", "run_linear"]


COUNTERS = ("CYCLES", "STEPS", "ARRAY_CYCLES")
"""Registers that count what a job took."""

BUSY, DONE, ERROR_BIT = 1, 2, 2
"""STATUS: a job runs; one has ended; where the code of the error stands."""


class Backend(Protocol):
    """An accelerator: its registers, and one job's streams at a time."""

    design: Design

    def write(self, register: str, value: int) -> None:
        """Write a register of :data:`hw.registers.REGISTERS`."""

    def read(self, register: str) -> int:
        """Read a register."""

    def run(self, inputs: dict[str, Beats], results: int, *, limit: int) -> tuple[Beats, int]:
        """Feed the beats of a job by the names of their streams.

        Returns the beats of the result stream, ``results`` of them, and the cycles it took.
        """


def run_linear(backend: Backend, x: Tensor, weight: Tensor) -> tuple[Tensor, dict[str, int]]:
    """Run a sparse linear layer of any size as one job.

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
        Accumulators int64 [T, O], and each of :data:`COUNTERS`.

    Raises
    ------
    ValueError
        If K is more than the accumulators cover.
    RuntimeError
        If the accelerator reports an error.
    """
    design = backend.design
    tokens, features = x.shape
    tiles, blocks = column_tiles(design, len(weight)), design.pattern.blocks(features)
    if blocks > design.covered_blocks:
        raise ValueError(f"x must have at most {design.covered_blocks * design.pattern.m} input "
                         f"features, not {features}")
    for register, value in (("K_BLOCKS", blocks), ("TOKENS", tokens), ("COLUMN_TILES", tiles),
                            ("CONTROL", 1)):
        backend.write(register, value)
    inputs = {"act": activation_beats(x, len(weight), design),
              "weight": weight_beats(weight, tokens, design)}
    # Ten times what loading and computing take one after the other: only a fault needs longer.
    steps = tiles * (-(-tokens // design.rows)) * (blocks + 4 * design.rows)
    limit = 10_000 + 10 * (steps + sum(len(beats.last) for beats in inputs.values()))
    results, _ = backend.run(inputs, tiles * tokens, limit=limit)
    status = _ended(backend)
    if status != DONE:
        code = status >> ERROR_BIT
        raise RuntimeError(f"the accelerator ended a job with STATUS {status:#x}, error "
                           f"{Error(code).name}")
    y = result_tensor(results, tokens, features, len(weight), design)
    return y, {name: backend.read(name) for name in COUNTERS}


def _ended(backend: Backend) -> int:
    """STATUS once the job has ended: rows without a token leave the array after the last result.

    They take one cycle each, and so does a read at least.
    """
    for _ in range(4 + 2 * backend.design.rows):
        status = backend.read("STATUS")
        if not status & BUSY:
            break
    return status
