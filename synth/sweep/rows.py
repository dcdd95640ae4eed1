"""The rows of a sweep: what is known of its points, as JSON has it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from hw.config import DESIGNS, Pattern
from synth.flow import Result
from synth.flow.netlist import MEMORIES
from synth.store import Store
from synth.sweep.cross import baseline
from synth.sweep.point import Point
from synth.sweep.recall import address, no_energy
from synth.sweep.run import Outcome


__all__ = ["overhead", "rows", "throughput_per_area"]


_FIGURES = tuple(described.name for described in fields(Result))


def rows(outcomes: Mapping[Point, Outcome], store: Store, *, energy: bool = False
         ) -> list[dict[str, Any]]:
    """A row for every point, sorted by what the point is: order of work never shows.

    ``energy`` says whether energies were asked for, so that a row without says why.
    """
    return [_row(point, outcomes, store, energy) for point in sorted(outcomes, key=_order)]


def overhead(area: float, dense: float) -> float:
    """Area over that of a dense baseline, in percent."""
    return round(100 * (area / dense - 1), 2)


def throughput_per_area(pattern: Pattern, percent: float) -> float:
    """Against the dense baseline at the same clock: M/N times the work, on more area."""
    return round(pattern.m / pattern.n / (1 + percent / 100), 3)


def _order(point: Point) -> tuple:
    pattern = point.design.pattern
    return (point.cells.name, point.target, point.goal, DESIGNS.index(point.name), pattern.m,
            pattern.n, *(value for name, value in point.parameters.items() if name != "pattern"))


def _row(point: Point, outcomes: Mapping[Point, Outcome], store: Store, energy: bool
         ) -> dict[str, Any]:
    outcome = outcomes[point]
    result = outcome.parts.get("result")
    dense = outcomes.get(baseline(point) or point)
    percent = None
    if result and dense and dense is not outcome and dense.status == "done":
        percent = overhead(result["area"], dense.parts["result"]["area"])
    memories = _memories(result["instances"]) if result else None
    alone = result["area"] if result and not memories else None
    reasons = [outcome.reason, no_energy(point, store) if energy else None,
               "memory must have an area in the library, not none" if memories else None]
    return {
        "library": point.cells.name, "target": point.target, "goal": point.goal,
        "design": point.name, "parameters": point.parameters,
        "status": outcome.status, "reason": "; ".join(filter(None, reasons)) or None,
        **(result or dict.fromkeys(_FIGURES)),
        "overhead_percent": percent,
        "throughput_per_area": None if percent is None else
            throughput_per_area(point.design.pattern, percent),
        "memories": memories,
        "logic": result and result["area"],
        "memory": None if alone is None else 0.0, "whole": alone,
        "wires": outcome.parts.get("wires"), "energy": outcome.parts.get("energy"),
        "digest": address(point)}


def _memories(instances: Mapping[str, int]) -> list[dict[str, Any]]:
    """Memories of a design by the names of their modules, which end with words and bits."""
    found = []
    for name, copies in instances.items():
        if MEMORIES.fullmatch(name):
            words, bits = map(int, name.rpartition("_")[2].split("x"))
            found.append({"name": name, "words": words, "bits": bits, "copies": copies,
                          "area": None})
    return found
