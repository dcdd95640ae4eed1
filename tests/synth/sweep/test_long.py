"""Sweeps that end in the middle, on a cluster, and that are large."""

import json
import os
import random
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from synth.scripts import CELLS
from synth.store import Store
from synth.sweep import child
from synth.sweep.command import FILES
from synth.sweep.cross import cross
from synth.sweep.recall import address
from synth.sweep.space import read
from tests.commands import ROOT, alive, descendants, start, wait_for
from tests.synth.sweep.runs import sweep, write


pytestmark = pytest.mark.long


def test_a_sweep_that_is_killed_leaves_no_process_and_no_folder(tmp_path):
    """After kill -9 only its children can tidy up."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    space = write(tmp_path, 'patterns = ["8:16"]\ndesigns = ["selector"]')
    process = start(["synth.sweep", space, "--store", tmp_path / "store", "-o", tmp_path / "out"],
                    TMPDIR=str(temporary))
    children = []

    def maps():
        """Whether a child, and a program that it has started, are at work in a folder."""
        children[:] = descendants(process.pid)
        return len(children) >= 2 and list(temporary.glob("nmforge-*/script.abc"))

    try:
        wait_for(maps, 120)
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
designs = ["decompressor", "selector"]
options = ["", "encoding=index"]
"""
SHUFFLED = """
options = ["encoding=index", ""]
designs = ["selector", "decompressor"]
patterns = ["1:3", "1:2"]
"""


def test_one_worker_two_workers_and_a_cluster_give_the_same_rows(tmp_path):
    spaces = [write(tmp_path, text) for text in (SIX, SHUFFLED)]
    with cluster(tmp_path) as address:
        for number, (space, *words) in enumerate([
                (spaces[0], "--workers", "1"), (spaces[1], "--workers", "2"),
                (spaces[0], "--scheduler", address), (spaces[1], "--scheduler", address)]):
            code, rows = sweep(space, tmp_path / f"store{number}", tmp_path / f"out{number}",
                               *words)
            assert (code, len(rows)) == (0, 6)
    for name in FILES:
        contents = {(tmp_path / f"out{number}" / name).read_bytes() for number in range(4)}
        assert len(contents) == 1


def entries(store):
    """Everything that was made, and which file it is."""
    return {path.relative_to(store): path.stat().st_ino for path in store.rglob("*")
            if path.is_file() and path.parent.name != "locks" and not path.name.startswith(".")}


def test_a_sweep_that_is_killed_ten_times_loses_nothing_and_makes_nothing_twice(tmp_path):
    seed = 12
    print("seed", seed)
    draw = random.Random(seed)
    space, store = write(tmp_path, SIX), tmp_path / "store"
    before, kills, longest = {}, 0, 5.0
    while kills < 10:
        begin = time.monotonic()
        process = start(["synth.sweep", space, "--store", store, "-o", tmp_path / "out"])
        try:
            assert process.wait(timeout=draw.uniform(0.1, longest)) == 0
            longest = time.monotonic() - begin  # all is done: the rest is killed looking it up
        except subprocess.TimeoutExpired:
            kills += 1
        children = descendants(process.pid)
        process.kill()
        process.communicate()
        wait_for(lambda children=children: not any(map(alive, children)), 30)
        after = entries(store) if store.exists() else {}
        assert before.items() <= after.items()
        before = after
    code, rows = sweep(space, store, tmp_path / "out")
    assert (code, len(rows), len({row["digest"] for row in rows})) == (0, 6, 6)
    assert before.items() <= entries(store).items()
    fresh, whole = sweep(space, tmp_path / "fresh", tmp_path / "whole")
    assert (fresh, whole) == (0, rows)
    assert entries(tmp_path / "fresh").keys() == entries(store).keys()


def test_two_hundred_stored_points_take_less_than_five_seconds(tmp_path):
    """Cheap ones, made without a process for each: most have one netlist in common."""
    lengths = ", ".join(map(str, range(1, 51)))
    (tmp_path / "other.lib").write_text(f"{CELLS.read_text()}\n/* another library */\n")
    path, store = write(tmp_path, f"""
patterns = ["1:2"]
designs = ["compressor"]
goals = ["area", "delay"]
libraries = ["nmforge", {{liberty = "other.lib", name = "other"}}]
parameters.max_k = [{lengths}]
"""), Store(tmp_path / "store")
    points = cross(read(path), store).points
    assert len(points) == 200
    for point in points:
        answer = child.perform({"point": point.dump(), "digest": address(point),
                                "store": str(store.folder), "module_timeout": 60})
        assert answer["reason"] is None
    begin, before = time.monotonic(), os.times()
    process = start(["synth.sweep", path, "--store", store.folder, "-o", tmp_path / "out"])
    process.communicate()
    after = os.times()
    seconds = sum(getattr(after, name) - getattr(before, name)
                  for name in ("children_user", "children_system"))
    print(f"{time.monotonic() - begin:.1f} s, {seconds:.1f} s of the processor")
    assert process.returncode == 0
    rows = json.loads((tmp_path / "out" / "rows.json").read_text())["rows"]
    assert {row["status"] for row in rows} == {"done"}
    assert len({row["digest"] for row in rows}) == 200
    assert seconds < 5, "of the processor: other work on the machine does not count"
