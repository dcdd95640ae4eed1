"""The rows of a sweep as JSON, as CSV and as a table for the terminal."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from hw import VERSION
from hw.command.table import Table
from hw.config import Design
from synth.scripts import ABC_SCRIPTS, YOSYS_SCRIPT
from synth.store import versions
from synth.sweep.cross import Crossed
from synth.sweep.space import Space
from synth.sweep.targets import TARGETS, scripts


__all__ = ["as_csv", "as_json", "summary", "table"]


Rows = Sequence[dict[str, Any]]

_PARAMETERS = tuple(described.name for described in Design.parameters())
_FIGURES = ("area", "gates", "flip_flops", "memory_bits", "delay", "module_delay",
            "overhead_percent", "throughput_per_area", "logic", "memory", "whole", "luts", "dsps",
            "rams", "stage")


def as_json(rows: Rows, space: Space, crossed: Crossed, tools: Sequence[str]) -> str:
    """Everything that the figures depend on, and the figures."""
    data = {
        "versions": {"nmforge": VERSION, "python": ".".join(map(str, sys.version_info[:3])),
                     **versions(*tools)},
        "yosys_script": list(YOSYS_SCRIPT),
        "abc_scripts": {goal: list(ABC_SCRIPTS[goal]) for goal in space.goals},
        "fpga_scripts": {name: scripts(name) for name in space.targets
                         if not TARGETS[name].cells},
        "space": _space(space, crossed), "rows": list(rows)}
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _space(space: Space, crossed: Crossed) -> dict[str, Any]:
    """What was asked for, and what of it there is; in no order that the file had."""
    return {
        "patterns": sorted(map(str, space.patterns)), "designs": sorted(space.designs),
        "parameters": {name: sorted(values) for name, values in space.parameters.items()},
        "shapes": sorted(f"{rows}x{columns}" for rows, columns in space.shapes),
        "options": sorted("+".join(name if value is True else f"{name}={value}"
                                   for name, value in options.items())
                          for options in space.options),
        "libraries": {name: {"file": cells.liberty.name, "sha256": cells.digest}
                      for name, cells in crossed.libraries.items()},
        "goals": sorted(space.goals), "targets": sorted(space.targets),
        "baselines": space.baselines, "wires": space.wires,
        "energy": space.energy and asdict(space.energy),
        "combinations": crossed.combinations, "points": len(crossed.points),
        "added_baselines": crossed.baselines, "absent": dict(crossed.absent)}


def as_csv(rows: Rows) -> str:
    """Rows with their figures, without counts of cells and memories and parts of the energy."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["library", "target", "goal", "design", "pattern", *_PARAMETERS, "status",
                     "reason", *_FIGURES, "core", "wire_length", "wired_delay", "energy",
                     "energy_settled", "energy_memory", "energy_whole", "energy_unit", "digest"])
    for row in rows:
        given, wires, energy = row["parameters"], row["wires"] or {}, row["energy"] or {}
        values = [row["library"], row["target"], row["goal"], row["design"], given["pattern"],
                  *(given[name] for name in _PARAMETERS), row["status"], row["reason"],
                  *(row[name] for name in _FIGURES),
                  *(wires.get(name) for name in ("core", "length", "delay")),
                  *(energy.get(name) for name in
                    ("mean", "settled_mean", "memory", "whole", "unit")), row["digest"]]
        writer.writerow(["" if value is None else value for value in values])
    return text.getvalue()


def table(rows: Rows) -> Table:
    """Rows for the terminal: parameters in which they differ, and figures that any of them has."""
    varying = [name for name in _PARAMETERS
               if len({row["parameters"][name] for row in rows}) > 1]
    places = [name for name in ("library", "target", "goal")
              if len({row[name] for row in rows}) > 1]
    figures = [_figures(row) for row in rows]
    headings = [name for name in figures[0] if any(row[name] for row in figures)]
    shown = Table("Sweep", (*places, "pattern", "design", *varying), (*headings, "status"))
    for row, own in zip(rows, figures, strict=True):
        shown.row(*(row[name] for name in places), row["parameters"]["pattern"], row["design"],
                  *(str(row["parameters"][name]) for name in varying),
                  *(own[name] for name in headings), row["status"])
    return shown


def _figures(row: dict[str, Any]) -> dict[str, str]:
    """Figures of a row as the terminal shows them, by heading; empty where it has none."""
    wires, energy = row["wires"] or {}, row["energy"] or {}
    return {"area": _number(row["area"], ",.0f"), "GE": _number(row["gates"], ",.0f"),
            "LUTs": _number(row["luts"], ","), "FFs": _number(row["flip_flops"], ","),
            "DSPs": _number(row["dsps"], ","), "block RAMs": _number(row["rams"], "g"),
            "delay": _number(row["delay"], ".4g"),
            "over dense": _number(row["overhead_percent"], "+.1f", " %"),
            "work/area": _number(row["throughput_per_area"], ".2f", "x"),
            "core": _number(wires.get("core"), ",.0f"),
            "with wires": _number(wires.get("delay"), ".4g"),
            "energy": _number(energy.get("mean"), ".4g"),
            "with memories": _number(energy.get("whole"), ".4g"), "stage": row["stage"] or ""}


def _number(value: float | None, form: str, unit: str = "") -> str:
    return "" if value is None else f"{value:{form}}{unit}"


def summary(rows: Rows, crossed: Crossed) -> list[str]:
    """Lines that say how many points there are, what does not exist, and what is missing why."""
    counts = {status: sum(row["status"] == status for row in rows)
              for status in ("done", "failed", "timeout")}
    same = (crossed.combinations - sum(crossed.absent.values())
            - len(crossed.points) + crossed.baselines)
    lines = [(f"{crossed.combinations} combinations: {len(crossed.points) - crossed.baselines} "
              f"points, {same} the same as one of these, {sum(crossed.absent.values())} that do "
              f"not exist; {crossed.baselines} dense baselines beside them")]
    lines += [f"  {count} do not exist: {reason}" for reason, count in crossed.absent.items()]
    lines.append(", ".join(f"{count} {status}" for status, count in counts.items() if count))
    reasons: dict[str, int] = {}
    for row in rows:
        if row["reason"]:
            key = f"{row['status']}: {row['reason']}"
            reasons[key] = reasons.get(key, 0) + 1
    return lines + [f"  {count} {reason}" for reason, count in reasons.items()]
