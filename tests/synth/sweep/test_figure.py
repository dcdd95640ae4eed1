"""The figure of a sweep: each overhead at the bits of its weight, named."""

import csv
import re
from itertools import pairwise

import pytest

from hw.formats import BLOCK_FORMATS
from synth.sweep.command import main
from synth.sweep.figure import overhead_figure
from tests.commands import ROOT, refused
from tests.synth.sweep.runs import sweep, write


PE = ROOT / "tests" / "synth" / "sweep" / "pe.toml"


def texts(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", figure.decode())


def number(text):
    return float(text) if text else None


def row(form, weight, percent, accumulator="exact", pattern="8:16"):
    return {"library": "cells", "design": "pe", "overhead_percent": percent, "parameters": {
        "pattern": pattern, "accumulator": accumulator, "format": form, "weight_format": weight}}


def test_points_are_named_and_dense_designs_left_out():
    rows = [row("int8", "int8", 15.43), row("int8", "int8", None), row("fp6_e2m3", "int4", 1.0),
            row("mxfp6_e2m3", "mxfp6_e2m3", 7.5, "fp32")]
    found = texts(overhead_figure(rows))
    assert [text for text in found if text.endswith(" %")] == [
        "fp6_e2m3 by int4 +1.0 %", "mxfp6_e2m3 +7.5 %", "int8 +15.4 %"]
    assert found[:3] == ["4", "6", "8"]
    assert {"cells pe, accumulator exact", "cells pe, accumulator fp32", "8:16"} <= set(found)
    assert overhead_figure(rows) == overhead_figure(rows)


def test_patterns_have_panels_in_their_order():
    rows = [row("int8", "int8", percent, pattern=pattern) for percent, pattern in (
        (22.2, "16:32"), (4.2, "2:4"), (16.1, "2:8"))]
    found = texts(overhead_figure(rows))
    assert [text for text in found if ":" in text] == ["2:4", "2:8", "16:32"]
    assert [text for text in found if text.endswith(" %")] == [
        "int8 +4.2 %", "int8 +16.1 %", "int8 +22.2 %"]
    assert found.count("cells pe, accumulator exact") == 1


def test_names_of_equal_points_stand_above_each_other():
    rows = [row(form, form, 0.0) for form in ("int8", "fp8_e4m3", "fp8_e5m2")]
    drawn = overhead_figure(rows).decode()
    heights = [float(height) for height in
               re.findall(r'y="([\d.]+)"[^>]*>[^<]* %</text>', drawn)]
    assert len(heights) == 3
    assert all(low - high > 8 for low, high in pairwise(heights))


def test_without_an_overhead_it_is_empty():
    assert not [text for text in texts(overhead_figure([row("int8", "int8", None)]))
                if text.endswith(" %")]


def test_a_sweep_draws_its_rows(tmp_path):
    code, rows = sweep(PE, tmp_path / "store", tmp_path / "out", "--figure")
    assert code == 0
    assert (tmp_path / "out" / "overhead.svg").read_bytes() == overhead_figure(rows)
    assert [row["parameters"]["accumulator_width"] for row in rows] == [24, 24]


@pytest.mark.parametrize("more", ["designs = ['selector']", "designs = ['pe']\nbaselines = false"])
def test_a_space_without_baselines_has_none(tmp_path, capsys, more):
    space = write(tmp_path, f'patterns = ["2:4"]\n{more}')
    assert refused(main, [space, "--figure", "-o", tmp_path / "out"], capsys).endswith(
        "figure must be left out of a space without dense baselines, not given")
    assert not (tmp_path / "out").exists()


PAGE = (ROOT / "docs" / "formats.md").read_text()
RESULTS = ROOT / "docs" / "results" / "formats"


def results(name):
    """Rows of a table of results, as those of a sweep."""
    with (RESULTS / name).open() as file:
        return [{**line, "parameters": line, "overhead_percent": number(line["overhead_percent"])}
                for line in csv.DictReader(file)]


def lines(heading):
    """Cells of the rows of the table of the page whose first line begins so."""
    table = PAGE.partition(heading)[2].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table[2:]]


