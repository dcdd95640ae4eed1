"""Energy of designs with glitches and wires: ``python -m synth.energy --patterns 8:16``."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from hw.command.files import check_writable, write_all
from hw.config import Design, Pattern, choice, integer
from hw.generate import add_design_arguments, design_from
from synth import flow
from synth.energy.feed import FED
from synth.energy.measure import Settings, measure
from synth.energy.operands import INPUTS, make
from synth.energy.report import as_json, parts_table, table
from synth.library import liberty
from synth.placement import lef
from synth.placement.place import find_placer


__all__ = ["main", "plan"]


LATEST = 1000
"""Times of ``--late`` at most: ticks of the simulation fit into 64 bits with room to spare."""


def plan(names: Sequence[str], patterns: Sequence[Pattern], base: Design
         ) -> list[tuple[str, Design]]:
    """Designs to measure, every one once, and before each its dense baseline where it has one.

    Raises
    ------
    ValueError
        If none of the designs has a parameter that is set.
    """
    base.require(*names)
    found: dict[tuple[str, Design], None] = {}
    for pattern in patterns:
        for name in names:
            design = replace(base.only(name), pattern=pattern)
            if name != "compressor":
                found[name, design.baseline] = None
            found[name, design] = None
    return list(found)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synth.energy",
        description="Synthesise and place designs, simulate them with the delays of gates and "
                    "wires, and report energy, wire length and the longest path.")
    parser.add_argument("--patterns", nargs="+", required=True, metavar="N:M",
                        help="patterns, as in 2:4 4:8 8:16 16:32; dense baselines come with them")
    parser.add_argument("--designs", nargs="+", default=["pe"], metavar="NAME",
                        help=f"what to measure ({', '.join(FED)}; default pe)")
    parser.add_argument("--inputs", default="minilm", metavar="NAME",
                        help=f"operands ({', '.join(INPUTS)}, or an .npz file with activations0, "
                             "weights0 and so on; default minilm)")
    parser.add_argument("--seeds", default="3", metavar="INT",
                        help="placements, each with operands of its own (1 to 16; default 3)")
    parser.add_argument("--cycles", default="400", metavar="INT",
                        help="cycles that are simulated at least (1 to 100000; default 400)")
    parser.add_argument("--utilisation", default="0.7", metavar="NUMBER",
                        help="area of the cells over that of the core (above 0.1 and below 1; "
                             "default 0.7)")
    parser.add_argument("--late", nargs="+", default=[], metavar="PORT=TIME",
                        help="input ports that change later than the edge of the clock, in the "
                             "library's unit of time, as in digits=0.6; not in the longest path")
    parser.add_argument("--liberty", type=Path, default=flow.CELLS, metavar="FILE",
                        help="cells as .lib or .lib.gz (default: the project's own)")
    parser.add_argument("--lef", type=Path, nargs="+", default=None, metavar="FILE",
                        help="technology and cells of --liberty as .lef or .lef.gz (default: the "
                             "project's own)")
    parser.add_argument("--goal", default="area", metavar="NAME",
                        help=f"what logic is mapped for ({', '.join(flow.GOALS)}; default area)")
    parser.add_argument("--workers", default=str(min(2, os.cpu_count() or 1)), metavar="INT",
                        help="syntheses and placements at the same time (1 to 256; default: 2)")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/energy"), metavar="DIR",
                        help="directory for energy.json (default build/energy)")
    add_design_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        _run(arguments)
    except (ValueError, flow.SynthesisError) as error:
        parser.error(str(error))


def _run(arguments: argparse.Namespace) -> None:
    patterns = [Pattern.parse(text) for text in arguments.patterns]
    names = [choice("design", name, tuple(FED)) for name in arguments.designs]
    files = [arguments.liberty, *lef.files(arguments.liberty, arguments.lef)]
    workers = integer("workers", _number(arguments.workers), 1, 256)
    seeds = integer("seeds", _number(arguments.seeds), 1, 16)
    cycles = integer("cycles", _number(arguments.cycles), 1, 100_000)
    find_placer()
    check_writable(arguments.output)
    settings = Settings(lef.read(files[1:]), make(arguments.inputs, seeds),
                        _real("utilisation", arguments.utilisation), cycles,
                        dict(map(_late, arguments.late)))
    synthesis = flow.Flow(liberty.read(files[0]), goal=arguments.goal, workers=workers)
    designs = plan(names, patterns, design_from(arguments, patterns[0]))
    with Progress(console=Console(stderr=True)) as progress:
        rows = [measure(name, design, synthesis, settings)
                for name, design in progress.track(designs, description="measure")]
    write_all(arguments.output, {"energy.json": as_json(rows, synthesis, settings,
                                                        arguments.inputs, files)})
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(table(rows, synthesis, arguments.inputs))
    console.print(parts_table(rows, synthesis))


def _number(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() else text


def _late(text: str) -> tuple[str, float]:
    port, _, value = text.partition("=")
    time = _real("late", value)
    if not 0 <= time <= LATEST:
        raise ValueError(f"late must be from 0 to {LATEST}, not {value}")
    return port, time


def _real(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None
