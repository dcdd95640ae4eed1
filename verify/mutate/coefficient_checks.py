"""What is checked of the loader of the input channels' parameters: each job's, and what stays."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from verify.mutate.coefficient_part import coefficient_jobs, coefficient_taken, coefficient_width
from verify.mutate.job_checks import in_jobs
from verify.mutate.packet_checks import packet_beats, used_beats
from verify.mutate.packet_part import ERRORS, PacketJob


__all__ = ["coefficients"]


Packet = Sequence[tuple[int, bool]]
"""Data and ``last`` of its beats."""


class _Shown(NamedTuple):
    """A beat that leaves: of a packet, or the one that ends a job; errors are those before it."""

    data: int
    last: bool
    ends: bool
    blocks: int
    errors: int


def coefficients(design: Design) -> Callable[[Any], None]:
    """All jobs of the table, with pauses and resets."""
    rng, width = generator("coefficients", design), coefficient_width(design)
    jobs = coefficient_jobs(design)
    packets = [list(packet_beats(job, rng, width)) for job in jobs]
    sent: list[tuple[int, bool]] = []
    for job, beats in zip(jobs, packets, strict=True):
        sent += beats
        if job.aborts:
            sent.append((1 << width | int(rng.integers(1 << width)), rng.random() < 0.5))
    words = [(one.data | (one.ends | one.blocks << 1) << width
              | one.errors << coefficient_taken(design) - ERRORS - 1, one.last)
             for one in _shown(jobs, packets)]
    return in_jobs(_stream(sent, width + 1), _stream(words, coefficient_taken(design)))


def _shown(jobs: Sequence[PacketJob], packets: Sequence[Packet]) -> Iterator[_Shown]:
    """What leaves: parameters stay until the next ones, an abort, or a misplaced ``last``."""
    blocks = errors = 0
    for job, beats in zip(jobs, packets, strict=True):
        before = errors
        for number, used in enumerate(used_beats(job, beats)):
            yield _Shown(used.data, number == job.beats - 1, False, 0, errors)
            errors = (errors + used.error) % (1 << ERRORS)
        if job.brings or job.aborts:
            blocks = 0 if job.aborts or errors != before else job.beats
        yield _Shown(0, True, True, blocks, errors)


def _stream(words: Sequence[tuple[int, bool]], width: int) -> Beats:
    return Beats(bit_rows(np.array([word for word, _ in words]), width),
                 np.array([last for _, last in words]), np.zeros((len(words), 0), bool))
