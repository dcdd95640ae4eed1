"""The process of a point: what it answers, whatever happens to it."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from hw.config import Design, Pattern
from synth.scripts import CELLS
from synth.store import Store
from synth.sweep import child, run, work
from synth.sweep.point import Cells, Point, Simulation
from synth.sweep.recall import address
from synth.sweep.workers import local


POINT = Point("selector", Design(Pattern(1, 2)), Cells(CELLS))


def job(point, store, **more):
    return {"point": point.dump(), "digest": address(point), "store": str(store), "timeout": 60,
            "module_timeout": 60, **more}


@pytest.mark.parametrize("point", [
    POINT, replace(POINT, goal="delay", wires=True, energy=Simulation("gaussian", 1, 20)),
    Point("array", Design(Pattern(2, 4), rows=2, shift="none"), Cells(CELLS, (Path("/x.lef"),))),
    Point("pe", Design(Pattern(2, 4), multiplier="dsp"), None, "", "ecp5")])
def test_points_survive_as_json(point):
    assert Point.load(json.loads(json.dumps(point.dump()))) == point


def test_digests_differ_where_points_do():
    points = [POINT, replace(POINT, goal="delay"), replace(POINT, wires=True),
              replace(POINT, energy=Simulation()), replace(POINT, energy=Simulation(seeds=1)),
              replace(POINT, name="compressor"), replace(POINT, design=Design(Pattern(1, 3))),
              *(replace(POINT, cells=None, goal="", target=target) for target in ("ecp5", "xc7"))]
    assert len({address(point) for point in points}) == len(points)
    assert address(POINT) == address(replace(POINT, cells=Cells(CELLS, name="other name")))


def test_a_worker_with_other_sources_is_found_out(tmp_path):
    answer = child.perform(job(POINT, tmp_path, digest="other"))
    assert answer == {"entries": [], "reason": "workers must have the sources, packages and files "
                                               "of the command, not others"}


def test_a_defect_is_a_reason_with_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr("synth.sweep.measure.PARTS", {"result": lambda *given: {}["x"]})
    answer = child.perform(job(POINT, tmp_path))
    assert answer["reason"].startswith(
        "the program must not fail, as with KeyError: 'x' (test_work.py:")


@pytest.mark.parametrize(("error", "missing"), [
    (OSError(28, "No space left on device", "a"), None),
    (ModuleNotFoundError("No module named 'pyosys'", name="pyosys"), "pyosys")])
def test_what_would_stop_every_point_is_said(error, missing, tmp_path, monkeypatch):
    def fail(*given):
        raise error

    monkeypatch.setattr("synth.sweep.measure.PARTS", {"result": fail})
    answer = child.perform(job(POINT, tmp_path))
    assert answer["stop"]
    assert answer["missing"] == missing
    monkeypatch.setattr(work, "perform", lambda job: answer)
    stopped = ModuleNotFoundError if missing else RuntimeError
    with pytest.raises(stopped, match="No "), local(1) as pool:
        run.run([POINT], Store(tmp_path), pool)


def test_a_process_that_crashes_is_a_reason(tmp_path):
    answer = work.perform(job(POINT, tmp_path, module_timeout="soon") | {"point": {}})
    assert answer["status"] == "failed"
    assert answer["reason"].startswith("its process must end well, not with exit code 1: KeyError")


def test_results_of_workers_with_another_store_are_copied(tmp_path, monkeypatch):
    """As on a cluster without a file system in common."""
    perform = work.perform
    monkeypatch.setattr(work, "perform", lambda job: perform(
        {**job, "store": str(tmp_path / "theirs")}))
    with local(1) as pool:
        outcome = run.run([POINT], Store(tmp_path / "ours"), pool)[POINT]
    assert outcome.status == "done"
    assert outcome.parts["result"]["area"] > 0
    monkeypatch.setattr(work, "perform", None)
    with local(1) as pool:
        assert run.run([POINT], Store(tmp_path / "ours"), pool)[POINT] == outcome


def test_a_child_ends_when_its_parent_is_gone():
    """It asks who its parent is: a number that is nobody's is one that is gone."""
    text = json.dumps({"parent": 2 ** 22 + 1, "point": None})
    script = ("import time\nfrom synth.sweep import child\n"
              "child.perform = lambda job: time.sleep(60)\nchild.main()")
    done = subprocess.run([sys.executable, "-c", script],
                          input=text, capture_output=True, text=True, check=False, timeout=30,
                          env={**os.environ, "PYTHONPATH": work._ROOT})
    assert (done.returncode, done.stdout) == (143, "")


def test_what_cannot_be_placed_keeps_its_result(tmp_path):
    """The row says why there are no wires."""
    text = CELLS.with_suffix(".lef").read_text()
    sizes = tmp_path / "few.lef"
    sizes.write_text(text.replace("INV_X1\n", "INV_X9\n"))
    point = replace(POINT, cells=Cells(CELLS, (sizes,)), wires=True)
    with local(1) as pool:
        outcome = run.run([point], Store(tmp_path / "store"), pool)[point]
    assert (outcome.status, outcome.parts.keys()) == ("done", {"result"})
    assert outcome.reason.startswith("lef must have a size for INV_X1")


@pytest.mark.long
def test_wires_and_energy_are_kept_too(tmp_path, monkeypatch):
    point = Point("pe", Design(Pattern(1, 2)), Cells(CELLS), wires=True,
                  energy=Simulation("gaussian", 1, 20))
    store = Store(tmp_path)
    with local(1) as pool:
        outcome = run.run([point], store, pool)[point]
    assert (outcome.status, outcome.reason) == ("done", None)
    wires, energy = outcome.parts["wires"], outcome.parts["energy"]
    assert wires["core"] > outcome.parts["result"]["area"]
    assert wires["delay"] > outcome.parts["result"]["delay"]
    assert energy["per"] == "product"
    assert 0 < energy["settled_mean"] < energy["mean"]
    assert sum(both[0] for both in energy["parts"].values()) == pytest.approx(energy["mean"])
    assert sum(energy["causes"].values()) == pytest.approx(energy["mean"])
    monkeypatch.setattr(work, "perform", None)
    with local(1) as pool:
        assert run.run([point], store, pool)[point] == outcome
