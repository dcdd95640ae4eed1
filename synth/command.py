"""What the command lines of this package share: cells, goal and processes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hw.command.kinds import file, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.config import Design, Pattern
from hw.config.parameter import ARRAYS
from hw.generate.arguments import PATTERN
from synth.scripts import CELLS, GOALS


if TYPE_CHECKING:
    from pathlib import Path

    from synth.flow import Flow
    from synth.placement.lef import Lef


__all__ = ["EXTRA", "add_flow", "add_lef", "add_patterns", "make_flow", "plan", "read_lef"]


EXTRA = "synth"
"""Extra of the package that brings what these commands import."""


def add_patterns(parser: Parser, *default: str) -> None:
    """Add the option of all commands that take several patterns."""
    parser.option("--patterns", aliases=("--pattern",), kind=PATTERN, many=True,
                  required=not default, default=tuple(map(Pattern.parse, default)) or None,
                  help="patterns, as in 2:4 4:8 8:16 16:32")


def plan(names: Sequence[str], patterns: Sequence[Pattern], base: Design
         ) -> list[tuple[str, Design]]:
    """Designs to measure, every one once, and before each its dense baseline where it has one.

    Raises
    ------
    ValueError
        If none of the designs has a parameter that is set, or none is left.
    """
    base.require(*names)
    found: dict[tuple[str, Design], None] = {}
    for pattern in patterns:
        for name in names:
            design = replace(base.only(name), pattern=pattern)
            if name in ARRAYS:
                found[name, design.baseline] = None
            if not (name == "selector" and pattern.dense):
                found[name, design] = None
    if not found:
        raise ValueError(f"patterns must have N below M for a selector, not {patterns[0]}")
    return list(found)


def add_flow(parser: Parser, *, liberty: bool = False) -> None:
    """Add the options of the flow; ``liberty`` says whether cells must be named."""
    parser.group("synthesis")
    parser.option("--liberty", kind=file(), required=liberty, default=None if liberty else CELLS,
                  help="cells as .lib or .lib.gz")
    parser.option("--goal", kind=one_of(*GOALS), default="area", help="what logic is mapped for")
    parser.option("--workers", kind=whole(1, 256), default=min(2, os.cpu_count() or 1),
                  help="syntheses at the same time")
    parser.option("--timeout", kind=whole(1, 86400), default=600,
                  help="seconds after which a module is given up")


def add_lef(parser: Parser, needs: str = "") -> None:
    """Add the option for the sizes of the cells; ``needs`` names the option that it needs."""
    parser.option("--lef", kind=file(), many=True, commas=False,
                  help=f"{needs and f'with {needs}, '}technology and cells of --liberty as .lef or "
                       ".lef.gz; left out for the project's own cells")


def read_lef(arguments: Arguments) -> "tuple[list[Path], Lef]":
    """Return the files of the option of :func:`add_lef`, and what they hold.

    ValueError if they are missing or cannot be read, or nothing here can place cells.
    """
    from synth.placement import lef
    from synth.placement.place import find_placer

    files = lef.files(arguments.liberty, arguments.lef)
    find_placer()
    return files, lef.read(files)


def make_flow(arguments: Arguments) -> "Flow":
    """Return the flow that the options of :func:`add_flow` ask for; ValueError if it cannot be."""
    from synth.flow import Flow
    from synth.library import liberty

    with doing("reading the library"):
        return Flow(liberty.read(arguments.liberty), goal=arguments.goal,
                    workers=arguments.workers, timeout=arguments.timeout)
