"""Which rows of a study belong together: curves of accuracy, patterns, designs of each."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from hw.config import Pattern
from synth.study.data import Row, Study


__all__ = ["MAIN", "Curve", "alike", "chain", "chosen", "curves", "front", "main", "order",
           "pipeline", "spoken"]


PREFERRED = ("accelerator", "array", "pe")
"""Designs that stand for a pattern, the first one that there is."""


MAIN = "int8"
"""Format of the designs that stand for a pattern, unless a study has none of them."""


OWN = "nmforge"
"""Technology that is the project's own cells."""


@dataclass(frozen=True)
class Curve:
    """What patterns lose with one model, metric, method and format.

    Attributes
    ----------
    lost : dict
        By pattern, over the dense model, in ``unit``.
    """

    model: str
    metric: str
    method: str
    format: str
    unit: str
    lost: dict[str, float]

    @property
    def name(self) -> str:
        """Of the model and how it was run."""
        return ", ".join((self.model, self.method, self.format))

    def share(self, pattern: str, base: str) -> float | None:
        """Loss over that of another pattern; None where one of them is not there."""
        one, other = self.lost.get(pattern), self.lost.get(base)
        return None if one is None or not other else one / other


def curves(study: Study, method: str | None = "act") -> list[Curve]:
    """Curves with a loss for two patterns or more; one format of each model.

    That is the one with most patterns, and of those with as many the integers.
    """
    found: dict[tuple[str, str, str, str, str], dict[str, float]] = {}
    for row in study.accuracy:
        if row["lost"] is not None and method in (None, row["method"]):
            key = (row["model"], row["metric"], row["method"], row["format"], row.get("unit", ""))
            found.setdefault(key, {})[row["pattern"]] = row["lost"]
    made = [Curve(*key, lost) for key, lost in found.items() if len(lost) > 1]
    best: dict[tuple[str, ...], Curve] = {}
    for curve in sorted(made, key=lambda curve: (-len(curve.lost),
                                                 not curve.format.startswith("int"))):
        best.setdefault((curve.model, curve.metric, curve.method), curve)
    return [curve for curve in made if curve in best.values()]


def spoken(technology: str) -> str:
    """What a technology is called in a sentence."""
    return "the project's cells" if technology == OWN else technology


def order(patterns: Iterable[str]) -> list[str]:
    """Patterns by density, then by the size of their blocks, each once."""
    def key(pattern: str) -> tuple[Fraction, int]:
        n, m = map(int, pattern.split(":"))
        return -Fraction(n, m), m

    return sorted(dict.fromkeys(patterns), key=key)


def chain(patterns: Iterable[str]) -> list[str]:
    """Patterns of the density that most of them have, half before others, by growing blocks."""
    sparse = [pattern for pattern in order(patterns) if not Pattern.parse(pattern).dense]
    densities = [Fraction(*map(int, pattern.split(":"))) for pattern in sparse]
    if not sparse:
        return []
    counts = Counter(densities)
    best = max(counts, key=lambda density: (counts[density], density == Fraction(1, 2), density))
    return [pattern for pattern, density in zip(sparse, densities, strict=True)
            if density == best]


def chosen(study_rows: Sequence[Row], technology: str, numbers: str | None = None
           ) -> dict[str, Row]:
    """The row that stands for each pattern on a technology in a format, dense ones too.

    It is the one of least area, time and energy, multiplied; where the energy of one of a pattern's
    designs is not known, of least area and time, and where its path is not known, the smallest.
    Where no accelerator's energy is known, that of the PE of the same pipeline stands for it:
    ``energy_of`` says so. The format is int8, or the first one of a study without it.
    """
    rows = [row for row in study_rows if row["technology"] == technology
            and row["status"] == "done" and row["area"] is not None]
    numbers = numbers or main(rows)
    rows = [row for row in rows if row["format"] == numbers]
    rows = [row for row in rows if row["goal"] == _goal(rows)]
    name = next((name for name in PREFERRED if any(row["design"] == name for row in rows)), "")
    found: dict[str, list[Row]] = {}
    for row in _with_energies([row for row in rows if row["design"] == name], rows):
        found.setdefault(row["pattern"], []).append(row)
    return {pattern: _best(found[pattern]) for pattern in order(found)}


def _with_energies(own: list[Row], rows: Sequence[Row]) -> list[Row]:
    """The same designs, with the energies of their PEs where none of their own is known."""
    if any(row.get("relative_energy") for row in own):
        return own
    energies = {alike(row): row["relative_energy"] for row in rows
                if row["design"] == "pe" and row.get("relative_energy")}
    return [{**row, "energy_of": "PE", "relative_energy": energies[alike(row)]}
            if alike(row) in energies else row for row in own]


def main(rows: Sequence[Row]) -> str:
    """The format of the designs that stand for a pattern."""
    formats = [row["format"] for row in rows]
    return MAIN if MAIN in formats or not formats else formats[0]


def alike(row: Row) -> tuple[str, ...]:
    """What a PE and a design that it stands for have in common."""
    return row["technology"], row["pattern"], row["format"], row["goal"], pipeline(row)


def _best(rows: Sequence[Row]) -> Row:
    """The best of designs of a pattern."""
    known = all(row.get("relative_energy") for row in rows)
    return min(rows, key=lambda row: _cost(row) * (row["relative_energy"] if known else 1))


def _goal(rows: Sequence[Row]) -> str:
    """Area, where something was mapped for it."""
    goals = [row["goal"] for row in rows]
    return "area" if "area" in goals else goals[0]


def _cost(row: Row) -> float:
    return 1 / row["relative_throughput"] if row.get("relative_throughput") else row["area"]


def pipeline(row: Row) -> str:
    """Where a design registers weights; nothing where it gathers none."""
    return row.get("pipeline", "")


def front(points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """Points that no other one is at most equal to in both, by growing first coordinate."""
    best, kept = float("inf"), []
    for one, other in sorted(points):
        if other < best:
            kept.append((one, other))
            best = other
    return kept