def named(row):
    """How a table calls the formats of a row."""
    form, weight = row["format"], row["weight_format"]
    alone = row["design"] in ("selector", "compressor") or (
        form == weight and "int" not in form)
    return f"`{form}`" if alone else f"`{form}` by `{weight}`"


def width(row):
    return f"{row['accumulator_width']} bits" if row["accumulator"] == "exact" else "fp32"


def extra(row):
    return "" if row is None else f"{row['overhead_percent']:+.1f} %"


PATTERNS = ("2:4", "4:8", "8:16", "16:32")


def test_the_page_has_the_figure_of_its_results():
    rows = results("multipliers.csv")
    drawn, kept = (texts(figure) for figure in (
        overhead_figure(rows), (ROOT / "docs" / "hw" / "multipliers.svg").read_bytes()))
    assert [text for text in drawn if text.endswith(" %")] == [
        text for text in kept if text.endswith(" %")]
    assert [text for text in kept if ":" in text] == [pattern for pattern in PATTERNS if any(
        row["pattern"] == pattern and row["overhead_percent"] is not None for row in rows)]


def test_the_page_has_the_pes_of_its_results():
    rows = {(named(row), row["pattern"]): row for row in results("multipliers.csv")}
    names = {name for name, _ in rows}
    least = float(rows["`int8` by `int8`", "8:8"]["area"])
    expected = []
    for name in names:
        dense = rows[name, "8:8"]
        area, delay = float(dense["area"]), float(dense["delay"])
        expected.append([name, width(dense), f"{area:,.0f}", f"{delay:.1f}", f"{area / least:.2f}",
                         *(extra(rows.get((name, pattern))) for pattern in PATTERNS)])
    assert sorted(lines("| PE | accumulator |")) == sorted(expected)
    assert len(expected) == 16


def test_the_page_has_the_pairs_of_its_results():
    rows = {(named(row), row["pattern"]): row for row in results("pairs.csv")}
    expected = []
    for (name, pattern), row in rows.items():
        if pattern == "8:16":
            dense = rows[name, "8:8"]
            figures = float(dense["area"]), float(dense["delay"]), float(row["area"])
            expected.append([name, width(row), *map(str.format, ("{:,.0f}", "{:.1f}", "{:,.0f}"),
                                                    figures), extra(row)])
    assert sorted(lines("| PE of a pair |")) == sorted(expected)
    assert len(expected) == 6


def test_the_page_has_the_step_to_blocks_of_32_of_its_results():
    areas = {(row["design"], named(row), row["pattern"]): float(row["area"])
             for row in [*results("multipliers.csv"), *results("designs.csv")]}
    expected = []
    for name in {name for design, name, pattern in areas if (design, pattern) == ("pe", "16:32")}:
        form = name.split("`")[1]
        element = BLOCK_FORMATS[form].element.name if form in BLOCK_FORMATS else form
        keys = [(design, name if design in ("pe", "array") else f"`{element}`")
                for design in ("pe", "array", "selector", "compressor")]
        expected.append([name, *(f"{areas[*key, '16:32'] / areas[*key, '8:16'] / 2:.2f}"
                                 if {(*key, "16:32"), (*key, "8:16")} <= areas.keys() else ""
                                 for key in keys)])
    assert sorted(lines("| 16:32 over 8:16,")) == sorted(expected)


def test_the_page_has_every_design_of_its_results():
    expected = {}
    for row in [*results("multipliers.csv"), *results("designs.csv")]:
        if row["pattern"] in PATTERNS:
            over = f", {extra(row)}" if row["design"] == "array" else ""
            cells = expected.setdefault((row["design"].replace("pe", "PE"), named(row)), [""] * 4)
            cells[PATTERNS.index(row["pattern"])] = (
                f"{float(row['area']):,.0f} / {float(row['delay']):.1f}{over}")
    assert sorted(lines("| design | format |")) == sorted(
        [design, name, *cells] for (design, name), cells in expected.items())
