"""The rows of a report: which designs are compared with which, and what was measured of them."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context
from statistics import fmean

from hw.command.children import as_worker
from hw.command.progress import doing, track
from hw.config import DESIGNS, Design, Pattern
from hw.generate.designs import verilog
from synth import flow
from synth.placement.lef import Lef
from synth.placement.placed import placed


__all__ = ["Measured", "Row", "Wired", "measure", "plan"]


SELECTING = ("selector", "compressor", "accelerator")
"""Designs that contain a selector."""

COMPARING = ("selector", "compressor")
"""Designs with one row for each structure of the selector."""

BASED = ("pe", "array", "accelerator")
"""Designs with a dense baseline: the same design that keeps all of its N values, L:L."""


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
    """A row with what was measured; ``overhead`` is in percent of the dense baseline's area."""

    result: flow.Result
    overhead: float | None
    wired: Wired | None = None

    @property
    def throughput_per_area(self) -> float | None:
        """Against the dense baseline at the same clock: M/N times the work, on more area."""
        if self.overhead is None:
            return None
        pattern = self.design.pattern
        return round(pattern.m / pattern.n / (1 + self.overhead / 100), 3)


def plan(names: Sequence[str], patterns: Sequence[Pattern], selectors: Sequence[str],
         base: Design, variants: Sequence[dict] = ()) -> list[Row]:
    """Rows of a report, every one once: for each pattern its dense baselines, then its designs.

    A design takes what it has of the parameters of ``base``. Designs that have the parameters of a
    variant get a further row with them.

    Raises
    ------
    ValueError
        If none of the designs has a parameter that is set.
    """
    base.require(*names)
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
                        add(name, replace(design, **variant))
    return list(rows.values())


def measure(rows: Sequence[Row], synthesis: flow.Flow, lef: Lef | None = None,
            seeds: int = 1) -> list[Measured]:
    """Rows with their results and overheads; with ``lef`` also placed, once for each seed.

    Raises
    ------
    ValueError
        If ``lef`` lacks a cell.
    SynthesisError
        If Yosys fails.
    """
    # Generating is Python alone: threads would take turns.
    with ProcessPoolExecutor(synthesis.workers, mp_context=get_context("spawn"),
                             initializer=as_worker) as pool:
        texts = [pool.submit(verilog, row.name, row.design) for row in rows]
        for _ in track(as_completed(texts), "generating designs", len(texts)):
            pass
        designs = [(text.result(), f"nm_{row.name}") for text, row in zip(texts, rows, strict=True)]
    with doing("synthesising modules") as task:
        results = synthesis.run(designs, task.reach)
    areas = {(row.name, row.design.pattern, row.design.options): result.area
             for row, result in zip(rows, results, strict=True) if row.design.pattern.dense}
    measured = []
    for row, result in zip(rows, results, strict=True):
        pattern, overhead = row.design.pattern, None
        if not pattern.dense and pattern.n > 1:
            baseline = areas.get((row.name, Pattern(pattern.n, pattern.n), row.design.options))
            overhead = round(100 * (result.area / baseline - 1), 2) if baseline else None
        measured.append(Measured(row.name, row.design, result, overhead))
    if lef is None:
        return measured
    wired: dict[tuple[str, Design], Wired] = {}
    placed_rows = []
    for row, design in track(list(zip(measured, designs, strict=True)), "placing designs"):
        found = _wired(design, synthesis, lef, seeds)
        if found is not None:
            wired[row.name, row.design] = found
            dense = wired.get((row.name, row.design.baseline))
            if dense is not None and not row.design.pattern.dense:
                found = found.over(dense, row.design.pattern)
        placed_rows.append(replace(row, wired=found))
    return placed_rows


def _wired(design: tuple[str, str], synthesis: flow.Flow, lef: Lef, seeds: int) -> Wired | None:
    """Place a design; one without gates has no wires."""
    gates = synthesis.gates(*design)
    if not gates.gates:
        return None
    found = placed(gates, synthesis, lef, seeds=range(1, seeds + 1))
    delays = [one.path.delay * synthesis.library.time_ps / 1000 for one in found]
    delay = fmean(delays)
    return Wired(round(fmean(one.core for one in found), 4),
                 round(fmean(one.length for one in found), 4),
                 max(one.buffers for one in found), round(delay, 4),
                 round(100 * max(abs(one / delay - 1) for one in delays), 2))
