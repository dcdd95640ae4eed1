"""Checks of parameters: one message for each kind of mistake."""

from typing import Any


__all__ = ["choice", "integer"]


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
