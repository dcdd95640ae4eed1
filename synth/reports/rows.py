"""The rows of a report: which designs are compared with which, and what was measured of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hw.command.faults import Fault
from hw.config import DESIGNS, Design, Pattern, sparsest
from synth import flow
from synth.memories.technology import Sram, missing
from synth.memories.whole import Whole, whole
from synth.store import Store
from synth.sweep import rows as figures
from synth.sweep import run as sweep
from synth.sweep.cross import BASED
from synth.sweep.point import Cells, Point
from synth.sweep.workers import local


__all__ = ["Measured", "Row", "Wired", "measure", "plan"]


SELECTING = ("selector", "compressor", "accelerator")
"""Designs that contain a selector."""

COMPARING = ("selector", "compressor")
"""Designs with one row for each structure of the selector."""


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
class Wired:
    """A placed design: core and wires in the LEF's unit of length, delay in the library's of time.

    Means over all placements. ``buffers`` is how many were inserted at most; the cells of the
    result do not hold them. ``spread`` is the largest distance of a delay from the mean, in percent
    of it. ``overhead`` is in percent of the dense baseline's core; ``throughput_per_area`` is
    against the baseline, too: M/N times the work for the core, each at its own shortest clock.
    """

    core: float
    length: float
    buffers: int
    delay: float
    spread: float
    overhead: float | None = None
    throughput_per_area: float | None = None

    def over(self, dense: "Wired", pattern: Pattern) -> "Wired":
        """The same with what is told against the dense baseline."""
        area, time = self.core / dense.core, self.delay / dense.delay
        return replace(self, overhead=round(100 * (area - 1), 2),
                       throughput_per_area=round(pattern.m / pattern.n / (area * time), 3))


@dataclass(frozen=True)
class Measured(Row):
    """A row with what was measured; ``overhead`` is in percent of the dense baseline's logic."""

    result: flow.Result
    overhead: float | None
    whole: Whole
    wired: Wired | None = None

    @property
    def throughput_per_area(self) -> float | None:
        """Against the dense baseline at the same clock: M/N times the work, on more area."""
        if self.overhead is None:
            return None
        return figures.throughput_per_area(self.design.pattern, self.overhead)


def plan(names: Sequence[str], patterns: Sequence[Pattern], selectors: Sequence[str],
         base: Design, variants: Sequence[dict] = ()) -> list[Row]:
    """Rows of a report, every one once: for each pattern its dense baselines, then its designs.

    A design takes what it has of the parameters of ``base``. Designs that have the parameters of a
    variant get a further row with them.

    Raises
    ------
    ValueError
        If a parameter that is set changes none of the designs.
    """
    base.require(*names)
    sparsest(replace(base, pattern=pattern) for pattern in patterns).require_effect(*names)
    rows: dict[tuple, Row] = {}

    def add(name: str, design: Design) -> None:
        row = Row(name, design)
        rows.setdefault((name, design.pattern, row.selector, design.options), row)

    for pattern in patterns:
        if pattern.n > 1:
            for name in BASED:
                if name in names:
                    add(name, replace(base.only(name), pattern=pattern).baseline)
        for name in DESIGNS:
            if name not in names or (pattern.dense and name == "selector"):
                continue
            for selector in selectors if name in COMPARING else [base.selector]:
                design = replace(base.only(name), pattern=pattern, selector=selector,
                                 stages=base.stages if selector == "radix" else 0).only(name)
                add(name, design)
                for variant in variants:
                    if design.has(name, variant):
                        varied = replace(design, **variant)
                        varied.require_effect(name)
                        add(name, varied)
    return list(rows.values())


def measure(rows: Sequence[Row], synthesis: flow.Flow, cells: Cells, store: Store, *,
            seeds: int = 0, sram: Sram | None = None) -> list[Measured]:
    """Rows with their results, overheads and memories of ``sram``; also placed ``seeds`` times.

    A sweep whose points are the rows: what ``store`` holds is not done again.

    Raises
    ------
    Fault
        If one of them cannot be had: Yosys fails, or the LEF lacks a cell.
    """
    points = [Point(row.name, row.design, cells, synthesis.goal, wires=seeds) for row in rows]
    with local(synthesis.workers) as pool:
        outcomes = sweep.run(points, store, pool, module_timeout=synthesis.timeout, each=_insist)
    parts = [outcomes[point].parts for point in points]
    areas = {(row.name, row.design.pattern, row.design.options): found["result"]["area"]
             for row, found in zip(rows, parts, strict=True) if row.design.pattern.dense}
    measured = []
    for row, found in zip(rows, parts, strict=True):
        pattern, overhead = row.design.pattern, None
        if pattern.has_baseline:
            dense = areas.get((row.name, Pattern(pattern.n, pattern.n), row.design.options))
            overhead = figures.overhead(found["result"]["area"], dense) if dense else None
        result = flow.Result.load(found["result"])
        measured.append(Measured(
            row.name, row.design, result, overhead,
            whole(row.name, row.design, result.area, sram, missing(synthesis.library.name)),
            Wired(**found["wires"]) if found.get("wires") else None))
    wired = {(row.name, row.design): row.wired for row in measured}
    return [replace(row, wired=_over(row, wired)) for row in measured]


def _over(row: Measured, wired: Mapping[tuple[str, Design], Wired | None]) -> Wired | None:
    """What a row has of wires, against its dense baseline where that is placed, too."""
    if row.wired is None or row.name not in BASED or not row.design.pattern.has_baseline:
        return row.wired
    dense = wired.get((row.name, row.design.baseline))
    return row.wired.over(dense, row.design.pattern) if dense else row.wired


def _insist(point: Point, outcome: sweep.Outcome) -> None:
    if outcome.reason is not None:
        raise Fault(outcome.reason)
