"""What is checked of a part behind a table of jobs: every job, and resets in the midst of them."""

from collections.abc import Callable
from contextlib import suppress
from itertools import product
from typing import Any

from sim.runs.soak.streams import compare
from sim.vectors.tokens import Beats
from verify.mutate.checks import STALLS


__all__ = ["in_jobs"]


FIRST = 40
"""Beats that are taken after a reset."""

RESETS = range(20, 900, 40)
"""Cycles before one."""


def in_jobs(sent: Beats, expected: Beats) -> Callable[[Any], None]:
    """What is sent comes out as expected, with pauses, from the first job on after every reset.

    It takes as many cycles as of the design without a mutant.
    """
    count = len(expected.last)
    cycles: dict[tuple[float, int], int] = {}

    def run(built: Any, stall: float, count: int) -> None:
        built.reset()
        out, took = built.run(sent, count, limit=1000 + 400 * count, stall=stall)
        compare(out, expected[:count], "jobs")
        assert cycles.setdefault((stall, count), took) == took, "another number of cycles"

    def check(built: Any) -> None:
        for stall, limit in product(STALLS, RESETS):
            with suppress(TimeoutError):
                built.run(sent, count, limit=limit, stall=stall)
            run(built, stall, FIRST)
        for stall in STALLS:
            run(built, stall, count)

    return check
