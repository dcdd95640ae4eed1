"""The parameters of a design as options of a command line."""

from collections.abc import Collection
from dataclasses import Field
from typing import Any

from hw.command.kinds import Kind, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.config import DESIGNS, Design, Pattern


__all__ = ["PATTERN", "add_design_arguments", "design_from"]


PATTERN = Kind("N:M", "", lambda name, given: Pattern.parse(given))
"""Kind of an option that takes patterns."""


def add_design_arguments(parser: Parser, designs: Collection[str] = DESIGNS, *,
                         without: Collection[str] = (), selectors: tuple[str, ...] = ()) -> None:
    """Add an option for every parameter of :class:`hw.config.Design` but the pattern.

    Parameters
    ----------
    parser : Parser
        Gets a group of options for each part of a design.
    designs : collection of str
        Only what one of these designs has is an option.
    without : collection of str
        Parameters that the command sets by itself, and does not let be given.
    selectors : tuple of str
        Names that ``--selector`` takes besides the structures.
    """
    for part, parameters in Design.parts().items():
        offered = [field for field in parameters if field.name not in without
                   and set(designs) & set(field.metadata["designs"])]
        if offered:
            parser.group(f"{part} (hardware)")
        for field in offered:
            _add_option(parser, field, selectors if field.name == "selector" else ())


def _add_option(parser: Parser, field: Field, more: tuple[str, ...]) -> None:
    limits, option = field.metadata, f"--{field.name.replace('_', '-')}"
    if type(field.default) is bool:
        parser.flag(option, help=limits["help"])
        return
    kind = one_of(*limits["choices"], *more) if limits["choices"] \
        else whole(limits["low"], limits["high"])
    parser.option(option, kind=kind, default=field.default, help=limits["help"])


def design_from(arguments: Arguments, pattern: Pattern, **fixed: Any) -> Design:
    """Return the design that the options of :func:`add_design_arguments` ask for.

    ``fixed`` are parameters that the command sets by itself.
    """
    chosen: dict[str, Any] = {field.name: getattr(arguments, field.name, field.default)
                              for field in Design.parameters()}
    return Design(pattern, **chosen | fixed)
