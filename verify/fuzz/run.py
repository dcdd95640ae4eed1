"""Runs targets: so many cases each, with a limit of time for every one."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import seed as seeded

from verify.fuzz.target import Target


__all__ = ["Hang", "Result", "run_target"]


_SHOWN = 2000
"""Characters of a case in a report."""


class Hang(AssertionError):
    """A case took too long."""


@dataclass
class Result:
    """What became of the cases of a target.

    Attributes
    ----------
    target : str
    outcomes : dict of str to int
        Cases that were taken, and refused.
    seconds : float
    case : str
        The smallest case that was found to fail, as Python writes it; empty if none did.
    failure : str
        What it raised.
    """

    target: str
    outcomes: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    case: str = ""
    failure: str = ""

    @property
    def cases(self) -> int:
        """Cases that did what they should."""
        return sum(self.outcomes.values())


def run_target(target: Target, cases: int, seed: int) -> Result:
    """Draw ``cases`` cases of a target, the same ones for the same seed, and check each.

    The first failure ends it, once Hypothesis has found the smallest case that fails likewise.
    """
    result, begin, last = Result(target.name), time.monotonic(), [None]

    @seeded(seed)
    @settings(max_examples=cases, database=None, deadline=None, report_multiple_bugs=False,
              phases=(Phase.generate, *[Phase.shrink] * target.shrinks),
              suppress_health_check=list(HealthCheck))
    @given(target.cases)
    def check(case: Any) -> None:
        last[0] = case
        with _limited(target.limit):
            became = target.check(case)
        result.outcomes[became] = result.outcomes.get(became, 0) + 1

    try:
        check()
    except Exception as error:  # whatever it raised is what is looked for
        result.case, result.failure = repr(last[0])[:_SHOWN], _place(error)
    result.seconds = time.monotonic() - begin
    return result


def _place(error: BaseException) -> str:
    """An exception, and the line that raised it; of several the first one."""
    while inner := getattr(error, "exceptions", ()):  # a failure that did not come again
        error = inner[0]
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}", trace.tb_next
    return f"{type(error).__name__}: {str(error)[:_SHOWN]} ({place})"


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise :class:`Hang` in the block once it has taken so long; only in the main thread."""
    def hang(number: int, frame: Any) -> None:
        raise Hang(f"more than {seconds:g} s")

    before = signal.signal(signal.SIGALRM, hang)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
