"""The rows of a report: which designs are compared with which, and what was measured of them."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from multiprocessing import get_context

from hw.command.children import as_worker
from hw.command.progress import doing, track
from hw.config import DESIGNS, Design, Pattern
from hw.generate.designs import verilog
from synth import flow
from synth.memories.technology import Sram, missing
from synth.memories.whole import Whole, whole
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

    ``buffers`` is how many were inserted; the cells of the result do not hold them.
    """

    core: float
    length: float
    buffers: int
    delay: float


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
            sram: Sram | None = None) -> list[Measured]:
    """Rows with their results, overheads and memories of ``sram``; with ``lef`` also placed.

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
        areas_of = whole(row.name, row.design, result.area, sram, missing(synthesis.library))
        measured.append(Measured(row.name, row.design, result, overhead, areas_of))
    if lef is None:
        return measured
    return [replace(row, wired=_wired(design, synthesis, lef)) for row, design in
            track(list(zip(measured, designs, strict=True)), "placing designs")]


def _wired(design: tuple[str, str], synthesis: flow.Flow, lef: Lef) -> Wired | None:
    """Place a design; one without gates has no wires."""
    gates = synthesis.gates(*design)
    if not gates.gates:
        return None
    (found,) = placed(gates, synthesis, lef)
    return Wired(round(found.placement.area, 4), round(found.length, 4), found.buffers,
                 round(found.path.delay * synthesis.library.time_ps / 1000, 4))
