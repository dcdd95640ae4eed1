"""Files and tables of a measurement."""

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from verify.coverage.crosses import CROSSES, Bench, bins, holes
from verify.coverage.facts import explained
from verify.coverage.measure import Outcome
from verify.coverage.points import Bit


__all__ = ["contents", "crosses", "markdown", "reason", "reasons", "summary"]


PROVED = ", for all inputs: proved"
GIVEN = ", as the inputs that are left out keep their values: proved"
"""How reasons end that were not declared by hand."""


def summary(name: str, outcome: Outcome) -> dict[str, Any]:
    """Figures of a design, as in ``coverage.json``; shares from 0 to 1."""
    return {
        "design": name, "bits": outcome.bits, "constant": len(outcome.constant),
        "known": len(outcome.known), "excluded": round(outcome.excluded, 5),
        "holes": len(outcome.holes), "toggles": round(outcome.toggles, 5),
        "lines": outcome.lines, "missed": len(outcome.missed), "taken": round(outcome.taken, 5),
    }


def contents(pattern: str, outcomes: Mapping[str, Outcome],
             reasons: Mapping[str, list[str]]) -> dict[str, str]:
    """Files by name.

    Parameters
    ----------
    pattern : str
        Of the designs.
    outcomes : mapping of str to Outcome
        By design.
    reasons : mapping of str to list of str
        Reasons of the facts of each design.
    """
    rows = [summary(name, outcome) for name, outcome in outcomes.items()]
    whole = {"pattern": pattern, "designs": rows, "facts": dict(reasons)}
    return {"coverage.json": json.dumps(whole, indent=1) + "\n", "holes.csv": _holes(outcomes)}


def _holes(outcomes: Mapping[str, Outcome]) -> str:
    """Every hole: design, instance, signal and bits or line and way, and why, where it is known."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("design", "instance", "kind", "signal", "bits", "reason"))
    for name, outcome in outcomes.items():
        signals: dict[tuple[str, str, str], list[int]] = {}
        for bit in outcome.holes:
            why = reason(bit, outcome.still.get(bit), outcome.given.get(bit))
            signals.setdefault((bit.module, bit.signal, why), []).append(bit.index)
        for (module, signal, why), indices in signals.items():
            rows.writerow((name, outcome.places[module], "toggle", signal,
                           " ".join(map(str, indices)), why))
        for line, count in Counter(outcome.missed).items():
            rows.writerow((name, outcome.places[line.module], "line", line.number,
                           line.kind if count == 1 else f"{line.kind} x {count}",
                         explained(line.module, line.kind)))
    return text.getvalue()


def reason(hole: Bit, value: int | None, given: int | None) -> str:
    """Why a bit does not toggle: proved to be ``value`` or ``given``, or what is declared of it."""
    for proved, how in ((value, PROVED), (given, GIVEN)):
        if proved is not None:
            return f"always {proved}{how}"
    return explained(hole.module, hole.signal)


def crosses(benches: Sequence[Bench]) -> str:
    """``crosses.csv``: what is to meet, in how many ways, which benches see to it, what is open."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(("design", "parameters", "bins", "hit", "benches", "holes"))
    for cross in CROSSES:
        count, left = len(list(bins(cross))), holes(cross, benches)
        names = dict.fromkeys(bench.name for bench in benches if bench.design == cross.design)
        rows.writerow((cross.design, " x ".join(cross.axes), count, count - len(left),
                       " ".join(names), "; ".join(" ".join(values) for values in left)))
    return text.getvalue()


def markdown(results: Mapping[str, Any]) -> str:
    """The table of a page, from ``coverage.json``."""
    columns = ("design", "bits", "constant", "by a fact", "left out", "toggled, of the rest",
               "holes", "lines taken")
    lines = [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]
    for row in results["designs"]:
        lines.append(f"| {row['design']} {results['pattern']} | {row['bits']:,} "
                     f"| {row['constant']:,} | {row['known']:,} | {row['excluded']:.2%} "
                     f"| {row['toggles']:.2%} | {row['holes']:,} | {row['taken']:.2%} |")
    return "\n".join(lines).replace("%", " %")


def reasons(text: str) -> str:
    """The table of a page, from ``holes.csv``: how many bits have which kind of reason."""
    found: dict[str, Counter[str]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        if row["kind"] == "toggle":
            kind = ("none" if not row["reason"] else "proved" if row["reason"].endswith(PROVED)
                    else "given" if row["reason"].endswith(GIVEN) else "declared")
            found.setdefault(row["design"], Counter())[kind] += len(row["bits"].split())
    lines = [("| design | proved: one value, for all inputs | proved from what is left out "
              "| declared | without a reason |"), "|---" * 5 + "|"]
    return "\n".join(lines + [f"| {name} | {kinds['proved']} | {kinds['given']} "
                              f"| {kinds['declared']} | {kinds['none']} |"
                              for name, kinds in found.items()])
