"""What is checked of the epilogue of rows: each has its own terms, in jobs of every kind."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from hw.epilogue.lane import Lane
from hw.epilogue.terms import row_sum_shape
from hw.fixed_point import BIAS_BITS, GAIN_BITS, SCALE_BITS, SHIFT_BITS, Output
from sim.vectors.stimulus import bit_rows, generator
from verify.mutate.epilogue_part import EpilogueJob, EpilogueStep, epilogue_sent
from verify.mutate.part_checks import packed, results
from verify.mutate.told_checks import Run, beats_of, told


__all__ = ["epilogue"]


SHORT = 200
"""Jobs of a few rows, whole and aborted ones."""

MOST = 40
"""Rows of a job, at most."""

SURPLUS = 4
"""Beats of an abort, at most."""

CUTS = 40
"""Resets inside jobs."""


class Job(NamedTuple):
    """Fields of :class:`EpilogueJob`, and how its rows come.

    Attributes
    ----------
    rows : int
        All that it has; an aborted one need not get to them.
    slow : bool
        They come with pauses, each stream with its own.
    """

    output: int
    rows: int
    slow: bool = False
    exponent: int = 0
    offers: bool = True
    aborts: bool = False
    taken: int = 0
    given: int = 0
    delay: int = 0
    gap: int = 0


def epilogue(design: Design) -> Callable[[Any], None]:
    """Jobs of every kind, with pauses, and a reset in states of every kind."""
    rng = generator("epilogue", design)
    jobs = [*_short(design, rng), *_moments(design, rng)]
    jobs = [jobs[k] for k in rng.permutation(len(jobs))]
    ends = [whole(Output.CORRECTED, 1)] * 3  # which say what was wrong
    many = run_of(design, [*jobs, *ends], rng)
    half = len(many.rows.last) // 2
    return told([*_cuts(design, rng), many.cut(len(many.sent.last), half), many],
                run_of(design, [whole(output, MOST) for output in Output], rng), [])


def whole(output: int, rows: int, **more: Any) -> Job:
    """A job that runs to its end."""
    return Job(output, rows, taken=rows, given=rows, **more)


def room(design: Design) -> int:
    """Rows inside where none leaves: one is complete, the others are in the lane."""
    return Lane.latency // design.row_steps + 1


def _short(design: Design, rng: np.random.Generator) -> Iterator[Job]:
    """Jobs of any output, whole and aborted ones."""
    for _ in range(SHORT):
        rows = int(rng.integers(1, MOST + 1))
        job = _any(rng, whole(int(rng.choice(list(Output))), rows))
        if rng.random() < 0.4:
            given = int(rng.integers(rows + 1))
            inside = 0 if job.output == Output.RAW else room(design)
            most = min(rows, given + inside + 1)  # one on offer
            taken = int(rng.choice([given, most, int(rng.integers(given, most + 1))]))
            job = job._replace(aborts=True, taken=taken, given=given)
        yield job


def _moments(design: Design, rng: np.random.Generator) -> Iterator[Job]:
    """Aborts between the columns of a row, too: at once and later, with rows on their way."""
    outputs = (Output.CORRECTED, Output.FP32)
    for given, ahead, delay in product(range(3), range(room(design) + 2), range(12)):
        job = _any(rng, whole(int(rng.choice(outputs)), MOST))
        yield job._replace(aborts=True, taken=given + ahead, given=given, delay=delay)


def _any(rng: np.random.Generator, job: Job) -> Job:
    """The job, with what else it may have."""
    return job._replace(slow=bool(rng.random() < 0.5), exponent=int(rng.integers(-8, 8)),
                        offers=bool(rng.random() < 0.5), gap=int(rng.choice([0, 1, 7])),
                        delay=int(rng.choice([0, 1, int(rng.integers(16))])))


def _cuts(design: Design, rng: np.random.Generator) -> Iterator[Run]:
    """Jobs that a reset ends, with any number of rows inside, at any step of them."""
    for _ in range(CUTS):
        job = _any(rng, whole(int(rng.choice([Output.CORRECTED, Output.INT8, Output.BF16])), MOST))
        given = int(rng.integers(1, MOST - room(design)))
        beats = given + int(rng.integers(room(design) + 1))
        yield run_of(design, [job], rng).cut(1 + beats, given)


def run_of(design: Design, jobs: Sequence[Job], rng: np.random.Generator) -> Run:
    """Jobs with any rows, and beats that an abort lets go by, of which the last is marked."""
    sent: list[np.ndarray] = []
    last: list[Any] = []
    rows: list[tuple[np.ndarray, np.ndarray]] = []
    for job in jobs:
        more = int(rng.integers(1, 2 * SURPLUS)) if job.aborts else 0
        steps = _steps(design, rng, job, job.taken + more)
        marks = rng.random(job.taken + more) < 0.5
        marks[job.taken:] = np.arange(more) == more - 1
        told_job = {name: np.array([value]) for name, value in job._asdict().items()}
        for layout, fields in ((EpilogueJob(), told_job), (EpilogueStep(design), steps)):
            bits = packed(layout, fields)
            sent.append(np.pad(bits, ((0, 0), (0, epilogue_sent(design) - bits.shape[1]))))
        last += [[False], marks]
        rows.append(_finished(design, job, steps))
    return Run(beats_of(np.concatenate(sent), np.concatenate(last)),
               beats_of(*(np.concatenate(parts) for parts in zip(*rows, strict=True))))


def _steps(design: Design, rng: np.random.Generator, job: Job, count: int) -> dict[str, Any]:
    """Fields of :class:`EpilogueStep`: any numbers whose results seldom saturate."""
    def numbers(bits: int, *each: int) -> np.ndarray:
        """Signed ones of every size."""
        shape = (count, *each)
        return rng.integers(-1 << bits - 1, 1 << bits - 1, shape) >> rng.integers(0, bits, shape)

    columns = design.columns
    scale = rng.integers(1 << SCALE_BITS, size=(count, columns))
    last = rng.random(count) < 0.3
    last[job.rows - 1:] |= not job.aborts  # a job ends with a tile
    return {
        "row": {"accumulators": numbers(min(24, design.accumulator_width), columns), "last": last},
        "token": {"eta": numbers(8), "gain": rng.integers(1 << GAIN_BITS, size=count),
                  "scale": rng.integers(1 << SCALE_BITS, size=count)},
        "row_sums": {"columns": numbers(min(16, row_sum_shape(design).width), columns)},
        "channel": {"columns": {"scale": scale >> rng.integers(0, SCALE_BITS, scale.shape),
                                "shift": rng.integers(1 << SHIFT_BITS, size=(count, columns)),
                                "unused": rng.integers(8, size=(count, columns)),
                                "bias": numbers(BIAS_BITS, columns)},
                    "last": rng.integers(2, size=count)},
        "begins": np.append([True], last[:-1]),
        "waits": rng.integers(0, 4 if job.slow else 1, (count, 4)),
    }


def _finished(design: Design, job: Job, steps: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Bits of the rows of a job, with one more that says that nothing was wrong, and ``last``."""
    number = steps["row"]["accumulators"]
    if job.output != Output.RAW:
        tile = np.maximum.accumulate(np.where(steps["begins"], np.arange(len(number)), 0))
        number = results(design, {
            "accumulator": number, "row_sum": steps["row_sums"]["columns"][tile],
            "token": {name: field[:, None] for name, field in steps["token"].items()},
            "channel": {name: field[tile] for name, field in steps["channel"]["columns"].items()},
        }, job.output, job.exponent)
    bits = bit_rows(number & (1 << design.accumulator_width) - 1, design.accumulator_width)
    return np.pad(bits, ((0, 0), (0, 1)))[:job.given], steps["row"]["last"][:job.given]
