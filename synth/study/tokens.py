"""What a token of a language model takes on the designs of a study."""

from collections.abc import Iterator

from hw.config import Design, Pattern
from synth.performance.layer import Performance, perform
from synth.performance.models import MODELS, named
from synth.performance.phases import phase_layers
from synth.study.curves import MAIN, alike, chosen
from synth.study.data import Row, Study


__all__ = ["tokens"]


PHASES = {"prefill, 2048 tokens": ("prefill", 2048), "decode, 1 sequence": ("decode", 1),
          "decode, 32 sequences": ("decode", 32)}
"""What runs: its kind, and how many tokens at once."""

MILLION = {"ns": "ms", "pJ": "uJ"}
"""What a million of a unit is called."""


def tokens(study: Study) -> Iterator[Row]:
    """Rows for each model, phase, and accelerator of int8 that stands for a pattern.

    Each has cycles and bytes on the streams for a token through all linear layers, the share of
    cycles in which the array takes a step, its time at the design's longest path, and its energy,
    both in millions of the library's units. The energy is that of all products, and of reads and
    writes of the memories; where the energy of the accelerator is not known, that of the PE stands
    for it, as ``energy_of`` says.
    """
    for technology in study.technologies:
        units = study.libraries.get(technology, {})
        for pattern, row in chosen(study.designs, technology, MAIN).items():
            if row["design"] != "accelerator":
                continue
            design = Design(Pattern.parse(pattern), **row["parameters"])
            product, unit, of = _product(study, row)
            for model in MODELS:
                for phase, (kind, count) in PHASES.items():
                    done = [perform(design, layer)
                            for layer in phase_layers(named(model), kind, count)]
                    yield {"model": model, "phase": phase, "technology": technology,
                           "pattern": pattern,
                           "design": f"{design.rows} x {design.columns} {row['selector']}".strip(),
                           **_figures(done, count), **_time(done, count, row, units),
                           **_energy(done, count, row, product), "energy_of": of,
                           "energy_unit": MILLION.get(unit, f"million {unit}") if unit else ""}


def _figures(done: list[Performance], count: int) -> Row:
    cycles = sum(one.cycles for one in done)
    return {"cycles": round(cycles / count, 1),
            "busy": round(sum(one.busy * one.cycles for one in done) / cycles, 4),
            "bytes": round(sum(one.moved for one in done) / count)}


def _time(done: list[Performance], count: int, row: Row, units: Row) -> Row:
    unit = units.get("time_unit", "")
    cycles = sum(one.cycles for one in done)
    return {"time": float(f"{cycles / count * row['delay'] / 1e6:.5g}"),
            "time_unit": MILLION.get(unit, f"million {unit}")}


def _energy(done: list[Performance], count: int, row: Row, product: float | None) -> Row:
    """Energy of a token; None where that of a product is not known."""
    if product is None:
        return {"energy": None}
    whole = sum(one.dense_products for one in done) * product
    for memory in row.get("memories") or ():
        for one in done:
            reads, writes = one.accesses.get(memory["name"], (0, 0))
            whole += reads * (memory.get("read_energy") or 0.0)
            whole += writes * (memory.get("write_energy") or 0.0)
    return {"energy": float(f"{whole / count / 1e6:.5g}")}


def _product(study: Study, row: Row) -> tuple[float | None, str, str]:
    """Energy of a product of the dense layer, its unit, and of what it is."""
    for one in (row, *(other for other in study.designs if other["design"] == "pe"
                       and alike(other) == alike(row))):
        if one.get("energy"):
            return one["energy"]["product"], one["energy"]["unit"], one["design"]
    return None, "", ""
