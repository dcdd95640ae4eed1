"""Rows of a study as tables: which columns there are, as CSV, and as Markdown."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from synth.parts import OTHER, PARTS, REGISTERS
from synth.study.curves import main, order, pipeline
from synth.study.data import Row, Study
from synth.study.designs import MEMORIES


__all__ = ["COLUMNS", "ORDER", "as_csv", "grid", "parts_of"]


ORDER = (*PARTS, OTHER, REGISTERS, MEMORIES)
"""Parts in the order in which they are shown."""


COLUMNS = {
    "designs": (
        ("technology", "technology", "text"), ("target", "target", "text"),
        ("design", "design", "text"), ("pattern", "pattern", "text"),
        ("selector", "selector", "text"), ("gather", "gather", "text"),
        ("pipeline", "weights registered", "text"),
        ("format", "format", "text"), ("options", "options", "text"),
        ("goal", "mapped for", "text"), ("rows", "rows", ""), ("columns", "columns", ""),
        ("products", "products a cycle", ""), ("area", "area", ""), ("gates", "GE", ""),
        ("flip_flops", "FFs", ""), ("memory_bits", "RAM bits", ""), ("memory", "memories", ""),
        ("whole", "whole", ""), ("delay", "longest path", ""),
        ("area_per_product", "GE a product", ""), ("whole_per_product", "whole GE a product", ""),
        ("energy_per_product", "energy a product", ""),
        ("whole_energy_per_product", "energy with memories", ""),
        ("relative_area", "area, dense = 1", ""),
        ("relative_whole", "whole, dense = 1", ""), ("relative_energy", "energy, dense = 1", ""),
        ("relative_whole_energy", "energy with memories, dense = 1", ""),
        ("relative_throughput", "work for area and time, dense = 1", ""),
        ("status", "status", "text"), ("reason", "reason", "wrap")),
    "fpga": (
        ("target", "target", "text"), ("design", "design", "text"), ("pattern", "pattern", "text"),
        ("selector", "selector", "text"), ("rows", "rows", ""), ("columns", "columns", ""),
        ("products", "products a cycle", ""), ("luts", "LUTs", ""), ("flip_flops", "FFs", ""),
        ("dsps", "DSPs", ""), ("rams", "block RAMs", ""),
        ("overhead_percent", "LUTs over dense, %", ""), ("relative_luts", "LUTs, dense = 1", ""),
        ("relative_dsps", "DSPs, dense = 1", ""), ("stage", "stage", "text"),
        ("status", "status", "text"), ("reason", "reason", "wrap")),
    "accuracy": (
        ("model", "model", "text"), ("metric", "measure", "text"), ("pattern", "pattern", "text"),
        ("method", "method", "text"), ("format", "format", "text"), ("value", "value", ""),
        ("dense", "dense", ""), ("lost", "lost", ""), ("error", "standard error", ""),
        ("unit", "unit of the loss", "text"), ("source", "source", "wrap")),
    "tokens": (
        ("model", "model", "text"), ("phase", "phase", "text"),
        ("technology", "technology", "text"), ("pattern", "pattern", "text"),
        ("design", "design", "text"), ("cycles", "cycles a token", ""), ("busy", "busy", ""),
        ("time", "time", ""), ("time_unit", "unit", "text"), ("energy", "energy", ""),
        ("energy_unit", "unit", "text"), ("energy_of", "energy of", "text"),
        ("bytes", "bytes a token", "")),
}
"""Columns of the tables: key, heading, and how a cell is set: a number, text, or text that wraps.
A design also has an area for each of its parts."""


def as_csv(name: str, rows: Sequence[Row]) -> str:
    """A table of :data:`COLUMNS`; of designs also the area of every part, and their digest."""
    keys = [key for key, _, _ in COLUMNS[name]]
    designs = name == "designs"
    parts = _parts(rows) if designs else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*keys, *(f"area: {part}" for part in parts), *(["digest"] if designs else [])])
    for row in rows:
        writer.writerow([*(_plain(row.get(key)) for key in keys),
                         *(_plain(row["parts"].get(part)) for part in parts),
                         *([_plain(row.get("digest"))] if designs else [])])
    return text.getvalue()


def _parts(rows: Iterable[Row]) -> list[str]:
    """Parts that any of the designs has, in their order."""
    found = {part for row in rows for part in row["parts"]}
    return [part for part in ORDER if part in found]


def _plain(value: Any) -> Any:
    return "" if value is None else value


def grid(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [list(headings), ["---"] * len(headings), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def parts_of(study: Study, technology: str, design: str) -> tuple[list[str], list[list[str]]]:
    """Gate equivalents of every part, a row for each pattern, selector and pipeline.

    Headings and rows.
    """
    rows = [row for row in study.designs if row["parts"] and row["gates"]
            and (row["technology"], row["design"]) == (technology, design)]
    rows = [row for row in rows if row["format"] == main(rows)]
    parts = _parts(rows)
    places = order(row["pattern"] for row in rows)
    rows.sort(key=lambda row: (places.index(row["pattern"]), row["selector"], pipeline(row)))
    ways = any(map(pipeline, rows))
    return ["pattern", "selector", *(["weights registered"] if ways else []), *parts], [
        [row["pattern"], row["selector"], *([pipeline(row)] if ways else []),
         *(f"{row['parts'][part] * row['gates'] / row['area']:,.0f}" if part in row["parts"] else ""
           for part in parts)] for row in rows]
