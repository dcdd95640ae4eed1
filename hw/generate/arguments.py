"""The parameters of a design as options of a command line."""

import argparse
from dataclasses import Field

from hw.config import Design, Pattern


__all__ = ["add_design_arguments", "design_from", "plain"]


def add_design_arguments(parser: argparse.ArgumentParser) -> None:
    """Add an option for every parameter of :class:`hw.config.Design` but the pattern."""
    for part, parameters in Design.parts().items():
        group = parser.add_argument_group(part)
        for field in parameters:
            _add_argument(group, field)


def _add_argument(group: argparse._ArgumentGroup, field: Field) -> None:
    limits, option = field.metadata, f"--{field.name.replace('_', '-')}"
    if type(field.default) is bool:
        group.add_argument(option, action="store_true", help=limits["help"])
        return
    allowed = ", ".join(limits["choices"]) or f"{limits['low']} to {limits['high']}"
    group.add_argument(option, type=plain, default=field.default,
                       metavar="NAME" if limits["choices"] else "INT",
                       help=f"{limits['help']} ({allowed}; default {field.default})")


def plain(text: str) -> int | float | str:
    """Numbers as numbers, anything else as it is: :class:`Design` says what is allowed."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return text


def design_from(arguments: argparse.Namespace, pattern: Pattern) -> Design:
    """Return the design that the options of :func:`add_design_arguments` ask for."""
    return Design(pattern, **{field.name: getattr(arguments, field.name)
                              for field in Design.parameters()})
