"""Rows of designs: what was measured of each, and how it compares with the smallest dense one.

A row of a sweep has everything; the study keeps the figures, and puts beside them what is compared:

* ``pipeline``: where weights are registered; empty where none are gathered;
* ``products``: multiplications of the dense layer that a cycle does, kept or not;
* ``area_per_product``, ``whole_per_product``: gate equivalents for each of them, logic alone and
  with memories; ``energy_per_product`` in the unit of the row's energy;
* ``whole_energy_per_product``: that of an accelerator with its memories;
* ``relative_area``, ``relative_whole``, ``relative_energy``, ``relative_whole_energy``: the same
  over that of the dense design which has the least, so areas and energies for the same work;
* ``relative_throughput``: work for the same area and time, each design at its own longest path.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from hw.config import Design, Pattern
from synth.parts import areas
from synth.study.data import Row


__all__ = ["MEMORIES", "compare", "design_row", "identity", "relative"]


MEMORIES = "memories"
"""Part of a design that is its memories, beside those of :data:`synth.parts.PARTS`."""

WORKING = ("pe", "array", "accelerator")
"""Designs that multiply."""

MEASURED = ("area", "gates", "delay", "flip_flops", "memory_bits", "logic", "memory", "whole",
            "overhead_percent", "throughput_per_area")
"""Figures that are taken over as they are."""

DIGITS = 5


def design_row(row: Mapping[str, Any]) -> Row:
    """A row of the study from one of a sweep or report."""
    measured = {key: row.get(key) for key in MEASURED}
    done = measured["area"] is not None
    parts = areas(f"nm_{row['design']}", row["modules"]) if done and row.get("modules") else {}
    if measured["memory"]:
        parts[MEMORIES] = measured["memory"]
    return {**identity(row), **measured, "parts": parts, "memories": row.get("memories"),
            "energy": _energy(row.get("energy")), "wires": row.get("wires")}


def identity(row: Mapping[str, Any]) -> Row:
    """What the design of a row is, and what came of it, without its figures."""
    design = _design(row["parameters"])
    name, pattern = row["design"], design.pattern
    selecting = not pattern.dense and "selector" in _has(name)
    target = row.get("target", "asic")
    return {
        "technology": row["library"] if target == "asic" else target, "target": target,
        "goal": row["goal"], "design": name, "pattern": str(pattern), "dense": pattern.dense,
        "selector": design.selector if selecting else "",
        "gather": design.gather if name in WORKING and not pattern.dense else "",
        "format": design.multiplied.format, "options": design.options,
        "rows": design.rows if "rows" in _has(name) else None,
        "columns": design.columns if "rows" in _has(name) else None,
        "products": _products(name, design), "parameters": _given(design),
        "status": row.get("status", "done"), "reason": row.get("reason"),
        "digest": row.get("digest"),
    }


def _energy(given: Mapping[str, Any] | None) -> Row | None:
    """Energy of a product, without glitches too, and by part; None of blocks, or where unknown."""
    if not given or given.get("per") != "product":
        return None
    return {"product": given["mean"], "percent": given["percent"],
            "settled": given["settled_mean"], "unit": given["unit"],
            "memory": given.get("memory"), "whole": given.get("whole"),
            "parts": {name: whole for name, (whole, _) in given["parts"].items()}}


def _design(parameters: Mapping[str, Any]) -> Design:
    pattern = parameters["pattern"]
    return Design(Pattern.parse(pattern), **{name: value for name, value in parameters.items()
                                             if name != "pattern"})


def _given(design: Design) -> Row:
    """Parameters that are not the default: what ``hw.generate`` has to be told."""
    return {described.name: getattr(design, described.name) for described in Design.parameters()
            if getattr(design, described.name) != described.default}


def _has(name: str) -> set[str]:
    """Parameters of a design by its name."""
    return {described.name for described in fields(Design)[1:]
            if name in described.metadata["designs"]}


def _products(name: str, design: Design) -> int | None:
    if name not in WORKING:
        return None
    return design.pattern.m * (design.rows * design.columns if name != "pe" else 1)


def compare(rows: Sequence[Row]) -> list[Row]:
    """The same rows with what is compared; None where there is nothing to compare with."""
    costs: dict[str, Callable[[Row], float | None]] = {
        "area": lambda row: _each(row["gates"], row),
        "whole": lambda row: _each(_gates(row, "whole"), row),
        "energy": lambda row: (row["energy"] or {}).get("product"),
        "whole_energy": lambda row: (row["energy"] or {}).get("whole"),
        "time": lambda row: _times(_each(row["gates"], row), row["delay"]),
    }
    found = []
    for row in rows:
        shown = {**row, "pipeline": _pipeline(row)}
        for name in ("area", "whole", "energy", "whole_energy"):
            shown[f"{name}_per_product"] = _rounded(costs[name](row))
        for name in ("area", "whole", "energy", "whole_energy"):
            shown[f"relative_{name}"] = relative(row, rows, costs[name])
        shown["relative_throughput"] = _rounded(_over(1.0, _relative(row, rows, costs["time"])))
        found.append(shown)
    return found


def _pipeline(row: Row) -> str:
    gathers = row["design"] in WORKING and not row["dense"]
    return row["parameters"].get("pipeline", Design(Pattern(1, 2)).pipeline) if gathers else ""


def relative(row: Row, rows: Sequence[Row], cost: Callable[[Row], float | None]) -> float | None:
    """A cost over that of the dense design which has least of it; None where one is not known."""
    return _rounded(_relative(row, rows, cost))


def _relative(row: Row, rows: Sequence[Row], cost: Callable[[Row], float | None]) -> float | None:
    return _over(cost(row), _least(cost, _peers(row, rows)))


def _peers(row: Row, rows: Iterable[Row]) -> list[Row]:
    """Dense designs to compare with; accelerators with those of the same throughput alone.

    What an accelerator has once, whatever its array, would count for the larger ones otherwise.
    """
    return [other for other in rows if other["dense"] and all(
        other[name] == row[name] for name in ("design", "technology", "target", "goal", "format"))
        and (row["design"] != "accelerator" or other["products"] == row["products"])]


def _least(cost: Callable[[Row], float | None], rows: Iterable[Row]) -> float | None:
    return min((value for row in rows if (value := cost(row)) is not None), default=None)


def _gates(row: Row, name: str) -> float | None:
    """An area in gate equivalents."""
    if row.get(name) is None or not row["area"]:
        return None
    return row[name] * row["gates"] / row["area"]


def _each(value: float | None, row: Row) -> float | None:
    return None if value is None or not row["products"] else value / row["products"]


def _times(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one * other


def _over(value: float | None, base: float | None) -> float | None:
    return None if value is None or not base else value / base


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
