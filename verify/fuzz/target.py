"""A target: random cases of one reader, and what must be true of each of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis.strategies import SearchStrategy


__all__ = ["REFUSED", "TAKEN", "Target", "outcome", "refusal", "sentence"]


TAKEN, REFUSED = "taken", "refused"
"""What became of a case."""


@dataclass(frozen=True)
class Target:
    """What is given random inputs.

    Attributes
    ----------
    name : str
        Of the target on the command line.
    about : str
        What is drawn, and what is compared.
    cases : SearchStrategy
        Draws cases.
    check : callable
        Takes a case; returns :data:`TAKEN` or :data:`REFUSED`. Whatever it raises is a defect.
    limit : float
        Seconds that a case may take.
    shrinks : bool
        Whether the smallest case that fails is worth the time to find it.
    """

    name: str
    about: str
    cases: SearchStrategy[Any]
    check: Callable[[Any], str]
    limit: float = 20.0
    shrinks: bool = True


def outcome(work: Callable[[], Any]) -> str:
    """Do the work; a ValueError in the project's own words is a refusal."""
    try:
        work()
    except ValueError as error:
        sentence(str(error))
        return REFUSED
    return TAKEN


def sentence(message: str) -> None:
    """Raise AssertionError unless a message says in one line what must be.

    Python's own messages, as of ``float("x")``, name no parameter and no range: they say no such
    thing.
    """
    assert len(message.splitlines()) == 1, f"more than a line: {message!r}"
    assert " must " in message, f"not a sentence of the project's own: {message!r}"


def refusal(name: str, errors: str) -> None:
    """Raise AssertionError unless the standard error of a command ends with such a sentence."""
    assert "Traceback" not in errors, errors
    last = (errors.strip().splitlines() or [""])[-1]
    begin = f"python -m {name}: error: "
    assert last.startswith(begin), f"last line {last!r}"
    sentence(last.removeprefix(begin))
