"""Area, cells and delay of every design: ``python -m synth.report --patterns 2:4 8:16 -o DIR``."""

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hw.command.files import check_writable, write_all
from hw.config import DESIGNS, SELECTORS, Design, Pattern, choice, integer
from hw.generate import add_design_arguments, design_from
from synth import flow
from synth.library import liberty
from synth.placement import lef
from synth.placement.place import find_placer
from synth.reports.plot import area_figure
from synth.reports.rows import Measured, Row, measure, plan
from synth.reports.tables import as_csv, as_json, table


__all__ = ["main", "report"]


def report(rows: Sequence[Row], synthesis: flow.Flow, path: Path, output: Path,
           console: Console, wires: lef.Lef | None = None) -> list[Measured]:
    """Synthesise ``rows``, print the table and write the files into ``output``.

    With ``wires``, sizes of the cells, every row is also placed.

    Raises
    ------
    ValueError
        If ``output`` is no writable directory; nothing is synthesised then.
    SynthesisError
        If Yosys fails; nothing is written then.
    """
    check_writable(output)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
               TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        measured = measure(rows, synthesis, progress, wires)
    write_all(output, {"report.json": as_json(measured, synthesis, path),
                       "report.csv": as_csv(measured),
                       "area.png": area_figure(measured, synthesis.library.name)})
    console.print(table(measured, synthesis))
    return measured


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m synth.report",
        description="Synthesise designs and report area, cells and delay.")
    parser.add_argument("--patterns", nargs="+", required=True, metavar="N:M",
                        help="patterns, as in 2:4 4:8 8:16 16:32")
    parser.add_argument("--designs", nargs="+", default=list(DESIGNS), metavar="NAME",
                        help=f"what to synthesise ({', '.join(DESIGNS)}; default all)")
    parser.add_argument("--selectors", nargs="+", default=list(SELECTORS), metavar="NAME",
                        help=f"structures of the selector ({', '.join(SELECTORS)}; default all)")
    parser.add_argument("--variants", nargs="+", default=[], metavar="NAME=VALUE[,...]",
                        help="further rows for the designs that have these parameters, as in "
                             "encoding=rank shift=mean,statistics")
    parser.add_argument("--liberty", type=Path, default=flow.CELLS, metavar="FILE",
                        help="cells as .lib or .lib.gz (default: the project's own)")
    parser.add_argument("--wires", action="store_true",
                        help="also place every design once: core, length of wires, longest path "
                             "with them; minutes for large designs")
    parser.add_argument("--lef", type=Path, nargs="+", default=None, metavar="FILE",
                        help="with --wires: technology and cells of --liberty as .lef or .lef.gz "
                             "(default: the project's own)")
    parser.add_argument("--goal", default="area", metavar="NAME",
                        help=f"what logic is mapped for ({', '.join(flow.GOALS)}; default area)")
    parser.add_argument("--workers", default=str(min(2, os.cpu_count() or 1)), metavar="INT",
                        help="syntheses at the same time (1 to 256; default: 2)")
    parser.add_argument("--timeout", default="600", metavar="SECONDS",
                        help="given up after (1 to 86400; default 600), for each module")
    parser.add_argument("-o", "--output", type=Path, default=Path("build/report"), metavar="DIR",
                        help="directory for report.json, report.csv, area.png "
                             "(default build/report)")
    add_design_arguments(parser)
    return parser


def main(argv: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    try:
        patterns = [Pattern.parse(text) for text in arguments.patterns]
        names = [choice("design", name, DESIGNS) for name in arguments.designs]
        selectors = [choice("selector", name, SELECTORS) for name in arguments.selectors]
        workers = integer("workers", _number(arguments.workers), 1, 256)
        timeout = integer("timeout", _number(arguments.timeout), 1, 86400)
        rows = plan(names, patterns, selectors, design_from(arguments, patterns[0]),
                    [_variant(text) for text in arguments.variants])
        library = liberty.read(arguments.liberty)
        synthesis = flow.Flow(library, goal=arguments.goal, workers=workers, timeout=timeout)
        if arguments.lef and not arguments.wires:
            raise ValueError("lef must be left out without wires, not "
                             + " ".join(map(str, arguments.lef)))
        if arguments.wires:
            find_placer()
        wires = lef.read(lef.files(arguments.liberty, arguments.lef)) if arguments.wires else None
        width = 130 + 40 * bool(arguments.variants) + 30 * arguments.wires
        report(rows, synthesis, arguments.liberty, arguments.output,
               Console(width=None if sys.stdout.isatty() else width), wires)
    except (ValueError, flow.SynthesisError) as error:
        parser.error(str(error))


def _variant(text: str) -> dict:
    """Read ``"shift=mean,statistics"`` as parameters of a design."""
    known = [field.name for field in Design.parameters() if field.metadata["option"]]
    variant: dict = {}
    for part in text.split(","):
        name, given, value = part.partition("=")
        if name not in known:
            raise ValueError(f"variants must name parameters among {', '.join(known)}, not "
                             f"{name!r}")
        variant[name] = _number(value) if given else True
    return variant


def _number(text: str) -> int | str:
    return int(text) if text.removeprefix("-").isdecimal() else text


if __name__ == "__main__":
    main()
