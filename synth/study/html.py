"""The page of a study: one file, with its data and the plotting library in it."""

import json
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from synth.study.answer import Answer, answer
from synth.study.curves import PREFERRED, order, spoken
from synth.study.data import Row, Study
from synth.study.tables import COLUMNS, ORDER


__all__ = ["page"]


PAGE = Path(__file__).parent / "page"


def page(study: Study) -> str:
    """The whole page as HTML.

    Raises
    ------
    ModuleNotFoundError
        If plotly, whose JavaScript it holds, is not installed.
    """
    from plotly.offline import get_plotlyjs

    template, style, script = ((PAGE / f"page.{kind}").read_text(encoding="utf-8")
                               for kind in ("html", "css", "js"))
    return Template(template).substitute(
        style=style, script=script, plotly=get_plotlyjs(), answer=_answer(answer(study)),
        others=_others(study), footer=_footer(study),
        data=json.dumps(_data(study), allow_nan=False).replace("<", "\\u003c"),
        tokens=escape(study.missing.get("tokens", "There are none.")))


def _data(study: Study) -> dict[str, Any]:
    """What the script draws: the study, and what it must know of its rows."""
    shown = {"designs": study.designs, "fpga": study.fpga, "accuracy": study.accuracy,
             "tokens": study.tokens, "libraries": study.libraries}
    patterns = order(row["pattern"] for rows in (study.designs, study.accuracy) for row in rows
                     if ":" in row["pattern"])
    names = {row["design"] for row in study.designs}
    return {**shown, "patterns": patterns, "curves": _curves(study), "columns": COLUMNS,
            "parts": ORDER, "main": next((name for name in PREFERRED if name in names), "")}


def _curves(study: Study) -> list[Row]:
    """Losses by pattern for each way to measure them, those of most patterns first.

    Where no dense result is known the value stands for the loss, behind all others; ``worse`` says
    which way it grows.
    """
    found: dict[tuple, Row] = {}
    for row in study.accuracy:
        known = row["lost"] is not None
        if not known and row["value"] is None:
            continue
        unit = row.get("unit", "") if known else row["metric"]
        worse = "up" if known or "perplexity" in row["metric"] else "down"
        name = f"{row['model']}: {row['metric']}, {row['method']}, {row['format']}"
        curve = found.setdefault((not known, name), {
            "name": name if known else f"{name} (value; dense is not known)", "unit": unit,
            "title": f"loss, {unit}" if known else unit, "worse": worse, "loss": {}})
        curve["loss"][row["pattern"]] = row["lost"] if known else row["value"]
    return [curve for (bare, _), curve in sorted(
        found.items(), key=lambda item: (item[0][0], -len(item[1]["loss"])))]


def _answer(said: Answer) -> str:
    """Paragraphs and the table; the first paragraph is the answer in short."""
    paragraphs = "\n".join(f"<p>{escape(text)}</p>" for text in said.paragraphs[:1])
    more = "\n".join(f"<li>{escape(text)}</li>" for text in said.paragraphs[1:])
    head = "".join(f'<th scope="col">{escape(text)}</th>' for text in said.headings)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>"
                     for row in said.table)
    table = (f'<div class="scroll"><table><caption>For the same work, the smallest '
             f'dense design being 1; losses over that of the first pattern</caption><thead><tr>'
             f"{head}</tr></thead><tbody>\n{rows}\n</tbody></table></div>") if said.table else ""
    return "\n".join(filter(None, (paragraphs, table, f"<ul>\n{more}\n</ul>" if more else "")))


def _others(study: Study) -> str:
    """The answers on the other technologies, folded up."""
    return "\n".join(f"<details><summary>On {escape(spoken(name))}</summary>\n"
                     f"{_answer(answer(study, name))}\n</details>"
                     for name in study.technologies[1:])


def _footer(study: Study) -> str:
    """Versions, and the files that the figures were made from."""
    versions = ", ".join(f"{name} {number}" for name, number in sorted(study.versions.items()))
    files = "\n".join(
        f"<li>{escape(name)}: {escape(str(library.get('file', '')))}, SHA-256 "
        f"{escape(str(library.get('sha256', ''))[:16])}</li>"
        for name, library in study.libraries.items())
    return f"<p>Made with {escape(versions)}.</p>\n<ul>\n{files}\n</ul>"
