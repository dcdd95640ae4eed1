"""Whole accelerators against dense ones: what ``python -m synth.ratios --accelerators`` does."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from hw.command.progress import doing
from hw.command.table import Table
from hw.config import PIPELINES, Design, Pattern
from hw.generate.designs import verilog
from synth import flow
from synth.memories.technology import Sram, missing
from synth.memories.whole import Whole, whole


__all__ = ["Compared", "Figures", "accelerators", "dense", "figures", "tables"]


@dataclass(frozen=True)
class Compared:
    """A sparse accelerator and the dense ones that do as much."""

    sparse: Design
    dense: tuple[Design, ...]


@dataclass(frozen=True)
class Figures:
    """Areas of the designs of a :class:`Compared`, in its order."""

    sparse: Whole
    dense: tuple[Whole, ...]

    def cheapest(self, area: Callable[[Whole], float | None]) -> int | None:
        """Number of the dense accelerator of least ``area``; None where areas are not known."""
        found = [(value, number) for number, one in enumerate(self.dense)
                 if (value := area(one)) is not None]
        return min(found)[1] if found else None

    def ratio(self, area: Callable[[Whole], float | None]) -> float | None:
        """``area`` of the sparse accelerator over that of the dense one that has least of it."""
        best, own = self.cheapest(area), area(self.sparse)
        against = None if best is None else area(self.dense[best])
        return None if own is None or not against else own / against


def dense(design: Design) -> tuple[Design, ...]:
    """Dense accelerators that take M values of K for as many tokens and outputs in a cycle.

    That is the work which a sparse one of N lanes does for a dense layer. With M lanes in each of
    as many PEs, or with N lanes in M / N times the rows, or columns, where that is an integer.
    Features, tokens of a batch and everything else are the same.
    """
    n, m = design.pattern.n, design.pattern.m
    # What a dense one does not have does not tell two of them apart.
    plain = replace(design, flexible="none", unstructured=False, pipeline=PIPELINES[0])
    found = [replace(plain, pattern=Pattern(m, m))]
    if n > 1 and m % n == 0:
        few = replace(plain, pattern=Pattern(n, n))
        found += [replace(few, **{side: getattr(design, side) * (m // n)})
                  for side in ("rows", "columns") if getattr(design, side) * (m // n) <= 64]
    return tuple(found)


def accelerators(patterns: Sequence[Pattern], sizes: Sequence[int], batches: Sequence[int],
                 base: Design) -> Iterator[Compared]:
    """Square accelerators of every pattern, size and batch; all else is that of ``base``."""
    for pattern in patterns:
        for size in sizes:
            for tokens in batches:
                design = replace(base, pattern=pattern, rows=size, columns=size,
                                 batch_tokens=tokens)
                yield Compared(design, dense(design))


def figures(compared: Sequence[Compared], synthesis: flow.Flow, sram: Sram | None
            ) -> list[Figures]:
    """Synthesise all accelerators, each once."""
    designs = list(dict.fromkeys(design for one in compared
                                 for design in (one.sparse, *one.dense)))
    with doing("generating designs"):
        texts = [(verilog("accelerator", design), "nm_accelerator") for design in designs]
    with doing("synthesising modules") as task:
        results = synthesis.run(texts, task.reach)
    reason = missing(synthesis.library.name)
    areas = {design: whole("accelerator", design, result.area, sram, reason)
             for design, result in zip(designs, results, strict=True)}
    return [Figures(areas[one.sparse], tuple(areas[design] for design in one.dense))
            for one in compared]


def tables(compared: Sequence[Compared], found: Sequence[Figures], synthesis: flow.Flow
           ) -> list[Table]:
    """Areas and ratios, and every memory."""
    unit = synthesis.library.area_unit
    areas = Table(f"Accelerators of equal dense work on {synthesis.library.name}, mapped for "
                  f"{synthesis.goal}, {compared[0].sparse.max_k} features",
                  ("pattern", "PEs", "batch"),
                  ("weights a cycle", f"logic {unit}", "memory", "whole", "logic over dense",
                   "whole over dense"))
    stores = Table("Memories", ("pattern", "PEs", "batch", "memory"),
                   ("copies", "words x bits", "each of", unit))
    for one, figure in zip(compared, found, strict=True):
        _areas(areas, one, figure)
        for design, area in zip((one.sparse, *one.dense), (figure.sparse, *figure.dense),
                                strict=True):
            for held in area.held:
                wanted = held.buffer.wanted
                stores.row(*_key(design), held.buffer.name, f"{held.buffer.copies}",
                           f"{wanted.words}x{wanted.bits}", str(held.made), _number(held.area))
            stores.section()
    return [areas, stores] if any(one.sparse.held for one in found) else [areas]


def _key(design: Design) -> tuple[str, str, str]:
    name = f"{design.pattern}{' dense' * design.pattern.dense}"
    return name, f"{design.rows} x {design.columns}", f"{design.batch_tokens}"


def _areas(table: Table, one: Compared, found: Figures) -> None:
    ratios = [found.ratio(lambda area: area.logic), found.ratio(lambda area: area.whole)]
    for design, area in zip((one.sparse, *one.dense), (found.sparse, *found.dense), strict=True):
        table.row(*_key(design), f"{design.columns * design.pattern.m}", _number(area.logic),
                  _number(area.memory), _number(area.whole),
                  *(["" if ratio is None else f"{ratio:.3f}x" for ratio in ratios]
                    if design is one.sparse else []))
    table.section()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}"
