"""A study in Markdown, and its tables in pages of the documentation."""

import re
from collections.abc import Iterable
from pathlib import Path

from hw.command.faults import reason
from hw.config import PIPELINES, SELECTORS, Pattern
from synth.study import formats, fpga
from synth.study.answer import answer, label_of
from synth.study.curves import PREFERRED, chosen, main, order, pipeline
from synth.study.data import Row, Study
from synth.study.tables import COLUMNS, grid, parts_of


__all__ = ["BLOCKS", "blocks", "inserted", "markdown", "marks"]


MARKED = re.compile(r"(<!-- study: ([\w-]+) -->\n).*?(<!-- end of study -->)", re.S)
"""A place in a page that a table of the study stands in."""


def _answer(study: Study) -> str:
    """The shortest answer and its table."""
    said = answer(study)
    return "\n\n".join(filter(None, (said.paragraphs[0], grid(said.headings, said.table)
                                     if said.table else ""))).rstrip() + "\n"


def _reasons(study: Study) -> str:
    """All of the answer behind its first sentence."""
    return "".join(f"* {text}\n" for text in answer(study).paragraphs[1:])


def _costs(study: Study) -> str:
    """Selectors, PE and array for each pattern, on the first technology."""
    rows = [row for row in study.designs if row["technology"] == study.technologies[0]
            and row["gates"] is not None and row["goal"] == "area"]
    rows = [row for row in rows if row["format"] == main(rows)]
    known = {row["selector"] for row in rows if row["design"] == "selector"}
    selectors = [name for name in SELECTORS if name in known]
    patterns = order(row["pattern"] for row in rows if not row["dense"])
    ways = [name for name in PIPELINES if name in {pipeline(row) for row in rows}] or [""]
    headings = ["pattern", *(f"`{name}`" for name in selectors), "weights registered"]
    for name in ("PE", "array"):
        headings += [name, "over dense", "work/area"]
    table = []
    for pattern in patterns:
        own = {(row["design"], row["selector"] or pipeline(row)): row for row in rows
               if row["pattern"] == pattern}
        cells = [_gates(own.get(("selector", name))) for name in selectors]
        for number, way in enumerate(ways):
            table.append([pattern, *(cells if number == 0 else [""] * len(cells)), way,
                          *_lane_for_lane(own.get(("pe", way))),
                          *_lane_for_lane(own.get(("array", way)))])
    return grid(headings, table)


def _lane_for_lane(row: Row | None) -> list[str]:
    """Area, and what it is over the dense design with the same lanes."""
    if row is None:
        return ["", "", ""]
    extra, work = row.get("overhead_percent"), row.get("throughput_per_area")
    return [_gates(row), "" if extra is None else f"{extra:+.1f} %",
            "" if work is None else f"{work:.2f}x"]


def _gates(row: Row | None) -> str:
    return "" if row is None else f"{row['gates']:,.0f}"


def _technologies(study: Study) -> str:
    """The design that stands for each pattern, on every technology."""
    keys = (("relative_area", "area"), ("relative_whole", "with memories"),
            ("relative_energy", "energy"), ("relative_whole_energy", "energy with memories"),
            ("relative_throughput", "work for area and time"))
    rows = [row for name in study.technologies for row in chosen(study.designs, name).values()
            if not row["dense"]]
    columns = [(key, label_of(key, label, rows)) for key, label in keys
               if any(row.get(key) is not None for row in rows)]
    return grid(["technology", "pattern", "selector", "weights registered",
                 *(label for _, label in columns)],
                [[row["technology"], row["pattern"], row["selector"], pipeline(row),
                  *(_two(row.get(key)) for key, _ in columns)] for row in rows])


