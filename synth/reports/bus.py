"""What a bus adds to an accelerator."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hw.config import BUS_OPTIONS, Design
from synth.reports.rows import Measured


__all__ = ["added"]


def added(rows: Sequence[Measured], unit: str) -> Iterator[str]:
    """A line for each accelerator with a bus that is also there with streams.

    And one for each with ``decode`` that is also there without it. Logic is all that is mapped to
    gates, flip-flops included; memories are queues of words and runs, and masks, fitted to macros
    as all others are.
    """
    streams: dict[str, Any] = {one.name: one.default for one in Design.parameters()
                               if one.name in BUS_OPTIONS}
    found = {row.design: row for row in rows if row.name == "accelerator"}
    for design, row in found.items():
        if design.bus == "stream":
            continue
        whole = f"{design.bus} with decode" if design.decode else design.bus
        if (before := found.get(replace(design, **streams))) is not None:
            yield _line(whole, before, row, unit)
        if design.decode and (before := found.get(replace(design, decode=False))) is not None:
            yield _line("decode", before, row, unit)


def _line(what: str, before: Measured, after: Measured, unit: str) -> str:
    design, parts = after.design, [_more("logic", before.whole.logic, after.whole.logic, unit)]
    if before.whole.memory and after.whole.memory:
        parts.append(_more("memories", before.whole.memory, after.whole.memory, unit))
    return f"{what} adds to {design.pattern}, {design.rows} x {design.columns}: " + ", ".join(parts)


def _more(what: str, before: float, after: float, unit: str) -> str:
    return f"{what} {after - before:+,.0f} {unit} ({100 * (after / before - 1):+.1f} %)"
