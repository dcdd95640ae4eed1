"""What the command lines of this package share: cells, goal and processes."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hw.command.checks import plain
from hw.command.files import check_writable
from hw.command.kinds import file, folder, one_of, whole
from hw.command.parser import Arguments, Parser
from hw.command.progress import doing
from hw.config import Design, Pattern, sparsest
from hw.config.parameter import ARRAYS
from hw.generate.arguments import PATTERN
from synth.scripts import CELLS, GOALS


if TYPE_CHECKING:
    from pathlib import Path

    from synth.flow import Flow
    from synth.library.liberty import Library
    from synth.memories.technology import Sram
    from synth.placement.lef import Lef
    from synth.store import Store


__all__ = ["EXTRA", "WORKERS", "add_flow", "add_lef", "add_memories", "add_patterns", "add_store",
           "make_flow", "open_store", "plan", "read_lef", "read_memories", "variant"]


EXTRA = "synth"
"""Extra of the package that brings what these commands import."""

WORKERS = min(2, os.cpu_count() or 1)
"""Processes at the same time, unless more are asked for."""


def add_patterns(parser: Parser, *default: str) -> None:
    """Add the option of all commands that take several patterns."""
    parser.option("--patterns", aliases=("--pattern",), kind=PATTERN, many=True,
                  required=not default, default=tuple(map(Pattern.parse, default)) or None,
                  help="patterns, as in 2:4 4:8 8:16 16:32")


def variant(name: str, text: str, *, every: bool = False) -> dict[str, Any]:
    """Read ``"shift=mean+statistics"`` as parameters of a design.

    ``name`` is what the option or key is called. ``every`` takes those of structure and size too.
    """
    known = [described.name for described in Design.parameters()
             if every or described.metadata["option"]]
    found: dict = {}
    for part in text.replace(",", "+").split("+"):
        parameter, given, value = part.partition("=")
        if parameter not in known:
            raise ValueError(f"{name} must name parameters among {', '.join(known)}, not "
                             f"{parameter!r}")
        found[parameter] = plain(value) if given else True
    return found


def plan(names: Sequence[str], patterns: Sequence[Pattern], base: Design
         ) -> list[tuple[str, Design]]:
    """Designs to measure, every one once, and before each its dense baseline where it has one.

    Raises
    ------
    ValueError
        If a parameter that is set changes none of the designs, or none is left.
    """
    base.require(*names)
    sparsest(replace(base, pattern=pattern) for pattern in patterns).require_effect(*names)
    found: dict[tuple[str, Design], None] = {}
    for pattern in patterns:
        for name in names:
            design = replace(base.only(name), pattern=pattern)
            if name in ARRAYS and pattern.n > 1:  # no dense one has a single lane
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
    parser.option("--workers", kind=whole(1, 256), default=WORKERS,
                  help="syntheses at the same time")
    parser.option("--timeout", kind=whole(1, 86400), default=600,
                  help="seconds after which a module is given up")


def add_store(parser: Parser) -> None:
    """Add the option for the store of what was generated and mapped before."""
    parser.option("--store", kind=folder(), default="build/store",
                  help="directory of what was generated and mapped before, which any number of "
                       "commands may share")


def open_store(arguments: Arguments) -> "Store":
    """Return the store that the option of :func:`add_store` names; ValueError if none can be."""
    from synth.store import Store

    check_writable(arguments.store, option="store")
    return Store(arguments.store)


def add_lef(parser: Parser, needs: str = "") -> None:
    """Add the option for the sizes of the cells; ``needs`` names the option that it needs."""
    parser.option("--lef", kind=file(), many=True, commas=False,
                  help=f"{needs and f'with {needs}, '}technology and cells of --liberty as .lef or "
                       ".lef.gz; left out for the project's own cells")


def read_lef(arguments: Arguments) -> "tuple[list[Path], Lef]":
    """Return the files of the option of :func:`add_lef`, and what they hold.

    ValueError if they are missing or cannot be read; ModuleNotFoundError without a placer.
    """
    from synth.placement import lef
    from synth.placement.place import find_placer

    files = lef.files(arguments.liberty, arguments.lef)
    find_placer()
    return files, lef.read(files)


def add_memories(parser: Parser) -> None:
    """Add the option for a table of SRAM macros; the group is that of :func:`add_flow`."""
    parser.option("--memories", kind=file(),
                  help="SRAM macros beside --liberty as CSV; left out for cells of which some are "
                       "known: the project's own, SG13G2, sky130hd")


def read_memories(arguments: Arguments, library: "Library") -> "Sram | None":
    """Return the memories of the option of :func:`add_memories`, or those known for a library.

    ValueError if the table is none.
    """
    from synth.memories.technology import find

    return find(library, arguments.memories)


def make_flow(arguments: Arguments, store: "Store | None" = None) -> "Flow":
    """Return the flow that the options of :func:`add_flow` ask for.

    ValueError if it cannot be, ModuleNotFoundError without Yosys.
    """
    from synth.flow import Flow, yosys
    from synth.library import liberty

    yosys.require()
    with doing("reading the library"):
        return Flow(liberty.read(arguments.liberty), goal=arguments.goal,
                    workers=arguments.workers, timeout=arguments.timeout, store=store)
