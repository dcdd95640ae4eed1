"""What is checked of what makes the terms of tokens: all corrections, streams early and late."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from hw.epilogue.terms import TokenTerms
from hw.epilogue.tokens import TokenSummary
from hw.fixed_point import SCALE_BITS
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from sw.exact.epilogue import UNIT_GAIN, UNIT_SCALE, root_of_ratio
from verify.mutate.finisher_part import ERRORS, PAUSE, FinisherJob, finisher_jobs
from verify.mutate.job_checks import in_jobs
from verify.mutate.part_checks import any_sums, packed, variances


__all__ = ["token_finisher"]


PAUSES = (0, 0, 0, 0, 1, 2, 3, 7)
"""Of each half of a beat: mostly none, and some that are longer than a gain takes."""


class _Beat(NamedTuple):
    """A summary of a job, and whether a scale and the mark are with it.

    ``source`` is the beat that brings the scale of its terms, if they leave; None if they do not.
    """

    job: FinisherJob
    brings: bool
    mark: bool
    source: int | None


def token_finisher(design: Design) -> Callable[[Any], None]:
    """All jobs of the table, with pauses and resets."""
    rng = generator("finisher", design)
    beats = list(_beats(finisher_jobs(design), rng))
    return in_jobs(*_streams(design, beats, rng))


def _beats(jobs: Sequence[FinisherJob], rng: np.random.Generator) -> Iterator[_Beat]:
    """Beats of all jobs; a scale may be there before the job that takes it, and then it waits."""
    at, early = 0, None
    for job in jobs:
        scaled = job.wanted and job.scales
        for token in range(job.tokens):
            brings = early is None and (scaled or rng.random() < 0.2)
            source = at if early is None else early
            leaves = job.wanted and (not job.aborts or token < job.after)
            yield _Beat(job, brings, False, source if leaves else None)
            early = None if scaled else at if brings else early
            at += 1
        if job.aborts:
            yield _Beat(job, rng.random() < 0.5, True, None)
            at, early = at + 1, None


def _streams(design: Design, beats: Sequence[_Beat], rng: np.random.Generator
             ) -> tuple[Beats, Beats]:
    """What is sent, and the terms that are expected."""
    count, blocks = len(beats), np.array([beat.job.blocks for beat in beats])
    eta, scale = rng.integers(-128, 128, count), rng.integers(1 << SCALE_BITS, size=count)
    sums, gain = _tokens(design, blocks, rng)
    marks = [np.array([getattr(beat, name) for beat in beats]) for name in ("brings", "mark")]
    columns = [(scale, SCALE_BITS), (rng.integers(2, size=count), 1),
               *((rng.choice(PAUSES, count), PAUSE) for _ in range(2)), *((m, 1) for m in marks)]
    sent = np.concatenate([packed(TokenSummary(design), {"eta": eta, "moments": sums}),
                           *(bit_rows(column, width) for column, width in columns)], 1)
    leaves = np.array([beat.source is not None for beat in beats])
    jobs = [beat.job for beat in beats]
    terms = packed(TokenTerms(), {
        "eta": np.where([job.shifts for job in jobs], eta, 0),
        "gain": np.where([job.variance for job in jobs], gain, UNIT_GAIN),
        "scale": np.where([job.scales for job in jobs],
                          scale[[beat.source or 0 for beat in beats]], UNIT_SCALE)})
    none = np.zeros((count, ERRORS), bool)
    return (Beats(sent, np.ones(count, bool), none[:, :0]),
            Beats(np.concatenate([terms, none], 1)[leaves], leaves[leaves], none[leaves, :0]))


def _tokens(design: Design, blocks: np.ndarray, rng: np.random.Generator
            ) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Moments of tokens of so many blocks each, and their gains."""
    sums: dict[str, np.ndarray] = {}
    gain = np.zeros(len(blocks), np.int64)
    for count in np.unique(blocks):
        features, chosen = int(count) * design.pattern.m, blocks == count
        part = {name: rows[:chosen.sum()] for name, rows in any_sums(rng, features).items()}
        for name, rows in part.items():
            sums.setdefault(name, np.zeros(len(blocks), np.int64))[chosen] = rows
        gain[chosen] = [root_of_ratio(*pair) for pair in zip(
            *(variances(part, kind, features).tolist() for kind in ("", "kept_")),
            strict=True)]
    return sums, gain
