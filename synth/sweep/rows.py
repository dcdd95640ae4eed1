"""The rows of a sweep: what is known of its points, as JSON has it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, fields
from typing import Any

from hw.config import DESIGNS, Pattern
from synth.energy.job import Layer as Job
from synth.flow import Result
from synth.fpga.targets import Used
from synth.memories.technology import Sram, missing
from synth.memories.whole import Held, access_energy, whole
from synth.performance.layer import Layer, perform
from synth.store import Store, digest, sources
from synth.sweep.cross import baseline, no_baseline
from synth.sweep.point import Cells, Point
from synth.sweep.recall import address, no_energy
from synth.sweep.run import Outcome
from synth.sweep.targets import TARGETS


__all__ = ["overhead", "rows", "throughput_per_area"]


_FIGURES = (*(described.name for kind in (Result, Used) for described in fields(kind)), "stage")

JOB = Job()
"""What accelerators do while their energy is measured: tokens, features, outputs."""

_UNKNOWN = dict.fromkeys(("memories", "logic", "memory", "whole", "memory_reason"))
"""Areas of a point without result."""


def rows(outcomes: Mapping[Point, Outcome], store: Store, *, energy: bool = False
         ) -> list[dict[str, Any]]:
    """A row for every point, sorted by what the point is: order of work never shows.

    ``energy`` says whether energies were asked for, so that a row without says why.
    """
    memories = {cells: _memories(cells, store) for cells in
                dict.fromkeys(point.cells for point in outcomes)}
    return [_row(point, outcomes, store, energy, *memories[point.cells])
            for point in sorted(outcomes, key=_order)]


def overhead(area: float, dense: float) -> float:
    """Area over that of a dense baseline, in percent."""
    return round(100 * (area / dense - 1), 2)


def throughput_per_area(pattern: Pattern, percent: float) -> float:
    """Against the dense baseline at the same clock: M/N times the work, on more area."""
    return round(pattern.m / pattern.n / (1 + percent / 100), 3)


def _order(point: Point) -> tuple:
    pattern = point.design.pattern
    return (_library(point), point.target, point.goal, DESIGNS.index(point.name), pattern.m,
            pattern.n, *(value for name, value in point.parameters.items() if name != "pattern"))


def _library(point: Point) -> str:
    """Name of its library; nothing where the target has none."""
    return point.cells.name if point.cells else ""


def _row(point: Point, outcomes: Mapping[Point, Outcome], store: Store, energy: bool,
         sram: Sram | None, unknown: str) -> dict[str, Any]:
    outcome = outcomes[point]
    result = outcome.parts.get("result")
    dense = outcomes.get(baseline(point) or point)
    percent = None
    if result and dense and dense is not outcome and dense.status == "done":
        size = TARGETS[point.target].size
        percent = overhead(result[size], dense.parts["result"][size])
    held: tuple[Held, ...] = ()
    areas = _UNKNOWN
    if result and point.cells:
        found = whole(point.name, point.design, result["area"], sram, unknown)
        areas, held = found.as_dict(), found.held
    reasons = [outcome.reason, no_energy(point, store) if energy else None,
               areas["memory_reason"], no_baseline(point)]
    return {
        "library": _library(point), "target": point.target, "goal": point.goal,
        "design": point.name, "parameters": point.parameters,
        "status": outcome.status, "reason": "; ".join(filter(None, reasons)) or None,
        **dict.fromkeys(_FIGURES), **(result or {}),
        "overhead_percent": percent,
        "throughput_per_area": None if percent is None or point.cells is None else
            throughput_per_area(point.design.pattern, percent),
        **{key: areas[key] for key in ("memories", "logic", "memory", "whole")},
        "wires": outcome.parts.get("wires"),
        "energy": _energy(point, outcome.parts.get("energy"), held),
        "digest": _digest(point, sram if held else None)}


def _digest(point: Point, sram: Sram | None) -> str:
    """Digest of everything that a row depends on, memories included where it has any."""
    if sram is None:
        return address(point)
    return digest(address(point), sram.as_dict(), asdict(sram.cells),
                  sources("synth/memories", "synth/performance"))


def _energy(point: Point, energy: dict[str, Any] | None, held: Sequence[Held]
            ) -> dict[str, Any] | None:
    """Energy of a point; of an accelerator also that of its memories in the same job.

    ``memory`` is that of their reads and writes for a product of the dense layer, None where none
    is known, ``whole`` that of gates and memories, and ``unknown`` names the memories left out.
    """
    if not energy or point.name != "accelerator":
        return energy
    done = perform(point.design, Layer("job", *astuple(JOB)))
    total, unknown = access_energy(held, done.accesses if held else {})
    known = len(held) > len(unknown)
    memory = total / done.dense_products if known else None
    return {**energy, "memory": memory, "unknown": list(unknown),
            "whole": None if memory is None else energy["mean"] + memory}


def _memories(cells: Cells | None, store: Store) -> tuple[Sram | None, str]:
    """Memories beside a library, and why there are none."""
    if cells is None:
        return None, ""
    try:
        return cells.sram(store), missing(cells.facts(store)["name"])
    except ValueError as error:
        if cells.memories is not None:
            raise
        return None, str(error)
