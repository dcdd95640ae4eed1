"""What a parameter is: default, description, range, and the designs that have it.

The command line, the checks, the manifest and the C header are made from these fields.
"""

from dataclasses import Field, field
from typing import Any

from hw.config.checks import choice, integer


__all__ = ["ARRAYS", "COMPRESSING", "DESIGNS", "SELECTING", "check", "flag", "parameter"]


DESIGNS = ("selector", "compressor", "decompressor", "pe", "array", "accelerator")
"""What can be generated."""

SELECTING = ("selector", "compressor", "accelerator")
"""Designs that contain a selector."""

COMPRESSING = ("compressor", "accelerator")
"""Designs that contain a compressor."""

ARRAYS = ("pe", "array", "accelerator")
"""Designs that contain PEs."""


def parameter(default: int | str, text: str, designs: tuple[str, ...], *, low: int = 0,
              high: int = 0, choices: tuple[str, ...] = (), option: bool = True) -> Any:
    """A field of :class:`hw.config.Design` that is an integer or one of ``choices``.

    Parameters
    ----------
    default : int or str
        Value where it is not given.
    text : str
        What it is, with its unit, for the command line.
    designs : tuple of str
        Those of :data:`DESIGNS` that have it; others take the default alone.
    low, high : int
        Range of an integer.
    choices : tuple of str
        Values of a name.
    option : bool
        Whether it says what a design does; False for its structure and size.
    """
    return field(default=default, metadata={"help": text, "low": low, "high": high,
                                            "choices": choices, "designs": designs,
                                            "option": option})


def flag(text: str, designs: tuple[str, ...]) -> Any:
    """A field of :class:`hw.config.Design` that is off, or on for one of ``designs``."""
    return field(default=False, metadata={"help": text, "choices": (), "designs": designs,
                                          "option": True})


def check(described: Field, value: Any) -> None:
    """Raise ValueError if ``value`` is out of the range that the field describes."""
    limits = described.metadata
    if limits["choices"]:
        choice(described.name, value, limits["choices"])
    elif type(described.default) is bool:
        if type(value) is not bool:
            raise ValueError(f"{described.name} must be True or False, not {value!r}")
    else:
        integer(described.name, value, limits["low"], limits["high"])
