"""Figures of mutants: a table, files, and the rows of the page of the documentation."""

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from hw.command.table import Table
from verify.mutate.prove import PROOFS
from verify.mutate.run import Outcome


__all__ = ["files", "page_rows", "rows", "show"]


_FIGURES = ("mutants", "killed", "equivalent", "survivors")


def rows(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Figures of every component, with its survivors by name."""
    return [{"component": outcome.component, "mutants": len(outcome.verdicts),
             "killed": outcome.killed, "equivalent": outcome.equivalent,
             "survivors": outcome.survivors} for outcome in outcomes]


def _shown(row: dict[str, Any]) -> list[str]:
    """Cells of a row: figures, and the share of the killed ones among those not equivalent."""
    different = row["mutants"] - row["equivalent"]
    return [row["component"], *(str(row[name]) for name in _FIGURES[:-1]),
            str(len(row["survivors"])), f"{100 * row['killed'] / max(1, different):.1f} %"]


def _total(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"component": "all", **{name: sum(row[name] for row in found)
                                   for name in _FIGURES[:-1]},
            "survivors": [name for row in found for name in row["survivors"]]}


def show(outcomes: Sequence[Outcome]) -> None:
    """Print the table, and every survivor."""
    table = Table("mutants", ["component"], [*_FIGURES, "killed of those not equivalent"])
    found = rows(outcomes)
    for row in found:
        table.row(*_shown(row))
    table.section()
    table.row(*_shown(_total(found)))
    table.print()
    for row in found:
        for name in row["survivors"]:
            print(f"survivor, {row['component']}: {name}")


def files(outcomes: Sequence[Outcome]) -> dict[str, str | bytes]:
    """Contents of ``mutants.json``, figures, and ``mutants.csv``, every mutant with its verdict."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["component", "mutant", "verdict"])
    for outcome in outcomes:
        writer.writerows([outcome.component, *item] for item in outcome.verdicts.items())
    held = {"proofs": PROOFS, "components": rows(outcomes)}
    return {"mutants.json": f"{json.dumps(held, indent=1)}\n", "mutants.csv": text.getvalue()}


def page_rows(held: dict[str, Any]) -> list[str]:
    """Rows of the page's table, from what ``mutants.json`` holds."""
    found = held["components"]
    return [f"| {' | '.join(_shown(row))} |" for row in (*found, _total(found))]
