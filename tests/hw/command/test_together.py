"""Two processes of one command into one folder at the same time: nothing is lost or mixed."""

import json
import os
import threading
import time
from types import SimpleNamespace

import pytest

from hw.command.files import write_all
from sim.tests.conftest import wheel  # noqa: F401 - the fixture
from sw.evaluation import learned
from sw.methods.method import Method
from sw.methods.schedule import Training
from tests.commands import ROOT, start


def both(tmp_path, name, one, other, seconds=240):
    """Start a command twice; return code, standard output and standard error of each."""
    if not (tmp_path / "build").exists():
        (tmp_path / "build").symlink_to((ROOT / "build").resolve())
    processes = [start([name, *words], cwd=tmp_path) for words in (one, other)]
    try:
        printed = [process.communicate(timeout=seconds) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [(process.returncode, *said) for process, said in zip(processes, printed, strict=True)]


SPACE = """
patterns = ["{}", "2:4"]
designs = ["pe"]
baselines = false
"""

EVALUATED = ["--model", "minilm", "--count", "2", "--calibration", "1", "--layers",
             "*.0.intermediate.*", "--corrections", "none", "ls", "--epochs", "1", "-o", "out"]


@pytest.mark.long
def test_two_evaluations_have_the_rows_of_both(tmp_path):
    """They train the same corrections for 2:4, one after the other, and each its own."""
    for code, _, err in both(tmp_path, "sw.evaluate", [*EVALUATED, "--patterns", "2:4", "4:8"],
                             [*EVALUATED, "--patterns", "2:4", "8:16"]):
        assert code == 0, err
    rows = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    found = sorted((row["pattern"], row["corrections"]) for row in rows)
    assert found == sorted((pattern, name) for pattern in ("2:4", "4:8", "8:16")
                           for name in ("", "ls"))
    assert {path.name for path in (tmp_path / "out" / "learned").glob("[!.]*")} == {
        f"{pattern}-act-ls.pt" for pattern in ("2x4", "4x8", "8x16")}
    assert len((tmp_path / "out" / "results.csv").read_text().splitlines()) == 7


def test_one_calibration_at_a_time_writes_a_file(tmp_path, monkeypatch):
    order = []

    def calibrate(*given, **options):
        order.append("begins")
        time.sleep(0.2)
        order.append("ends")
        return {}

    monkeypatch.setattr(learned, "calibrate", calibrate)
    subject = SimpleNamespace(model=None, calibration=[{}])
    run_together(lambda: learned.calibrate_subject(
        subject, Method("2:4", corrections=("ls",)), None, None, {"layer.0.up": {}}, Training(),
        tmp_path / "new" / "x.pt", {}, "calibrating"))
    assert order == ["begins", "ends"] * 2


@pytest.mark.long
def test_two_sweeps_share_a_store_and_have_files_of_one_of_them(tmp_path):
    for name, pattern in (("one", "1:2"), ("two", "1:4")):
        (tmp_path / f"{name}.toml").write_text(SPACE.format(pattern))
    words = ["--store", "store", "-o", "out", "--workers", "1"]
    for code, _, err in both(tmp_path, "synth.sweep", ["one.toml", *words], ["two.toml", *words]):
        assert code == 0, err
    rows = json.loads((tmp_path / "out" / "rows.json").read_text())["rows"]
    table = (tmp_path / "out" / "rows.csv").read_text().splitlines()
    patterns = {row["parameters"]["pattern"] for row in rows}
    assert patterns in ({"1:2", "2:4"}, {"1:4", "2:4"})
    assert len(table) == 1 + len(rows)
    assert all(any(f",{pattern}," in line for line in table) for pattern in patterns)
    assert len([path for path in (tmp_path / "store" / "result").rglob("*")
                if path.is_file() and len(path.name) == 64]) == 3, "2:4 is mapped once"


@pytest.mark.long
@pytest.mark.usefixtures("wheel")
def test_the_second_of_two_long_runs_waits_and_goes_on(tmp_path):
    words = ["--patterns", "2:4", "--job-blocks", "0", "-o", "out", "--blocks"]
    done = both(tmp_path, "sim.soak", [*words, "40000"], [*words, "60000"])
    assert [code for code, _, _ in done] == [0, 0], done
    path, = (tmp_path / "out").glob("*.jsonl")
    units = [json.loads(line)["unit"] for line in path.read_text().splitlines()[1:]]
    assert len(units) == len(set(units)) == 6
    assert sorted(out.splitlines()[0].split(", ")[2] for _, out, _ in done) in (
        ["done before: 0", "done before: 4"], ["done before: 0", "done before: 6"])


@pytest.mark.long
@pytest.mark.usefixtures("wheel")
def test_two_runs_of_mutants_try_each_once(tmp_path):
    words = ["--components", "selector-radix", "-o", "out", "--mutants"]
    done = both(tmp_path, "verify.mutate", [*words, "4"], [*words, "8"])
    assert {code for code, _, _ in done} <= {0, 1}, done
    path, = (tmp_path / "out" / "state").glob("*.jsonl")
    lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    tried = [line["mutant"] for line in lines if "verdict" not in line]  # it begins
    assert len(tried) == len(set(tried)) >= 8
    assert json.loads((tmp_path / "out" / "mutants.json").read_text())


def test_files_of_one_command_stay_together(tmp_path, monkeypatch):
    """Also when another one begins to write between two of them."""
    replace, begun, ended = os.replace, threading.Event(), threading.Event()

    def slow(source, place):
        replace(source, place)
        if threading.current_thread().name == "first":
            begun.set()
            ended.wait(0.2)

    def write(name):
        if name == "second":
            begun.wait()
        write_all(tmp_path, {f"{part}.txt": name for part in range(4)})
        if name == "second":
            ended.set()

    monkeypatch.setattr(os, "replace", slow)
    threads = [threading.Thread(target=write, args=(name,), name=name)
               for name in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["second"] * 4


def run_together(work):
    """Run something in two threads."""
    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
