"""Number formats of a study: designs in each, and what a pattern costs there."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from hw.config import Design, Pattern
from hw.config.compressor import QUANTIZERS
from hw.formats import BLOCK_FORMATS, EXACT, FORMATS
from synth.study.curves import MAIN, chosen, order, pipeline
from synth.study.data import Row, Study
from synth.study.tables import grid


__all__ = ["NUMBERS", "in_format", "left_out", "sentences", "table"]


NUMBERS = ("int8", "int4", "fp16", "bf16", "fp8_e5m2", "fp8_e4m3", "fp6_e3m2", "fp6_e2m3",
           "fp4_e2m1", "mxfp8_e5m2", "mxfp8_e4m3", "mxfp6_e3m2", "mxfp6_e2m3", "mxfp4", "nvfp4")
"""Formats that a study can compare: activations by weights of the same."""

FEW = 4
"""Formats that a sentence has all of."""


def in_format(name: str, design: Design, numbers: str) -> Design | None:
    """A design in a format, or None where there is no such design.

    Accelerators in floats have no epilogue and results in bf16, or in fp16 of fp16; what their
    compressor can make of bf16 comes as bf16. An exact accumulator has as many bits as the longest
    token needs.

    Parameters
    ----------
    name : str
        What of the design is built: ``selector``, ``pe``, ``array`` or ``accelerator``.
    design : Design
        In int8.
    numbers : str
        One of :data:`NUMBERS`.
    """
    if numbers == MAIN:
        return design
    try:
        made = _selecting(design, numbers) if name == "selector" else _multiplying(design, numbers)
        if name == "accelerator" and not made.number.integer:
            made = replace(made, epilogue_lanes=0, **_tokens(numbers),
                           result_format="fp16" if numbers == "fp16" else "bf16")
        made.require(name)
    except ValueError:
        return None
    return made


def left_out(asked: Iterable[tuple[str, Pattern]], formats: Sequence[str]) -> str | None:
    """Which designs there are not in some of the formats, in words; None if there are all."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, pattern in asked:
        for numbers in formats:
            if in_format(name, Design(pattern), numbers) is None:
                found.setdefault((name, numbers), []).append(str(pattern))
    said = [f"no {name} of {' '.join(patterns)} in {numbers}"
            for (name, numbers), patterns in found.items()]
    if any(numbers != MAIN for numbers in formats):
        said.append(f"energies, tokens and FPGAs are those of {MAIN}")
    return "; ".join(said) or None


def _selecting(design: Design, numbers: str) -> Design:
    """A selector of the elements of a format."""
    block = BLOCK_FORMATS.get(numbers)
    return replace(design, format=block.element.name if block else numbers)


def _tokens(numbers: str) -> dict[str, Any]:
    """What tokens of an accelerator in floats are, and what its compressor makes of them."""
    return {"format": "bf16", "quantize": numbers} if numbers in QUANTIZERS else {}


def _multiplying(design: Design, numbers: str) -> Design:
    """The array of a design in a format, with the narrowest accumulator that holds all sums."""
    made, element = replace(design, format=numbers, weight_format=numbers), FORMATS.get(numbers)
    if element is None or not (element.integer or numbers in EXACT):
        return replace(made, accumulator="fp32")
    width = 32 if element.integer else (design.max_k * element.max_units ** 2).bit_length() + 1
    return replace(made, accumulator_width=max(width, 16))


def table(study: Study) -> str:
    """What patterns cost in each format, on the first technology; empty where there is one format.

    The extra is that of a PE with its gather over the dense PE of as many lanes; accelerators are
    held against the smallest dense one of the same format that does as much.
    """
    technology = study.technologies[0] if study.technologies else ""
    found = _formats(study, technology)
    if len(found) < 2:
        return ""
    lines = []
    for numbers in found:
        pes = _pes(study, technology, numbers)
        best = chosen(study.designs, technology, numbers)
        whole = {pattern: row for pattern, row in best.items() if row["design"] == "accelerator"}
        for pattern in order([*pes, *whole]):
            pe, row = pes.get(pattern), whole.get(pattern, {})
            if (pe or row).get("dense"):
                continue
            lines.append([numbers, pattern, *_pe(pe), _two(row.get("relative_area")),
                          _two(row.get("relative_whole")), _two(row.get("relative_throughput"))])
    return grid(["format", "pattern", "PE, GE", "over dense", "area of the accelerator",
                 "with memories", "work for area and time"], lines)


def sentences(study: Study, technology: str) -> list[str]:
    """What a gather adds to a PE as formats get narrower, in words; none of one format.

    Of more than :data:`FEW` formats those where it is least and most are named.
    """
    found = {numbers: pes for numbers in _formats(study, technology)
             if (pes := {pattern: row for pattern, row in
                         _pes(study, technology, numbers).items()
                         if row.get("overhead_percent") is not None})}
    if len(found) < 2:
        return []
    patterns = [pattern for pattern in order(next(iter(found.values())))
                if sum(pattern in pes for pes in found.values()) > 1]
    if not patterns:
        return []
    adds = "; of ".join(f"{pattern} adds {_extras(pattern, found)}" for pattern in patterns)
    return [f"Over the dense PE of the same format and as many lanes, the gather of {adds}."]


def _extras(pattern: str, found: dict[str, dict[str, Row]]) -> str:
    extra = {numbers: pes[pattern]["overhead_percent"] for numbers, pes in found.items()
             if pattern in pes}
    said = [f"{extra[numbers]:.1f} % in {numbers}" for numbers in
            (extra if len(extra) <= FEW else sorted(extra, key=extra.__getitem__))]
    return ", ".join(said) if len(extra) <= FEW else f"from {said[0]} to {said[-1]}"


def _formats(study: Study, technology: str) -> list[str]:
    """Formats that PEs were mapped in, in the order of :data:`NUMBERS`."""
    there = {row["format"] for row in study.designs if row["technology"] == technology
             and row["design"] in ("pe", "accelerator") and row["gates"] is not None}
    return [numbers for numbers in NUMBERS if numbers in there]


def _pes(study: Study, technology: str, numbers: str) -> dict[str, Row]:
    """The smallest PE of each pattern in a format, mapped for area."""
    found: dict[str, Row] = {}
    rows: Sequence[Row] = [row for row in study.designs if row["technology"] == technology
                           and row["design"] == "pe" and row["format"] == numbers
                           and row["gates"] is not None and row["goal"] == "area"]
    for row in sorted(rows, key=lambda row: (row["gates"], pipeline(row))):
        found.setdefault(row["pattern"], row)
    return found


def _pe(row: Row | None) -> list[str]:
    if row is None:
        return ["", ""]
    extra = row.get("overhead_percent")
    return [f"{row['gates']:,.0f}", "" if extra is None else f"{extra:+.1f} %"]


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
