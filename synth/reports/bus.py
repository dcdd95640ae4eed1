"""What a bus adds to an accelerator."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hw.config import BUS_OPTIONS, Design
from synth.reports.rows import Measured


__all__ = ["added"]


def added(rows: Sequence[Measured], unit: str) -> Iterator[str]:
    """A line for each accelerator with a bus that is also there with streams.

    Logic is all that is mapped to gates, flip-flops included; memories are queues of words and
    runs, fitted to macros as all others are.
    """
    streams: dict[str, Any] = {one.name: one.default for one in Design.parameters()
                               if one.name in BUS_OPTIONS}
    plain = {row.design: row for row in rows if row.name == "accelerator"}
    for row in rows:
        design = row.design
        if row.name != "accelerator" or design.bus == "stream":
            continue
        if (before := plain.get(replace(design, **streams))) is None:
            continue
        parts = [_more("logic", before.whole.logic, row.whole.logic, unit)]
        if before.whole.memory and row.whole.memory:
            parts.append(_more("memories", before.whole.memory, row.whole.memory, unit))
        yield (f"{design.bus} adds to {design.pattern}, {design.rows} x {design.columns}: "
               + ", ".join(parts))


def _more(what: str, before: float, after: float, unit: str) -> str:
    return f"{what} {after - before:+,.0f} {unit} ({100 * (after / before - 1):+.1f} %)"
