"""Tables and files of the performance of models."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hw import VERSION
from hw.command.table import Table
from hw.config import Design, Pattern
from synth.performance.layer import Performance
from synth.performance.phases import total
from synth.performance.roofline import figure, point
from synth.performance.scalesim import compute_report, topology


__all__ = ["Run", "files", "tables"]


@dataclass(frozen=True)
class Run:
    """The layers of a model in a phase, on an accelerator that prunes to a pattern.

    ``unknown`` names memories whose energy is not in those of the rows.
    """

    phase: str
    pattern: Pattern
    design: Design
    rows: Sequence[Performance]
    unknown: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """For files: ``prefill_8_16``."""
        return f"{self.phase}_{self.pattern.n}_{self.pattern.m}"

    @property
    def cycles(self) -> float:
        """Of all layers, one after the other."""
        return sum(row.cycles for row in self.rows)

    def as_dict(self, bandwidth: float | None, clock_ns: float) -> dict[str, Any]:
        """As it stands in JSON: every layer, and the sums of all."""
        products = sum(row.products for row in self.rows)
        return {
            "phase": self.phase, "pattern": str(self.pattern),
            "parameters": {**asdict(self.design), "pattern": str(self.design.pattern)},
            "layers": [row.as_dict() | point(row, self.design, bandwidth) for row in self.rows],
            "cycles": self.cycles, "milliseconds": self.cycles * clock_ns / 1e6,
            "busy": sum(row.busy * row.cycles for row in self.rows) / self.cycles,
            "useful": products / (self.cycles * self.rows[0].peak),
            "bytes": total([row.bytes for row in self.rows]),
            "accesses": {name: [sum(row.accesses[name][k] for row in self.rows) for k in (0, 1)]
                         for name in self.rows[0].accesses},
            "energy": total([row.energy for row in self.rows]) or None,
            "energy_without": list(self.unknown)}


def tables(runs: Sequence[Run], model: str, clock_ns: float) -> list[Table]:
    """Every layer of every run, and what the runs come to."""
    energetic = any(row.energy for run in runs for row in run.rows)
    shown = Table(f"Linear layers of {model}", ("phase", "pattern", "layer"),
                  ("count", "tokens", "features", "outputs", "cycles", "busy", "useful", "bound",
                   "bytes", *(["uJ"] if energetic else [])))
    sums = Table(f"All linear layers of {model}, {clock_ns:g} ns a cycle", ("phase", "pattern"),
                 ("cycles", "ms", "busy", "useful", "bytes", *(["uJ"] if energetic else [])))
    for run in runs:
        for row in run.rows:
            layer = row.layer
            shown.row(run.phase, str(run.pattern), layer.name, f"{layer.count}",
                      f"{layer.tokens:,}", f"{layer.features:,}", f"{layer.outputs:,}",
                      f"{row.cycles:,.0f}", f"{row.busy:.1%}", f"{row.useful:.1%}", row.bound,
                      f"{row.moved:,}", *([_micro(row.energy)] if energetic else []))
        shown.section()
        whole = run.as_dict(None, clock_ns)
        sums.row(run.phase, str(run.pattern), f"{run.cycles:,.0f}", f"{whole['milliseconds']:,.3f}",
                 f"{whole['busy']:.1%}", f"{whole['useful']:.1%}",
                 f"{sum(whole['bytes'].values()):,}",
                 *([_micro(whole["energy"] or {})] if energetic else []))
    return [shown, sums]


def _micro(energy: dict[str, float]) -> str:
    return f"{sum(energy.values()) / 1e6:,.3f}" if energy else ""


def files(runs: Sequence[Run], model: str, bandwidth: float | None, clock_ns: float
          ) -> dict[str, str | bytes]:
    """Contents of all files by their names."""
    content = {"nmforge": VERSION, "model": model, "bandwidth": bandwidth, "clock_ns": clock_ns,
               "energy_unit": "pJ", "runs": [run.as_dict(bandwidth, clock_ns) for run in runs]}
    written: dict[str, str | bytes] = {
        "performance.json": json.dumps(content, indent=1, sort_keys=True) + "\n",
        "performance.csv": _as_csv(runs, bandwidth),
        "roofline.png": figure([(run.name, run.design, run.rows) for run in runs], bandwidth)}
    for run in runs:
        written[f"{run.phase}_topology.csv"] = topology(run.rows)
        written[f"{run.name}_COMPUTE_REPORT.csv"] = compute_report(run.rows)
    return written


def _as_csv(runs: Sequence[Run], bandwidth: float | None) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    single = ("layer", "tokens", "features", "outputs", "count", "cycles", "busy", "useful",
              "bound", "job_cycles", "job_steps", "job_array_cycles", "products",
              "dense_products", "intensity", "reached", "roof")
    kinds = ("tokens", "weights", "results", "parameters")
    writer.writerow(["phase", "pattern", *single, *(f"bytes_{kind}" for kind in kinds), "energy"])
    for run in runs:
        for row in run.rows:
            found = row.as_dict() | point(row, run.design, bandwidth)
            writer.writerow([run.phase, run.pattern, *(found[name] for name in single),
                             *(row.bytes[kind] for kind in kinds),
                             sum(row.energy.values()) or ""])
    return text.getvalue()
