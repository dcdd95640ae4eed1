"""Checks of parameters, as all commands have them."""

from hw.command.checks import choice, integer


__all__ = ["choice", "integer"]
