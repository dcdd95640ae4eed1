"""What is checked of the sums of weights: that each tile has its own, however long they wait."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from hw.epilogue.terms import row_sum_shape
from sim.runs.soak.streams import compare
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from verify.mutate.checks import STALLS
from verify.mutate.lapse import lapse
from verify.mutate.row_sum_part import (
    BUSY,
    CHECK,
    ERRORS,
    RowSumJob,
    row_sum_alone,
    row_sum_jobs,
    row_sum_taken,
)


__all__ = ["row_sums"]


AHEAD = 2
"""Passes that may be loaded before the oldest one is read."""

CUTS = 24
"""Resets, after any number of cycles up to LATEST."""

LATEST = 4000

FIRST = 12
"""Beats that are taken after each of them."""

BEGUN = 10
"""Cycles in which a job has begun."""

WAITED = 10_000
"""Beats that never come."""


class _Sent(NamedTuple):
    """Beats of the input.

    Attributes
    ----------
    blocks : ndarray
        int8, [count, columns, M].
    last, mark : ndarray
        bool, [count]: of a packet; and whether the beat ends an abort.
    """

    blocks: np.ndarray
    last: np.ndarray
    mark: np.ndarray


class _Pass(NamedTuple):
    """What a packet brings, and what a pass makes of it: int8, [blocks, columns, M]."""

    sent: np.ndarray
    last: np.ndarray
    used: np.ndarray
    error: bool


def row_sums(design: Design) -> Callable[[Any], None]:
    """All jobs of the table, with pauses, after resets in any cycle; then those that run alone.

    Sums wait in as many cycles as in the design without a mutant, which is the first one.
    """
    rng = generator("row sums, weights", design)
    given, expected = _jobs(design, rng, row_sum_jobs(design))
    alone = [(_alone(design, rng, after), after != before)
             for before, after in row_sum_alone(design)]
    cuts = rng.integers(10, LATEST, CUTS).tolist()
    times: dict[float, Any] = {}

    def check(built: Any) -> None:
        for stall in STALLS:
            for cut in cuts:
                built.reset()
                _rest(built, given, cut, stall=stall)
                built.reset()
                _run(built, given, expected[:FIRST], stall=stall)
            built.reset()
            time = _run(built, given, expected, stall=stall)
            assert times.setdefault(stall, time) == time, "sums wait in other cycles"
        for number, (streams, leaps) in enumerate(alone, start=1):
            built.reset()
            if leaps:
                _rest(built, given[:0], BEGUN, shift=number)
                lapse(built)
            _run(built, *streams, shift=number)

    return check


def _rest(built: Any, given: Beats, cycles: int, **more: Any) -> None:
    """Run for so many cycles, and stay inside."""
    with suppress(TimeoutError):
        built.run(given, WAITED, limit=cycles, **more)


def _run(built: Any, given: Beats, expected: Beats, **more: Any) -> tuple[int, bytes]:
    """Return the cycles that it takes, and those in which sums wait, of each job."""
    count = len(expected.last)
    out, took = built.run(given, count, limit=2000 + 30 * count + 40 * len(given.last), **more)
    waiting = out.data[:, -BUSY:].copy()
    out.data[:, -BUSY:] = False
    compare(out, expected, "sums")
    return took, np.packbits(waiting).tobytes()


def _alone(design: Design, rng: np.random.Generator, job: RowSumJob) -> tuple[Beats, Beats]:
    """The same of a job, with a packet behind it that nobody takes any more."""
    given, expected = _jobs(design, rng, [job, job.until(design, 1)._replace(sums=0)])
    return given, expected[:-1]


def _jobs(design: Design, rng: np.random.Generator, jobs: list[RowSumJob]) -> tuple[Beats, Beats]:
    """What is sent to jobs, and expected of them, but for the cycles in which sums wait."""
    parts: list[_Sent] = []
    rows: list[np.ndarray] = []
    last: list[bool] = []
    for job in jobs:
        passes = [_packet(design, rng, blocks)
                  for blocks in islice(_blocks(design, job), job.passes)]
        parts += [_Sent(each.sent, each.last, np.zeros(len(each.last), bool)) for each in passes]
        if job.aborts:
            parts.append(_tail(design, rng, job))
        rows += [*_sums(design, job, passes), _report(design, passes)]
        last += [False] * job.sums + [True]
    return _beats(parts), Beats(np.array(rows), np.array(last), np.zeros((len(rows), 0), bool))


def _blocks(design: Design, job: RowSumJob) -> Iterator[int]:
    """Blocks of each pass."""
    while True:
        left = job.blocks
        while left > 0:
            yield min(left, design.max_blocks)
            left -= design.max_blocks


def _weights(design: Design, rng: np.random.Generator, count: int) -> np.ndarray:
    """Blocks of any weights, or of those whose sums are largest and smallest."""
    shape = count, design.columns, design.pattern.m
    ends = rng.choice([-128, 127], (count, design.columns, 1)) * np.ones(shape, np.int64)
    return ends if rng.random() < 0.2 else rng.integers(-128, 128, shape)


def _packet(design: Design, rng: np.random.Generator, blocks: int) -> _Pass:
    """A packet that has as many blocks as its pass, fewer, or more."""
    length = int(rng.choice([blocks, blocks, blocks, int(rng.integers(1, blocks + 1)),
                             blocks + int(rng.integers(1, 4))]))
    sent = _weights(design, rng, length)
    used = np.zeros((blocks, *sent.shape[1:]), np.int64)
    used[:length] = sent[:blocks]
    return _Pass(sent, np.arange(length) == length - 1, used, length != blocks)


def _tail(design: Design, rng: np.random.Generator, job: RowSumJob) -> _Sent:
    """What an aborted job lets go by: up to the third pass after those that were read."""
    ahead = islice(_blocks(design, job), job.passes, job.passes + AHEAD + 1)
    ends = np.concatenate([np.arange(blocks) == blocks - 1 for blocks in ahead])
    count = int(rng.integers(len(ends) + 1))
    return _Sent(_weights(design, rng, count + 1), np.append(ends[:count], rng.random() < 0.5),
                 np.arange(count + 1) == count)


def _sums(design: Design, job: RowSumJob, passes: list[_Pass]) -> Iterator[np.ndarray]:
    """Bits of each sum that is taken of a job, and zeros up to those of a report."""
    chunks, width = job.counts(design)[2], row_sum_shape(design).width
    for tile in range(job.sums):
        total = sum(each.used.sum((0, 2)) for each in passes[tile * chunks:(tile + 1) * chunks])
        bits, = bit_rows(np.array([total]), width)
        yield np.pad(bits, (0, row_sum_taken(design) - len(bits)))


def _report(design: Design, passes: list[_Pass]) -> np.ndarray:
    """Bits of the report: a checksum of each column, the errors, and cycles that are not known."""
    words = np.concatenate([np.zeros((0, design.columns, design.pattern.m), np.int64),
                            *(each.used for each in passes)])
    checks = [_checksum(column) for column in words.swapaxes(0, 1)]
    errors = sum(each.error for each in passes) % (1 << ERRORS)
    return np.concatenate([bit_rows(np.array([checks]), CHECK)[0],
                           bit_rows(np.array([[errors]]), ERRORS)[0], np.zeros(BUSY, bool)])


def _checksum(blocks: np.ndarray) -> int:
    """Of the blocks of a column, [count, M], in the order in which they are read."""
    check = 0
    for word in (blocks & 0xFF) @ (1 << 8 * np.arange(blocks.shape[1])):
        check = (check << 1 | check >> CHECK - 1) + int(word)
        check &= (1 << CHECK) - 1
    return check


def _beats(parts: list[_Sent]) -> Beats:
    """All of them, one after the other."""
    blocks, last, mark = (np.concatenate(each) for each in zip(*parts, strict=True))
    return Beats(np.concatenate([bit_rows(blocks, 8), mark[:, None]], 1), last,
                 np.zeros((len(last), 0), bool))
