"""What is checked of biases and function of rows: every tile has its own, in the order of jobs."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any

import numpy as np
import torch

from hw.config import Design
from hw.epilogue.float_lane import lane_stages
from hw.formats import FORMATS
from sim.vectors.stimulus import bit_rows, generator
from sw.exact.activation import activate, add_bias
from sw.exact.formats import from_bits, to_bits
from verify.mutate.finish_part import (
    FinishJob,
    Step,
    batch_of,
    job_beats,
    step_beats,
    tile_of,
)
from verify.mutate.lapse import LEFT
from verify.mutate.told_checks import Run, beats_of, told
from verify.mutate.walk_checks import WIDTHS


__all__ = ["float_epilogue"]


SHORT = 150
"""Jobs of a few batches and tiles."""

MOST = 24
"""Rows before an abort, at most."""

SURPLUS = 4
"""Beats of biases too many, or beats of an abort, at most."""


def float_epilogue(design: Design) -> Callable[[Any], None]:
    """Jobs of every kind, with pauses, and a reset in states of every kind."""
    rng = generator("float epilogue", design)
    jobs = [*_short(design, rng), *_sizes(design, rng), *_moments(design, rng)]
    jobs = [jobs[k] for k in rng.permutation(len(jobs))]
    many = _run(design, [*jobs, *[_job(1, 1, 1)] * 3], rng)  # the last ones say what was wrong
    half = len(many.rows.last) // 2
    runs = [*_cuts(design, rng), many.cut(len(many.sent.last), half), many]
    whole = _run(design, list(_whole()), rng)
    beyond = [_run(design, [job, *[_job(1, 1, 1)] * 2], rng) for job in _beyond(design)]
    return told(runs, whole, [(run, run.cut(5, 2)) for run in beyond])


def _job(blocks: int, tokens: int, tiles: int, **more: Any) -> FinishJob:
    """A job with a bias and the function that runs to its end, if nothing else is said.

    Beats are counted where they are made.
    """
    job = FinishJob(blocks, tokens, tiles, 0, True, True, False, 0, tokens * tiles, 0, 0)
    return job._replace(**more)


def _short(design: Design, rng: np.random.Generator) -> Iterator[FinishJob]:
    """Jobs of some batches and tiles: whole and aborted ones, with a bias and without one."""
    for _ in range(SHORT):
        blocks = int(rng.integers(1, 3 * design.max_blocks))
        tokens = int(rng.integers(1, 3 * batch_of(design, blocks) + 1))
        job = _any(rng, _job(blocks, tokens, int(rng.integers(1, 4)), bias=rng.random() < 0.8))
        yield _abort(design, rng, job, job.given) if rng.random() < 0.4 else job


def _moments(design: Design, rng: np.random.Generator) -> Iterator[FinishJob]:
    """Aborts between the columns of a row, too: at once and later, with rows on their way."""
    for given, ahead, delay in product(range(3), range(_room(design) + 2), range(12)):
        yield _any(rng, _job(1, 10, 1))._replace(aborts=True, taken=given + ahead, given=given,
                                                 delay=delay)


def _sizes(design: Design, rng: np.random.Generator) -> Iterator[FinishJob]:
    """Sizes with each of their bits: more rows than without it, and none of them is the last."""
    for name, width in WIDTHS.items():
        for bit in range(width):
            blocks, tokens, tiles = (int(few) for few in rng.integers(1, 4, 3))
            job = _job(blocks, tokens + design.rows * (name == "blocks"), tiles)
            size = min(getattr(job, name) + (1 << bit), (1 << width) - 1)
            job = _any(rng, job._replace(**{name: size}))
            job = job._replace(given=job.tokens * job.tiles)
            yield job if name == "blocks" else _abort(design, rng, job, MOST, MOST // 2)


def _whole() -> Iterator[FinishJob]:
    """Jobs of every power of two of tokens and of tiles, to their end."""
    for bit in range(LEFT):
        yield _job(1, (1 << bit) + 1, 1)
        yield _job(1, 1, (1 << bit) + 1)


def _beyond(design: Design) -> Iterator[FinishJob]:
    """Jobs of a few tokens and tiles, but for a high bit of one of them."""
    for bit in range(LEFT, 32):
        tokens = design.batch_tokens + 3
        yield _job(1, tokens + (1 << bit), 2, given=2 * tokens)
        yield _job(1, 2, 3 + (1 << bit), given=6)


def _any(rng: np.random.Generator, job: FinishJob) -> FinishJob:
    """The job, with what else it may have."""
    return job._replace(steps=int(rng.integers(256)), active=bool(rng.random() < 0.6),
                        delay=int(rng.choice([0, 1, int(rng.integers(16))])),
                        gap=int(rng.choice([0, 1, 7])))


def _abort(design: Design, rng: np.random.Generator, job: FinishJob, most: int,
           least: int = 0) -> FinishJob:
    """Abort a job after some rows, with as many more inside as there may be by then."""
    most = min(most, job.given)
    given = int(rng.integers(min(least, most), most + 1))
    fit = min(job.given, given + (_room(design) if job.bias else 0) + 1)  # one on offer
    taken = int(rng.choice([given, fit, int(rng.integers(given, fit + 1))]))
    return job._replace(aborts=True, taken=taken, given=given)


def _room(design: Design) -> int:
    """Rows inside where none leaves: one is complete, the others are in the lane."""
    return len(lane_stages(design)) // design.row_steps + 1


def _cuts(design: Design, rng: np.random.Generator) -> Iterator[Run]:
    """Jobs that a reset ends: it finds rows inside and none, biases missing and a surplus."""
    batch = design.batch_tokens
    for job, length, beats, rows in (
            (_job(1, 3 * batch, 1), 3, 2 * batch, batch), (_job(1, batch, 2), 2, 2 * batch - 1, 3),
            (_job(1, batch, 3), 1, 2 * batch, 2 * batch), (_job(1, 1, 2), 5, 3, 2),
            (_job(1, 6, 1, bias=False), 0, 5, 3), (_job(1, 3, 2), 2, 6, 6)):
        yield _run(design, [job], rng, length).cut(1 + beats, rows)


def _length(rng: np.random.Generator, tiles: int, rows: int) -> int:
    """Beats of biases of a job: as many as it has tiles, fewer, or more."""
    most = min(tiles, rows)  # of those that are sent
    return int(rng.choice([tiles, tiles, int(rng.integers(1, most + 1)),
                           tiles + int(rng.integers(1, SURPLUS + 1))]))


def _steps(design: Design, job: FinishJob, rng: np.random.Generator, length: int | None
           ) -> list[Step]:
    """Beats of a job, of an aborted one those of its first rows, and some that come too late."""
    if not job.aborts:  # high bits of its size go on the way
        job = job._replace(tokens=job.tokens % (1 << LEFT), tiles=job.tiles % (1 << LEFT))
    tiles = -(-job.tokens // batch_of(design, job.blocks)) * job.tiles
    rows = min(job.tokens * job.tiles, job.taken + SURPLUS) if job.aborts else job.given
    length = _length(rng, tiles, max(rows, 1)) if length is None else length
    steps, begins, slow = [], True, rng.random() < 0.5
    for place in range(rows):
        tile, ends = tile_of(design, job, place)
        fails = job.bias and ends and tile < length and (tile == length - 1) != (tile == tiles - 1)
        steps.append(_step(design, rng, slow)._replace(
            ends=ends, brings_row=True, brings_biases=job.bias and begins and tile < length,
            last=tile == length - 1, error=fails))
        begins = ends
    if job.bias and not job.aborts:
        steps += [_step(design, rng, slow)._replace(
            brings_row=False, brings_biases=True, last=tile == length - 1)
            for tile in range(tiles, length)]
    return steps


def _step(design: Design, rng: np.random.Generator, slow: bool) -> Step:
    """A beat of anything."""
    waits = rng.integers(0, 4 if slow else 1, 2)
    row, biases = (_columns(design, rng) for _ in range(2))
    flags = [bool(flag) for flag in rng.random(5) < 0.5]
    return Step(row, flags[0], biases, flags[1], flags[2], flags[3], flags[4], *map(int, waits))


def _columns(design: Design, rng: np.random.Generator) -> int:
    """Bits of a row of usual numbers, and of any ones."""
    form = FORMATS[design.result_format]
    low, high = ((form.bias + power) << form.mantissa for power in (-5, 4))
    word = 0
    for _ in range(design.columns):
        usual = int(rng.integers(low, high)) | int(rng.integers(2)) << form.bits - 1
        number = usual if rng.random() < 0.8 else int(rng.integers(1 << form.bits))
        word = word << form.bits | number
    return word


def _run(design: Design, jobs: list[FinishJob], rng: np.random.Generator,
         length: int | None = None) -> Run:
    """Jobs with any rows, and beats that an abort lets go by, of which the last is marked.

    ``length`` is that of all packets of biases, else any.
    """
    sent, last, rows = [], [], []
    for job in jobs:
        steps = _steps(design, job, rng, length)
        if job.given:
            rows.append(_finished(design, job, steps[:job.given]))
        if not job.aborts:
            job = job._replace(taken=len(steps))
        else:
            more = [_step(design, rng, False) for _ in range(int(rng.integers(1, SURPLUS + 1)))]
            steps = [*steps[:job.taken + int(rng.integers(SURPLUS))], *more]
        sent += [job_beats([job]), step_beats(design, steps)]
        marks = np.arange(len(steps)) == len(steps) - 1 if job.aborts else rng.random(
            len(steps)) < 0.5
        marks[:job.taken] = rng.random(job.taken) < 0.5
        last += [[False], marks]
    return Run(beats_of(np.concatenate(sent), np.concatenate(last)),
                beats_of(*(np.concatenate(parts) for parts in zip(*rows, strict=True))))


def _finished(design: Design, job: FinishJob, steps: list[Step]) -> tuple[np.ndarray, np.ndarray]:
    """Bits of the rows of a job, with one more that says that nothing was wrong, and ``last``."""
    name, biases = design.result_format, _biases(steps)
    bits = _numbers(design, [step.row for step in steps])
    if job.bias:
        value = add_bias(from_bits(bits, name), from_bits(_numbers(design, biases), name))
        bits = to_bits(activate(value, design.activation) if job.active else value, name)
    data = np.pad(bit_rows(bits.numpy(), design.result_bits), ((0, 0), (0, 1)))
    return data, np.array([step.ends for step in steps])


def _biases(steps: list[Step]) -> list[int]:
    """Bits of the biases of each row: one beat for all rows of a tile, zeros if it is missing."""
    found, begins = [0], True
    for step in steps:
        found.append(found[-1] if not begins else step.biases if step.brings_biases else 0)
        begins = step.ends
    return found[1:]


def _numbers(design: Design, words: list[int]) -> torch.Tensor:
    """Bits of each column of words, int64 [words, columns]."""
    width = design.result_bits
    return torch.tensor([[word >> at * width & (1 << width) - 1 for at in range(design.columns)]
                         for word in words])
