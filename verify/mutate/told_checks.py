"""What is checked of a part that is told of jobs by beats: runs of jobs, and resets inside them."""

from collections.abc import Callable, Sequence
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from sim.runs.soak.streams import compare
from sim.vectors.tokens import Beats
from verify.mutate.checks import STALLS
from verify.mutate.lapse import lapse


__all__ = ["Run", "beats_of", "told"]


class Run(NamedTuple):
    """Beats that are sent, and rows that come of them."""

    sent: Beats
    rows: Beats

    def cut(self, beats: int, rows: int) -> "Run":
        """The first ones: when they have come, something is inside."""
        return Run(self.sent[:beats], self.rows[:rows])

    def rest(self, begun: "Run") -> "Run":
        """What is left of it once another one, cut from it, is over."""
        return Run(self.sent[len(begun.sent.last):], self.rows[len(begun.rows.last):])


def beats_of(data: np.ndarray, last: np.ndarray) -> Beats:
    """Beats of bits [count, bits] and ``last`` [count]."""
    return Beats(data.astype(bool), np.asarray(last, bool), np.zeros((len(data), 0), bool))


def told(runs: Sequence[Run], whole: Run, beyond: Sequence[tuple[Run, Run]]
         ) -> Callable[[Any], None]:
    """A check of runs with pauses, each after a reset in the state that the one before left.

    Parameters
    ----------
    runs : sequence of Run
        With every chance of pauses, in as many cycles as of the design without a mutant.
    whole : Run
        Without pauses.
    beyond : sequence of (Run, Run)
        Jobs, and their beginning: then what is left of them has lost its high bits.
    """
    cycles: dict[tuple[float, int], int] = {}

    def check(built: Any) -> None:
        for stall, (number, run) in [*product(STALLS, enumerate(runs)), (0.0, (len(runs), whole))]:
            _reset(built, runs[0], number % 4)
            took = _drive(built, run, stall)
            assert cycles.setdefault((stall, number), took) == took, "another number of cycles"
        for run, begun in beyond:
            _reset(built, run, 0)
            _drive(built, begun, 0.0)
            lapse(built)
            _drive(built, run.rest(begun), 0.0)

    return check


def _reset(built: Any, run: Run, cycles: int) -> None:
    """Nothing comes after a reset before there is a job."""
    built.reset()
    try:
        built.run(run.sent[:0], 1, limit=cycles)
    except TimeoutError:
        return
    raise AssertionError("a row without a job")


def _drive(built: Any, run: Run, stall: float) -> int:
    """Compare all rows; the cycles that they took."""
    out, took = built.run(run.sent, len(run.rows.last), stall=stall,
                          limit=1000 + 60 * (len(run.sent.last) + len(run.rows.last)))
    compare(out, run.rows, "rows")
    return int(took)
