"""Checks of values: one message for each kind of mistake."""

from typing import Any


__all__ = ["choice", "integer", "number", "plain"]


def integer(name: str, value: Any, low: int, high: int) -> int:
    """Return ``value``, or raise ValueError if it is no integer from ``low`` to ``high``."""
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be an integer from {low} to {high}, not {value!r}")
    return value


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> str:
    """Return ``value``, or raise ValueError if it is not one of ``allowed``."""
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, not {value!r}")
    return value


def number(name: str, value: Any, above: float, to: float = float("inf"), *,
           below: bool = False) -> float:
    """Return ``value``, or raise ValueError if it is no number above ``above`` and up to ``to``.

    ``below`` leaves out ``to`` itself. NaN and infinity are no numbers here.
    """
    inside = type(value) in (int, float) and above < value <= to and value < float("inf")
    if inside and not (below and value == to):
        return float(value)
    end = "" if to == float("inf") else f" and {'below' if below else 'at most'} {to:g}"
    raise ValueError(f"{name} must be a number above {above:g}{end}, not {value!r}")


def plain(text: str) -> int | float | str:
    """Numbers as numbers, anything else as it is: whoever checks it says what is allowed.

    As people write them; Python reads ``1_6`` and digits of other scripts as well.
    """
    if "_" in text or not text.isascii():
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text