def _energies(study: Study) -> str:
    """Energy of a product of the dense layer, of PE, array and accelerator, over the leanest dense.

    Rows without an energy are left out, as are columns.
    """
    columns = [(design, key, label) for design, key, label in (
        ("pe", "energy", "PE"), ("array", "energy", "array"),
        ("accelerator", "energy", "accelerator"),
        ("accelerator", "whole_energy", "accelerator with memories"))
        if any(row["design"] == design and row.get(f"{key}_per_product") is not None
               for row in study.designs)]
    found: dict[tuple[str, str, str], dict[tuple[str, str], str]] = {}
    for row in study.designs:
        place = found.setdefault((row["technology"], row["pattern"], pipeline(row)), {})
        for design, key, _ in columns:
            value, ratio = row.get(f"{key}_per_product"), row.get(f"relative_{key}")
            if row["design"] == design and value is not None and row["energy"]:
                text = f"{value:.4g} {row['energy']['unit']}"
                place[design, key] = text if ratio is None else f"{text}, {ratio:.2f}"
    lines = [[technology, pattern + (" dense" if Pattern.parse(pattern).dense else ""), way,
              *(cells.get((design, key), "") for design, key, _ in columns)]
             for technology in study.technologies for pattern in order(p for _, p, _ in found)
             for way in ("", *PIPELINES) if (cells := found.get((technology, pattern, way)))]
    return grid(["technology", "pattern", "weights registered",
                 *(label for _, _, label in columns)], lines)


def _two(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _parts(study: Study) -> str:
    """Where the gates of the preferred design are, on the first technology."""
    names = {row["design"] for row in study.designs if row["parts"]}
    name = next((name for name in PREFERRED if name in names), "")
    return grid(*parts_of(study, study.technologies[0], name)) if name else ""


def _rows(study: Study, name: str) -> str:
    """A table of the page, whole."""
    columns = COLUMNS[name]
    return grid([title for _, title, _ in columns],
                [[_cell(row.get(key)) for key, _, _ in columns] for row in getattr(study, name)])


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.5g}" if isinstance(value, float) else str(value)


BLOCKS = {
    "answer": _answer, "reasons": _reasons, "costs": _costs, "technologies": _technologies,
    "parts": _parts, "formats": formats.table, "energies": _energies, "fpga": fpga.table,
    "accuracy": lambda study: _rows(study, "accuracy"),
    "tokens": lambda study: _rows(study, "tokens"),
}
"""Tables that a page can hold, by the name that stands in its mark."""


def blocks(study: Study, name: str) -> str:
    """One of :data:`BLOCKS`; empty where the study has nothing for it."""
    needed = {"accuracy": True, "answer": True, "fpga": study.fpga}
    return BLOCKS[name](study) if needed.get(name, study.designs) else ""


def markdown(study: Study) -> str:
    """The whole study in Markdown."""
    titles = {"answer": "Which N:M pattern should I build?", "reasons": "", "technologies":
              "Technologies", "costs": "Selectors, PE and array", "parts": "Where the area goes",
              "formats": "Number formats",
              "energies": "Energy of a product of the dense layer",
              "fpga": "FPGAs, synthesis only", "accuracy": "Accuracy",
              "tokens": "A token of a model"}
    text = [f"{'#' if name == 'answer' else '##'} {title}\n\n{made}" if title else made
            for name, title in titles.items() if (made := blocks(study, name))]
    versions = ", ".join(f"{name} {number}" for name, number in sorted(study.versions.items()))
    return "\n".join([*text, f"Made with {versions}.\n"])


def marks(path: Path) -> list[str]:
    """Names of the tables that a page has places for.

    Raises
    ------
    ValueError
        If it cannot be read, or has none, or one that names no table.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"into must be a readable page, not {str(path)!r} ({reason(error)})"
                         ) from None
    found = [name for _, name, _ in MARKED.findall(text)]
    unknown = [name for name in found if name not in BLOCKS]
    if unknown or not found:
        what = repr(unknown[0]) if unknown else "none"
        raise ValueError(f"into must be pages with marks of {', '.join(BLOCKS)}, not {what} in "
                         f"{str(path)!r}")
    return found


def inserted(study: Study, pages: Iterable[Path]) -> dict[Path, str]:
    """Pages with their marked tables as the study has them.

    A table stands between ``<!-- study: NAME -->`` and ``<!-- end of study -->``. Errors are those
    of :func:`marks`.
    """
    return {path: MARKED.sub(lambda mark: f"{mark[1]}\n{blocks(study, mark[2])}\n{mark[3]}",
                             path.read_text(encoding="utf-8"))
            for path in pages if marks(path)}
