"""Rows of designs on FPGAs: what they take of tables, flip-flops and blocks, dense ones beside.

They stand apart from rows of cells, since no area, clock or energy is known of them. What is
compared is the same work, as elsewhere in a study: ``relative_luts`` and ``relative_dsps`` are
tables and DSP blocks for a product of the dense layer, over the dense design that takes fewest.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hw.config import Design
from synth.fpga.targets import TARGETS
from synth.study.curves import PREFERRED, chain, order
from synth.study.data import Row, Study
from synth.study.designs import identity, relative
from synth.study.tables import grid


__all__ = ["compare", "fpga_row", "of_blocks", "sentences", "table"]


USED = ("luts", "flip_flops", "dsps", "rams")

COMPARED = ("luts", "dsps")


def of_blocks(name: str, design: Design) -> Design:
    """The form of a design that FPGAs multiply in: a DSP block a lane; it has one pipeline."""
    return replace(design, multiplier="dsp", pipeline="inputs") \
        if Design.has(name, ["multiplier"]) else design


def fpga_row(row: Mapping[str, Any]) -> Row:
    """A row of the study from one of a sweep."""
    return {**identity(row), **{key: row.get(key) for key in USED},
            "overhead_percent": row.get("overhead_percent"), "stage": row.get("stage") or "failed"}


def compare(rows: Sequence[Row]) -> list[Row]:
    """The same rows with what is compared; None where there is nothing to compare with."""
    def cost(name: str) -> Callable[[Row], float | None]:
        return lambda row: row[name] / row["products"] if row["products"] and row[name] else None

    return [{**row, **{f"relative_{name}": relative(row, rows, cost(name)) for name in COMPARED}}
            for row in rows]


def _preferred(study: Study, target: str) -> dict[str, Row]:
    """The row that stands for each sparse pattern on a target: the one of fewest tables."""
    rows = [row for row in study.fpga if row["target"] == target and not row["dense"]
            and row.get("relative_luts") is not None]
    name = next((name for name in PREFERRED if any(row["design"] == name for row in rows)), "")
    found: dict[str, Row] = {}
    for row in rows:
        old = found.get(row["pattern"])
        if row["design"] == name and (old is None or row["luts"] < old["luts"]):
            found[row["pattern"]] = row
    return found


def sentences(study: Study) -> Iterator[str]:
    """What the patterns take of each family."""
    for target in dict.fromkeys(row["target"] for row in study.fpga):
        rows = _preferred(study, target)
        if said := [f"{rows[pattern]['relative_luts']:.2f} and "
                    f"{rows[pattern]['relative_dsps'] or 0:.2f} at {pattern}"
                    for pattern in chain(rows)]:
            design = next(iter(rows.values()))["design"]
            yield (f"On {TARGETS[target].title}, synthesised but not routed, tables and DSP blocks "
                   f"of the {design} for the same work, the dense one of fewest being 1: "
                   f"{', '.join(said)}.")


def table(study: Study) -> str:
    """Designs that multiply, dense ones beside, and what they take of each family."""
    places = order(row["pattern"] for row in study.fpga)
    rows = sorted((row for row in study.fpga if row["products"]), key=lambda row: (
        -PREFERRED.index(row["design"]), places.index(row["pattern"]), row["selector"]))
    targets = list(dict.fromkeys(row["target"] for row in rows))
    lines: dict[tuple[str, ...], dict[str, list[str]]] = {}
    for row in rows:
        key = (row["design"], row["pattern"] + (" dense" if row["dense"] else ""), row["selector"])
        lines.setdefault(key, {})[row["target"]] = _cells(row)
    heads = [f"{TARGETS[target].title}: {what}" for target in targets
             for what in ("tables / FFs / DSPs / RAMs", "tables for the work")]
    return grid(["design", "pattern", "selector", *heads],
                [[*key, *(cell for target in targets for cell in found.get(target, ["", ""]))]
                 for key, found in lines.items()])


def _cells(row: Row) -> list[str]:
    if row["luts"] is None:
        return [row["status"], ""]
    ratio = row.get("relative_luts")
    return [f"{row['luts']:,} / {row['flip_flops']:,} / {row['dsps']:,} / {row['rams']:g}",
            "" if ratio is None else f"{ratio:.2f}"]
