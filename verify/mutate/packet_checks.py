"""What is checked of the packet of a job: that each job has its own, however long it is."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from hw.config import Design
from sim.runs.soak.streams import compare
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from verify.mutate.checks import STALLS
from verify.mutate.packet_part import ERRORS, JOBS, WIDTH, PacketJob, packet_jobs


__all__ = ["Used", "packet", "packet_beats", "used_beats"]


MARK = 1 << WIDTH
"""A beat that ends an abort."""

SURPLUS = 6
"""Beats of a packet that is too long, at most."""


class Used(NamedTuple):
    """What a job uses: data and ``last`` of a beat, and whether there is an error with it."""

    data: int
    last: bool
    error: bool


def packet(design: Design) -> Callable[[Any], None]:
    """All jobs of the table, with pauses; resets after a beat of each kind, at once and later."""
    rng = generator("packet", design)
    sent: list[tuple[int, bool]] = []
    used: list[Used] = []
    for job in packet_jobs():
        beats = list(packet_beats(job, rng))
        used += used_beats(job, beats)
        sent += beats
        if job.aborts:
            sent.append((MARK | int(rng.integers(MARK)), bool(rng.random() < 0.5)))
    given, expected = _sent(sent), _expected(used)
    cuts = [*_cuts(used), len(used)]
    cycles: dict[tuple[float, int], int] = {}

    def check(built: Any) -> None:
        for stall, count, waiting in product(STALLS, cuts, (0, 4)):
            built.reset()
            out, took = built.run(given, count, limit=1000 + 60 * count, stall=stall)
            compare(out, expected[:count], "packet")
            assert cycles.setdefault((stall, count), took) == took, "another number of cycles"
            with suppress(TimeoutError):
                built.run(given[:0], JOBS, limit=waiting)

    return check


def packet_beats(job: PacketJob, rng: np.random.Generator, width: int = WIDTH
                 ) -> Iterator[tuple[int, bool]]:
    """Beats of a packet of so many bits: as many as the job uses, fewer, or more."""
    if not job.brings:
        return
    length = int(rng.choice([job.beats, job.beats, int(rng.integers(1, job.beats + 1)),
                             job.beats + int(rng.integers(1, SURPLUS + 1))]))
    for number in range(length):
        yield int(rng.integers(1, 1 << width)), number == length - 1


def used_beats(job: PacketJob, beats: Sequence[tuple[int, bool]]) -> Iterator[Used]:
    """What the job uses of it: zeros for what is missing."""
    if not job.brings:
        return
    for number in range(job.after if job.aborts else job.beats):
        data, last = beats[number] if number < len(beats) else (0, False)
        yield Used(data, last, number < len(beats) and last != (number == job.beats - 1))


def _cuts(used: list[Used]) -> list[int]:
    """Numbers of beats after which a reset finds beats missing, a surplus, or neither."""
    ends = [number for number, beat in enumerate(used) if beat.error]
    early = next(number for number in ends if used[number].last)
    late = next(number for number in ends if not used[number].last)
    sound = next(number for number, beat in enumerate(used) if beat.last and not beat.error)
    return [early + 1, late + 1, sound + 1, len(used) // 2]


def _sent(beats: list[tuple[int, bool]]) -> Beats:
    data = bit_rows(np.array([data for data, _ in beats]), WIDTH + 1)
    return Beats(data, np.array([last for _, last in beats]), np.zeros((len(beats), 0), bool))


def _expected(used: list[Used]) -> Beats:
    """Beats with the number of errors before them."""
    before = np.cumsum([0, *(beat.error for beat in used)])[:-1] % (1 << ERRORS)
    data = np.array([beat.data for beat in used]) | before << WIDTH
    return Beats(bit_rows(data, WIDTH + ERRORS), np.array([beat.last for beat in used]),
                 np.zeros((len(used), 0), bool))
