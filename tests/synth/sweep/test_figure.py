"""The figure of a sweep: each overhead at the bits of its weight, named."""

import csv
import re

import pytest

from synth.sweep.command import main
from synth.sweep.figure import overhead_figure
from tests.commands import ROOT, refused
from tests.synth.sweep.runs import sweep, write


PE = ROOT / "tests" / "synth" / "sweep" / "pe.toml"


def texts(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", figure.decode())


def number(text):
    return float(text) if text else None


def row(form, weight, percent, accumulator="exact"):
    return {"library": "cells", "design": "pe", "overhead_percent": percent, "parameters": {
        "pattern": "8:16", "accumulator": accumulator, "format": form, "weight_format": weight}}


def test_points_are_named_and_dense_designs_left_out():
    rows = [row("int8", "int8", 15.43), row("int8", "int8", None), row("fp6_e2m3", "int4", 1.0),
            row("mxfp6_e2m3", "mxfp6_e2m3", 7.5, "fp32")]
    found = texts(overhead_figure(rows))
    assert [text for text in found if text.endswith(" %")] == [
        "fp6_e2m3 by int4 +1.0 %", "mxfp6_e2m3 +7.5 %", "int8 +15.4 %"]
    assert found[:3] == ["4", "6", "8"]
    assert {"cells pe 8:16, accumulator exact", "cells pe 8:16, accumulator fp32"} <= set(found)
    assert overhead_figure(rows) == overhead_figure(rows)


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


def test_the_page_has_the_figure_and_the_table_of_its_results():
    with (ROOT / "docs" / "results" / "formats" / "multipliers.csv").open() as file:
        rows = [{**line, "parameters": line, "overhead_percent": number(line["overhead_percent"])}
                for line in csv.DictReader(file)]
    drawn, kept = (texts(figure) for figure in (
        overhead_figure(rows), (ROOT / "docs" / "hw" / "multipliers.svg").read_bytes()))
    assert [[text for text in found if text.endswith(" %")] for found in (drawn, kept)] == 2 * [
        [text for text in drawn if text.endswith(" %")]]
    page = (ROOT / "docs" / "hw" / "floats.md").read_text()
    dense = {(row["format"], row["weight_format"]): row for row in rows if row["pattern"] == "8:8"}
    sparse = [row for row in rows if row["overhead_percent"] is not None]
    table = page.partition("| PE | accumulator |")[2].partition("\n\n")[0].splitlines()[2:]
    assert len(table) == len(sparse) == len(dense)
    least = float(dense["int8", "int8"]["area"])
    for row in sparse:
        own = dense[row["format"], row["weight_format"]]
        area = float(own["area"])
        assert sum(line.startswith(f"| `{row['format']}`") and line.endswith(
            f" | {area:,.0f} | {float(own['delay']):.1f} | {area / least:.2f} | "
            f"{float(row['area']):,.0f} | {row['overhead_percent']:+.1f} % |")
            for line in table) == 1


def test_the_page_has_the_pairs_of_its_results():
    with (ROOT / "docs" / "results" / "formats" / "pairs.csv").open() as file:
        rows = {(row["pattern"], row["format"], row["weight_format"]): row
                for row in csv.DictReader(file)}
    page = (ROOT / "docs" / "hw" / "floats.md").read_text()
    table = page.partition("| PE of a pair |")[2].partition("\n\n")[0].splitlines()[2:]
    expected = []
    for (pattern, form, weights), row in rows.items():
        if pattern == "8:8":
            continue
        dense = rows["8:8", form, weights]
        width = f"{row['accumulator_width']} bits" if row["accumulator"] == "exact" else "fp32"
        expected.append(f"| `{form}` by `{weights}` | {width} | {float(dense['area']):,.0f} | "
                        f"{float(dense['delay']):.1f} | {float(row['area']):,.0f} | "
                        f"{float(row['overhead_percent']):+.1f} % |")
    assert sorted(table) == sorted(expected)
    assert len(table) == 6


def test_the_page_has_every_design_of_its_results():
    page = (ROOT / "docs" / "hw" / "floats.md").read_text().partition("### Every design")[2]
    table = {tuple(cells[1:3]): cells[3:-1] for cells in (
        [cell.strip(" `") for cell in line.split("|")]
        for line in page.splitlines() if line.startswith("|"))}
    patterns = table["design", "format"]
    with (ROOT / "docs" / "results" / "formats" / "designs.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["pattern"] in patterns]
    assert len(rows) == sum(len(list(filter(None, cells))) for (design, _), cells in table.items()
                            if design in ("selector", "compressor", "array"))
    for row in rows:
        extra = f", {float(row['overhead_percent']):+.1f} %" if row["overhead_percent"] else ""
        assert table[row["design"], row["format"]][patterns.index(row["pattern"])] == (
            f"{float(row['area']):,.0f} / {float(row['delay']):.1f}{extra}")
