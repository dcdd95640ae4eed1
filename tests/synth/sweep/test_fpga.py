"""FPGAs as targets of a sweep: points once, without library and goal, and what they take."""

import csv

import pytest

from hw.config import Design, Pattern
from synth.flow import CELLS
from synth.fpga.measure import Row, Settings, measure
from synth.fpga.targets import TARGETS as FPGAS
from synth.store import Store
from synth.sweep import tables
from synth.sweep.command import FILES
from synth.sweep.cross import cross
from synth.sweep.recall import no_energy
from synth.sweep.space import read
from synth.sweep.targets import TARGETS
from tests.synth.sweep.runs import sweep, write


EVERYTHING = """
patterns = ["2:4"]
designs = ["pe"]
goals = ["area", "delay"]
targets = ["asic", "ecp5"]
wires = true
energy = true

libraries = ["nmforge", {liberty = "other.lib", name = "other"}]

[parameters]
multiplier = ["digits", "dsp"]
"""

ONE = """
patterns = ["2:4"]
designs = ["pe"]
targets = ["ecp5"]
baselines = false
parameters.multiplier = "dsp"
"""


def test_every_family_of_fpgas_is_a_target_without_cells():
    assert {name for name, target in TARGETS.items() if not target.cells} == set(FPGAS)


def test_libraries_goals_wires_and_energies_make_no_point_on_an_fpga(tmp_path):
    (tmp_path / "other.lib").write_text(CELLS.read_text())
    crossed = cross(read(write(tmp_path, EVERYTHING)), Store(tmp_path / "store"))
    points = [point for point in crossed.points if point.target == "ecp5"]
    found = [(str(point.design.pattern), point.design.multiplier) for point in points]
    assert sorted(found) == [(pattern, multiplier) for pattern in ("2:2", "2:4")
                             for multiplier in ("digits", "dsp")]
    for point in points:
        assert (point.cells, point.goal, point.wires, point.energy) == (None, "", 0, None)
        assert no_energy(point, Store(tmp_path / "store")) == (
            "energy must be of a target of cells, not ecp5")
    assert crossed.combinations == 2 * 2 * 2 * 2
    assert len(crossed.points) == 2 * (2 * 2 * 2 + 2)


def test_a_row_says_what_is_taken_and_that_nothing_is_routed(tmp_path, monkeypatch, capsys):
    code, (row,) = sweep(write(tmp_path, ONE), tmp_path / "store", tmp_path / "out")
    assert code == 0
    assert (row["target"], row["library"], row["goal"]) == ("ecp5", "", "")
    assert (row["status"], row["reason"], row["stage"]) == ("done", None, "synthesis only")
    assert row["luts"] == row["cells"]["LUT4"] + 2 * row["cells"]["CCU2C"]
    assert row["flip_flops"] == row["cells"]["TRELLIS_FF"] > 0
    assert (row["dsps"], row["rams"]) == (2, 0)  # a block a lane
    assert {row[name] for name in ("area", "gates", "delay", "whole", "wires", "energy")} == {None}
    assert "synthesis only" in " ".join(capsys.readouterr().out.split())
    (line,) = csv.DictReader((tmp_path / "out" / "rows.csv").read_text().splitlines())
    assert (int(line["luts"]), line["area"], line["delay"]) == (row["luts"], "", "")
    monkeypatch.setattr("synth.sweep.work.perform", None)  # all of it is in the store
    sweep(write(tmp_path, ONE), tmp_path / "store", tmp_path / "again")
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "out" / name).read_bytes()


def test_the_script_of_each_family_stands_beside_its_rows(tmp_path):
    space = read(write(tmp_path, ONE.replace('"ecp5"', '"asic", "gowin"')))
    data = tables.as_json([], space, cross(space, Store(tmp_path / "store")), ["pyosys"])
    assert '"fpga_scripts": {\n  "gowin": [' in data
    assert "synth_gowin" in data


@pytest.mark.long
def test_arrays_of_every_family_have_the_figures_of_synth_fpga_and_an_overhead(tmp_path):
    space = write(tmp_path, ONE.replace("pe", "array").replace(
        '"ecp5"', ", ".join(f'"{name}"' for name in FPGAS)).replace("false", "true")
        + 'shapes = ["2x2"]\n')
    code, rows = sweep(space, tmp_path / "store", tmp_path / "out")
    assert code == 0
    sparse = Design(Pattern(2, 4), rows=2, columns=2, multiplier="dsp")
    expected = list(measure([Row("array", design, name) for name in sorted(FPGAS)
                             for design in (sparse.baseline, sparse)], Settings()))
    assert [(row["target"], row["parameters"]["pattern"]) for row in rows] == [
        (one.target, str(one.design.pattern)) for one in expected]
    for row, one in zip(rows, expected, strict=True):
        assert [row[name] for name in ("luts", "flip_flops", "dsps", "rams")] == [
            one.used.luts, one.used.flip_flops, one.used.dsps, one.used.rams]
    for dense, row in zip(rows[::2], rows[1::2], strict=True):
        assert row["overhead_percent"] == round(100 * (row["luts"] / dense["luts"] - 1), 2)
        assert row["throughput_per_area"] is None
