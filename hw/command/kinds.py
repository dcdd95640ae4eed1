"""Kinds of options: what a value may be, how it is read, and what the help says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw.command import checks


__all__ = ["Kind", "file", "folder", "number", "one_of", "text", "whole"]


@dataclass(frozen=True)
class Kind:
    """What an option takes.

    Attributes
    ----------
    metavar : str
        Stands for a value in the help.
    allowed : str
        Range, for the help; empty where the text of the option says it.
    read : callable
        From the name of the option and the text that was given to the value; ValueError with one
        sentence if that is none.
    """

    metavar: str
    allowed: str
    read: Callable[[str, str], Any]


def whole(low: int, high: int) -> Kind:
    """Integers from ``low`` to ``high``."""
    return Kind("INT", f"{low} to {high}",
                lambda name, given: checks.integer(name, checks.plain(given), low, high))


def number(above: float, to: float = float("inf"), *, below: bool = False) -> Kind:
    """Numbers above ``above`` and up to ``to``, or ``below`` it."""
    end = "" if to == float("inf") else f"{' and below' if below else ' to'} {to:g}"
    return Kind("NUMBER", f"above {above:g}{end}",
                lambda name, given: checks.number(name, checks.plain(given), above, to,
                                                  below=below))


def one_of(*names: str) -> Kind:
    """One of some names."""
    return Kind("NAME", ", ".join(names), lambda name, given: checks.choice(name, given, names))


def text(metavar: str = "NAME", allowed: str = "") -> Kind:
    """Any text but none."""
    def read(name: str, given: str) -> str:
        if not given.strip():
            raise ValueError(f"{name} must be a text, not {given!r}")
        return given

    return Kind(metavar, allowed, read)


def folder() -> Kind:
    """A directory, there or not."""
    return _path("DIR", "a directory")


def file() -> Kind:
    """A file, there or not."""
    return _path("FILE", "a file")


def _path(metavar: str, what: str) -> Kind:
    def read(name: str, given: str) -> Path:
        if not given.strip() or "\0" in given:
            raise ValueError(f"{name} must be the name of {what}, not {given!r}")
        return Path(given)

    return Kind(metavar, "", read)
