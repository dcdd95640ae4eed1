"""Choice of a selector by measured figures: ``--selector auto``."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from hw.config import Pattern


__all__ = ["DATA", "Choice", "choose"]


DATA = Path(__file__).with_name("measured.json")
"""Figures of selecting stages, as ``python -m synth.measure`` writes them."""


@dataclass(frozen=True)
class Choice:
    """A structure, its stages, and one sentence that says why."""

    selector: str
    stages: int
    reason: str


def choose(pattern: Pattern, clock_ns: float = 8.0, throughput: float = 1.0, score_bits: int = 8
           ) -> Choice:
    """Return the smallest selecting stage that is fast enough.

    Figures are those of the smallest measured block that has at least ``m`` scores; they hold for
    scores of 8 bits or fewer, one library and no wires.

    Parameters
    ----------
    pattern : Pattern
        How many scores to keep of how many.
    clock_ns : float
        Period of the clock in ns, above 0.
    throughput : float
        Blocks per cycle, above 0 and at most 1.
    score_bits : int
        Bits of a score.

    Raises
    ------
    ValueError
        If a number is out of its range, or nothing measured is as large, or fast enough.
    """
    for name, value, high, allowed in (
            ("clock_ns", clock_ns, float("inf"), "a number of ns above 0"),
            ("throughput", throughput, 1, "a number above 0 and at most 1")):
        if type(value) not in (int, float) or not 0 < value <= high or value == float("inf"):
            raise ValueError(f"{name} must be {allowed}, not {value!r}")
    data = _measured()
    sizes = sorted({row["m"] for row in data["stages"]})
    if pattern.m > sizes[-1]:
        raise ValueError(f"m must be at most {sizes[-1]} with the selector auto, as measured, not "
                         f"{pattern.m}")
    if score_bits > data["width"]:
        raise ValueError(f"format and coefficients must give scores of at most {data['width']} "
                         f"bits with the selector auto, as measured, not {score_bits}")
    size = next(size for size in sizes if size >= pattern.m)
    rows = [row for row in data["stages"] if row["m"] == size]
    fit = [row for row in rows
           if row["delay_ns"] <= clock_ns and row["interval"] * throughput <= 1]
    if not fit:
        rate = [row["delay_ns"] for row in rows if row["interval"] * throughput <= 1]
        raise ValueError(f"clock_ns must be at least {min(rate):g} for a selector of m = {size} "
                         f"with throughput {throughput:g}, not {clock_ns:g}")
    best = min(fit, key=lambda row: row["area"])
    stages = f" with {best['stages']} stages" if best["stages"] else ""
    return Choice(best["selector"], best["stages"], (
        f"{best['selector']}{stages}: at m = {size}, {best['area']:,.0f} {data['area_unit']} and "
        f"{best['delay_ns']:.2f} ns on {data['library']}, the smallest of {len(fit)} of "
        f"{len(rows)} measured that take a block every {1 / throughput:g} cycles at "
        f"{clock_ns:g} ns"))


@cache
def _measured() -> dict:
    return json.loads(DATA.read_text())
