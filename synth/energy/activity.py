"""What a design does in the cycles that are simulated."""

from dataclasses import dataclass

import numpy as np


__all__ = ["Accesses", "Activity", "Phase"]


@dataclass(frozen=True)
class Phase:
    """Cycles that stand for a part of the time.

    Attributes
    ----------
    share : float
        Of all cycles.
    before, after : ndarray
        Values of all nets at the ends of the cycles before and of these, [cycles, nets].
    """

    share: float
    before: np.ndarray
    after: np.ndarray


@dataclass(frozen=True)
class Accesses:
    """How often a memory is read and written in a job.

    Attributes
    ----------
    name : str
        Its path in the design.
    words, bits : int
        Its size.
    reads, writes : float
        Words.
    """

    name: str
    words: int
    bits: int
    reads: float
    writes: float


@dataclass(frozen=True)
class Activity:
    """Phases of what a design does, and the work of a cycle.

    ``products`` are products of the dense layer, ``blocks`` blocks that are compressed, in the mean
    over all cycles. ``cycles`` and ``memories`` belong to a whole job.
    """

    phases: tuple[Phase, ...]
    products: float = 0
    blocks: int = 0
    cycles: int = 0
    memories: tuple[Accesses, ...] = ()
