"""Jobs in a memory: where their data are put, and what must be there afterwards."""

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from hw.config import Design
from sw.driver.memory import MemoryJob, result_values


__all__ = ["Placed", "place"]


@dataclass(frozen=True)
class Placed:
    """A job in a memory.

    Attributes
    ----------
    job : MemoryJob
    registers : dict of str to int
        All of the job.
    address : int
        Of its results.
    """

    job: MemoryJob
    registers: dict[str, int]
    address: int

    def results(self, memory: np.ndarray, base: int, design: Design) -> Tensor:
        """What the memory, which begins at ``base``, holds as results, int64 [T, O]."""
        image = memory[self.address - base:][:self.job.result_size]
        return result_values(image.reshape(self.job.tiles, -1), self.job.tokens,
                             self.job.outputs, design)


def place(job: MemoryJob, memory: np.ndarray, base: int, start: int,
          rng: np.random.Generator) -> tuple[Placed, int]:
    """Put the buffers of a job into a memory, in any order with gaps, from ``start`` on.

    What is not a buffer is filled at random. Returns the job, and the first address behind it.
    """
    addresses, at = {}, start
    names = list(job.sizes)
    rng.shuffle(names)
    for name in names:
        unit = job.units[name]
        at = -(-(at + int(rng.integers(0, 3 * unit))) // unit) * unit
        addresses[name] = at
        at += job.sizes[name]
    memory[start - base:at - base] = rng.integers(0, 256, at - start)
    for name, image in job.buffers.items():
        memory[addresses[name] - base:][:image.size] = image.reshape(-1)
    return Placed(job, job.placed(addresses), addresses["result"]), at
