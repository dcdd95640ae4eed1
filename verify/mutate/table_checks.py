"""What is checked of the table of tokens' terms: every job has its own, in the order of rows."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hw.config import Design
from sim.vectors.stimulus import generator
from sim.vectors.tokens import Beats
from verify.mutate.lapse import LEFT
from verify.mutate.table_part import BATCHES, JOB, WIDTH, TableJob, job_beats
from verify.mutate.told_checks import Run, told
from verify.mutate.told_part import batch_of
from verify.mutate.walk_checks import WIDTHS


__all__ = ["token_table"]


SHORT = 120
"""Jobs of a few batches and tiles."""

MOST = 24
"""Rows before an abort, at most."""

SURPLUS = 5
"""Beats of an abort, at most."""


def token_table(design: Design) -> Callable[[Any], None]:
    """Jobs of every kind, with pauses, and a reset in states of every kind; then long ones."""
    rng = generator("token table", design)
    jobs = [*_short(design, rng), *_aborted(design, rng)]
    many = _run(design, [jobs[k] for k in rng.permutation(len(jobs))], rng)
    runs = [*_cuts(design, rng), many.cut(len(many.sent.last), len(many.rows.last) // 2), many]
    whole = _run(design, list(_whole()), rng)
    beyond = []
    for job in _beyond(design):
        run = _run(design, [job, _job(1, 1, 1), _job(1, 1, 1)], rng)
        tokens = min(job.taken, design.batch_tokens + 1)
        beyond.append((run, run.cut(1 + tokens, job.given // 2 + 1)))
    return told(runs, whole, beyond)


def _job(blocks: int, tokens: int, tiles: int, **more: Any) -> TableJob:
    """A job that is wanted, and runs to its end, if nothing else is said."""
    job = TableJob(blocks, tokens, tiles, 0, True, False, False, tokens, tokens * tiles, 0, 0)
    return job._replace(**more)


def _short(design: Design, rng: np.random.Generator) -> Iterator[TableJob]:
    """Jobs of some batches, so that every place is used again: whole, aborted, and raw ones."""
    for _ in range(SHORT):
        blocks = int(rng.integers(1, 3 * design.max_blocks))
        tokens = int(rng.integers(1, (BATCHES + 2) * batch_of(design, blocks) + 1))
        job = _any(rng, _job(blocks, tokens, int(rng.integers(1, 4))))
        if rng.random() < 0.2:
            yield job._replace(wanted=False, aborts=bool(rng.random() < 0.5), taken=0, given=0)
        else:
            yield _abort(design, rng, job, job.given) if rng.random() < 0.4 else job


def _aborted(design: Design, rng: np.random.Generator) -> Iterator[TableJob]:
    """Sizes with each of their bits, and a few more, which would do without it."""
    for name, width in WIDTHS.items():
        for bit in range(width):
            blocks, tokens, tiles = (int(few) for few in rng.integers(1, 4, 3))
            job = _job(blocks, tokens + design.rows * (name == "blocks"), tiles)
            size = min(getattr(job, name) + (1 << bit), (1 << width) - 1)
            job = _any(rng, job._replace(**{name: size}))
            yield _abort(design, rng, job, MOST, MOST // 2)


def _any(rng: np.random.Generator, job: TableJob) -> TableJob:
    """The job, with what else it may have."""
    return job._replace(steps=int(rng.integers(256)), late=bool(rng.random() < 0.4),
                        delay=int(rng.choice([0, 1, 7])), gap=int(rng.choice([0, 1, 7])))


def _abort(design: Design, rng: np.random.Generator, job: TableJob, most: int,
           least: int = 0) -> TableJob:
    """Abort a job after some rows, and as many tokens as there may be by then."""
    most = min(most, job.tokens * job.tiles)
    given, batch = int(rng.integers(min(least, most), most + 1)), batch_of(design, job.blocks)
    needed = max((_token(design, job, place) + 1 for place in range(given)), default=0)
    fit = min(job.tokens, (given // (batch * job.tiles) + BATCHES) * batch)
    taken = int(rng.choice([needed, fit, int(rng.integers(needed, fit + 1))]))
    return job._replace(aborts=True, taken=taken, given=given)


def _whole() -> Iterator[TableJob]:
    """Jobs of every power of two of tokens and of tiles, to their end."""
    for bit in range(LEFT):
        yield _job(1, (1 << bit) + 1, 1)
        yield _job(1, 1, (1 << bit) + 1)


def _beyond(design: Design) -> Iterator[TableJob]:
    """Jobs of a few tokens and tiles, but for a high bit of one of them."""
    for bit in range(LEFT, 32):
        tokens = design.batch_tokens + 3
        yield _job(1, tokens + (1 << bit), 2, taken=tokens, given=2 * tokens)
        yield _job(1, 2, 3 + (1 << bit), given=6)


def _cuts(design: Design, rng: np.random.Generator) -> Iterator[Run]:
    """Jobs that a reset ends: it finds rows on offer, and none, and a last token awaited."""
    batch = design.batch_tokens
    for job, tokens, rows in (
            (_job(1, batch + 1, 1), batch, batch), (_job(1, batch, 2), batch, batch + 1),
            (_job(1, 5 * batch, 2, late=True), 5 * batch, 2 * batch),
            (_job(1, 2 * batch, 3), batch + 2, batch), (_job(1, 3, 2), 3, 6)):
        yield _run(design, [job], rng).cut(1 + tokens, rows)


def _token(design: Design, job: TableJob, place: int) -> int:
    """The token of a row: for each batch, for each tile, one after the other."""
    batch = batch_of(design, job.blocks)
    before, inside = divmod(place, batch * job.tiles)
    return before * batch + inside % min(batch, job.tokens - before * batch)


def _run(design: Design, jobs: list[TableJob], rng: np.random.Generator) -> Run:
    """Jobs with any terms, and beats that an abort lets go by, of which the last is marked."""
    sent, last, rows, ends = [], [], [], []
    for job, beat in zip(jobs, job_beats(jobs), strict=True):
        more = int(rng.integers(1, SURPLUS + 1)) if job.aborts else 0
        given = rng.random((job.taken + more, JOB)) < 0.5
        marks = rng.random(job.taken) < 0.5
        sent += [beat[None], given]
        last += [[False], marks, np.arange(more) == more - 1]
        if job.given and not job.aborts:  # high bits of its size go on the way
            job = job._replace(tokens=job.taken, tiles=job.given // job.taken)
        rows.append(given[[_token(design, job, place) for place in range(job.given)], :WIDTH])
        ends.append(np.arange(job.given) == job.tokens * job.tiles - 1)
    data = np.concatenate(rows)
    return Run(_beats(np.concatenate(sent), np.concatenate(last)),
                _beats(np.pad(data, ((0, 0), (0, 1))), np.concatenate(ends)))


def _beats(data: np.ndarray, last: np.ndarray) -> Beats:
    return Beats(data, last.astype(bool), np.zeros((len(data), 0), bool))
