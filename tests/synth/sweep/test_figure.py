"""The figure of a sweep: each overhead at the bits of its weight, named."""

import re

import pytest

from synth.sweep.command import main
from synth.sweep.figure import overhead_figure
from tests.commands import ROOT, refused
from tests.synth.sweep.runs import sweep, write


PE = ROOT / "tests" / "synth" / "sweep" / "pe.toml"


def texts(figure):
    return re.findall(r"<text[^>]*>([^<]*)</text>", figure.decode())


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
