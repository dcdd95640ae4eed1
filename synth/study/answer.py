"""The answer in words, made from the numbers: what larger blocks cost, and what they are worth."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from statistics import median

from synth.study import formats
from synth.study.curves import Curve, chain, chosen, curves, pipeline, spoken
from synth.study.data import Row, Study
from synth.study.fpga import sentences


__all__ = ["Answer", "Step", "answer", "label_of", "steps"]


METRICS = (("relative_whole", "area with memories"), ("relative_area", "area of the logic"),
           ("relative_energy", "energy"), ("relative_whole_energy", "energy with memories"))
"""What a pattern costs, over the smallest dense design for the same work."""

IN_HARDWARE = {"d-pts", "d-pts-mean", "s-pts", "l-pts", "shift", "ls", "var"}
"""Corrections that the accelerator has, or that fold into its parameters."""


@dataclass(frozen=True)
class Step:
    """From one pattern to the next larger block.

    Attributes
    ----------
    costs : dict
        Ratio of each of :data:`METRICS` that both patterns have.
    speed : float or None
        Ratio of the work in the same area and time, each at its own longest path.
    removed : tuple of float
        Share of the loss that it takes away, 0 to 1, in each curve of accuracy.
    """

    before: str
    after: str
    costs: dict[str, float]
    speed: float | None
    removed: tuple[float, ...]

    @property
    def name(self) -> str:
        """As in ``4:8 to 8:16``."""
        return f"{self.before} to {self.after}"

    @property
    def worth(self) -> float | None:
        """Share of the loss that it takes away, the median of all curves."""
        return median(self.removed) if self.removed else None

    @property
    def prices(self) -> dict[str, float]:
        """Percent of each area for each percent of the loss that goes; nothing where none does."""
        if self.worth is None or self.worth <= 0:
            return {}
        return {label: (self.costs[name] - 1) / self.worth for name, label in METRICS[:2]
                if name in self.costs}

    @property
    def price(self) -> float | None:
        """The same of the whole area, or of the logic where memories are not known."""
        return next(iter(self.prices.values()), None)

    @property
    def dearest(self) -> float | None:
        """Percent of whichever cost grows most, area for the same work included, for each percent.

        None where no loss goes, or no cost is known.
        """
        costs = [*self.costs.values(), *([1 / self.speed] if self.speed else [])]
        if self.worth is None or self.worth <= 0 or not costs:
            return None
        return (max(costs) - 1) / self.worth


@dataclass(frozen=True)
class Answer:
    """Paragraphs, the first of them the shortest answer, and a table with its headings."""

    paragraphs: list[str]
    headings: list[str]
    table: list[list[str]]


def steps(rows: dict[str, Row], measured: Sequence[Curve]) -> list[Step]:
    """Steps along the chain of patterns, from designs by pattern and curves of accuracy."""
    found = []
    patterns = chain(rows)
    for before, after in pairwise(patterns):
        one, other = rows[before], rows[after]
        shares = [share for curve in measured
                  if (share := curve.share(after, before)) is not None]
        found.append(Step(before, after, {
            name: other[name] / one[name] for name, _ in METRICS
            if one.get(name) and other.get(name)},
            _ratio(other.get("relative_throughput"), one.get("relative_throughput")),
            tuple(1 - share for share in shares)))
    return found


def answer(study: Study, technology: str | None = None) -> Answer:
    """The answer for a technology, by default the first one."""
    names = study.technologies
    technology = technology or (names[0] if names else "")
    rows = chosen(study.designs, technology)
    measured = curves(study)
    sparse = {pattern: row for pattern, row in rows.items() if not row["dense"]}
    known = {pattern for curve in measured for pattern in curve.lost}
    judged = steps({pattern: row for pattern, row in sparse.items() if pattern in known}, measured)
    unknown = [pattern for pattern in chain(sparse) if pattern not in known]
    said = [_first(judged, unknown, sparse, technology), *_steps(steps(sparse, measured), rows),
            *_largest(judged, study), *_tokens(study, technology, sparse),
            *formats.sentences(study, technology),
            *(sentences(study) if technology in names[:1] or not names else ()), *_missing(study)]
    return Answer([text for text in said if text], *_table(sparse, measured))


def _first(found: Sequence[Step], unknown: Sequence[str], rows: dict[str, Row],
           technology: str) -> str:
    """Which one to build, of the patterns whose loss is known."""
    if not rows:
        return "No sparse pattern has been synthesised yet, so there is no answer."
    if not any(step.worth is not None for step in found):
        return ("What a pattern is worth is not known here: no model was evaluated with two "
                "patterns that were synthesised, so only costs can be told.")
    paying = takewhile(lambda step: step.dearest is not None and step.dearest < 1, found)
    best = [found[0].before, *(step.after for step in paying)][-1]
    row = rows[best]
    costs = ", ".join(f"{row[name]:.2f} of the {label_of(name, label, rows.values())}"
                      for name, label in METRICS if row.get(name) is not None)
    speed = row.get("relative_throughput")
    work = f", and does {speed:.2f} of the work in the same area and time" if speed else ""
    return (f"Build {best}: up to it, every step to a larger block takes away a larger share of "
            f"the loss than it adds to any cost. Against the smallest dense {row['design']} with "
            f"the same throughput on {spoken(technology)} it takes {costs}{work}.{_left(unknown)}")


def _left(unknown: Sequence[str]) -> str:
    """Which patterns were not judged."""
    return f" Not judged, since no loss is known: {', '.join(unknown)}." if unknown else ""


def _steps(found: Sequence[Step], rows: dict[str, Row]) -> Iterable[str]:
    """What each step costs, and what it is worth."""
    for step in found:
        changes = [f"{label_of(name, label, rows.values())} {_percent(step.costs[name])}"
                   for name, label in METRICS if name in step.costs]
        if step.speed is not None:
            changes.append(f"work for area and time {_percent(step.speed)}")
        text = f"From {step.name}: {', '.join(changes)}" if changes else ""
        if text and step.worth is not None:
            low, high = (f"{100 * value:.0f}" for value in (min(step.removed), max(step.removed)))
            text += f"; {low if low == high else f'{low} to {high}'} % of the loss goes"
        if text and step.price is not None and step.price > 0:
            text += f", {_prices(step)} for each percent of it"
        if text:
            yield f"{text}."


def _largest(found: Sequence[Step], study: Study) -> Iterable[str]:
    """When the largest block pays."""
    if not found or found[-1].worth is None:
        return
    last = found[-1]
    if last.worth is not None and last.worth <= 0:
        yield f"{last.after} does not pay: it loses no less than {last.before}."
        return
    if last.price is not None and last.price <= 0:
        yield f"{last.after} pays everywhere: it costs no more area than {last.before}."
    elif last.price is not None:
        yield (f"{last.after} pays where a percent of the loss of {last.before} is worth more than "
               f"{_prices(last)}.")
    if last.speed is not None and last.speed < 1:
        yield (f"It pays less where the longest path of the accelerator sets the clock: there it "
               f"does {last.speed:.2f} of the work of {last.before}.")
    yield from _corrections(last, study)


def _corrections(last: Step, study: Study) -> Iterable[str]:
    """Whether a correction at the smaller block loses less than the larger block without one."""
    corrected = [curve for curve in curves(study, None) if _in_hardware(curve.method)]
    for plain in curves(study):
        goal = plain.lost.get(last.after)
        better = {curve.method.removeprefix("act "): curve.lost[last.before]
                  for curve in corrected if last.before in curve.lost
                  and (curve.model, curve.metric) == (plain.model, plain.metric)}
        if goal is None or not better:
            continue
        name = min(better, key=lambda method: better[method])
        then = "less" if better[name] < goal else "more"
        advice = "correct first, then grow the block" if then == "less" else \
            "no correction here replaces the larger block"
        yield (f"On {plain.model}, {last.before} with {name} loses {better[name]:.3g} "
               f"{plain.unit}, {then} than plain {last.after} with {goal:.3g}: {advice}.")


def _in_hardware(method: str) -> bool:
    """Whether a method is plain magnitude with corrections that the accelerator has."""
    criterion, _, corrections = method.partition(" ")
    return criterion == "act" and bool(corrections) and set(corrections.split("+")) <= IN_HARDWARE


def _tokens(study: Study, technology: str, sparse: dict[str, Row]) -> Iterable[str]:
    """Time and energy of a token of the first model, over the best dense design, in each phase."""
    own = [row for row in study.tokens if row["technology"] == technology
           and row["model"] == study.tokens[0]["model"]]
    for phase in dict.fromkeys(row["phase"] for row in own):
        rows = {row["pattern"]: row for row in own if row["phase"] == phase}
        said = []
        for key in ("time", "energy"):
            dense = [row[key] for pattern, row in rows.items()
                     if pattern not in sparse and row.get(key)]
            known = {pattern: rows[pattern][key] for pattern in chain(sparse)
                     if pattern in rows and rows[pattern].get(key)}
            if dense and known:
                said.append(f"{key} " + ", ".join(f"{value / min(dense):.2f} at {pattern}"
                                                  for pattern, value in known.items()))
        if said:
            yield (f"A token of {own[0]['model']} in {phase}, the best dense design of the same "
                   f"throughput being 1: {'; '.join(said)}.")


def _missing(study: Study) -> Iterable[str]:
    for part, why in study.missing.items():
        yield f"Not here: {part} ({why})."


def _table(rows: dict[str, Row], measured: Sequence[Curve]) -> tuple[list[str], list[list[str]]]:
    """A row for each pattern; losses over that of the first pattern of the chain."""
    columns = [(label_of(name, label, rows.values()), name) for name, label in METRICS
               if any(row.get(name) is not None for row in rows.values())]
    patterns = chain(rows)
    base = patterns[0] if patterns else ""
    shown = [curve for curve in measured if base in curve.lost]
    gathering = any(map(pipeline, rows.values()))
    headings = ["pattern", *(["weights registered"] if gathering else []),
                *(label for label, _ in columns), "work for area and time",
                *(f"loss, {curve.model}" for curve in shown)]
    table = []
    for pattern, row in rows.items():
        shares = [curve.share(pattern, base) for curve in shown]
        table.append([pattern, *([pipeline(row)] if gathering else []),
                      *(_cell(row.get(name)) for _, name in columns),
                      _cell(row.get("relative_throughput")), *map(_cell, shares)])
    return headings, table


def label_of(name: str, label: str, rows: Iterable[Row]) -> str:
    """What a column is called, with whose energy it is."""
    of = {row.get("energy_of") for row in rows} - {None}
    return f"{label} of the {of.pop()}" if name == "relative_energy" and of else label


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _prices(step: Step) -> str:
    return ", ".join(f"{price:.2f} % of the {label}" if price > 0 else f"nothing of the {label}"
                     for label, price in step.prices.items())


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"


def _ratio(one: float | None, other: float | None) -> float | None:
    return None if one is None or not other else one / other
