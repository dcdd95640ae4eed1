"""The command that runs long: what it prints, keeps, and goes on from."""

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from hw.command.faults import Fault
from sim import soak
from sim.runs.soak import run
from sim.tests.conftest import wheel  # noqa: F401 - the fixture
from tests.commands import ROOT, alive, descendants, refused, start, wait_for


pytestmark = pytest.mark.usefixtures("wheel")

WORDS = ["--patterns", "2:4", "--blocks", "1000", "--job-blocks"]


def told(folder):
    """Lines of the journal, without the first."""
    path, = folder.glob("*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()][1:]


@pytest.fixture
def in_process(monkeypatch):
    """Units run in this process."""
    monkeypatch.setattr(run, "ProcessPoolExecutor",
                        lambda workers, context, initializer: ThreadPoolExecutor(1))


def soaked(words, capsys):
    with pytest.raises(SystemExit) as caught:
        soak.main([str(word) for word in words])
    return caught.value.code, capsys.readouterr().out


@pytest.mark.usefixtures("in_process")
def test_what_was_done_is_not_done_again(tmp_path, capsys):
    """And more is added to it."""
    words = [*WORDS, 0, "-o", tmp_path]
    code, out = soaked(words, capsys)
    assert code == 0
    assert out.startswith("SEED=1, 2 units, done before: 0, ")
    assert "2 of 2 units, peak memory of a process " in out
    first = told(tmp_path)
    assert sorted(line["name"] for line in first) == ["compressor", "decompressor"]
    assert all(line["blocks"] == 1000 < line["cycles"] for line in first)
    code, out = soaked(words, capsys)
    assert (code, told(tmp_path)) == (0, first)
    assert "SEED=1, 2 units, done before: 2, " in out
    assert "peak" not in out
    code, out = soaked([*WORDS, 1000, "-o", tmp_path], capsys)
    assert code == 0
    assert [line["name"] for line in told(tmp_path)[2:]] == ["accelerator"]


@pytest.mark.usefixtures("in_process")
def test_a_wrong_unit_ends_with_code_1_and_is_run_again(tmp_path, capsys, monkeypatch):
    def wrong(unit):
        return {"unit": str(unit), "name": unit.name, "wrong": "beat 3 of 9 is wrong",
                "seconds": 1.0, "peak": 1}

    words = [*WORDS, 0, "-o", tmp_path]
    with monkeypatch.context() as patch:
        patch.setattr(run, "run_unit", wrong)
        code, out = soaked(words, capsys)
    assert code == 1
    assert "compressor 0: 1000 blocks, 2:4 format=int4: beat 3 of 9 is wrong\n" in out
    code, out = soaked(words, capsys)
    assert code == 0
    assert "done before: 0, " in out
    assert len(told(tmp_path)) == 4


@pytest.mark.usefixtures("in_process")
def test_what_stops_a_unit_ends_the_run_at_once(tmp_path, capsys, monkeypatch):
    """Units that were waiting are not run for nobody."""
    begun = []

    def fails(unit):
        begun.append(unit)
        time.sleep(0.02)  # long enough for the others to be queued behind it
        raise Fault("CXX must name a compiler")

    monkeypatch.setattr(run, "run_unit", fails)
    assert refused(soak.main, ["--patterns", "2:4", "--blocks", "4000000", "-o", tmp_path],
                   capsys) == "python -m sim.soak: error: CXX must name a compiler"
    assert len(begun) < 300, "of 600 units"
    assert not told(tmp_path)


@pytest.mark.usefixtures("in_process")
def test_runs_of_other_patterns_and_seeds_stand_beside_each_other(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(run, "run_unit", lambda unit: {
        "unit": str(unit), "name": unit.name, "blocks": 1, "cycles": 1, "seconds": 1.0, "peak": 1})
    for seed in ("1", "2", "1"):
        monkeypatch.setenv("SEED", seed)
        for pattern in ("2:4", "4:8"):
            soaked(["--patterns", pattern, "--blocks", "1000", "-o", tmp_path], capsys)
    assert len(list(tmp_path.glob("*.jsonl"))) == 4


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_was_ended_goes_on(number, tmp_path):
    """Nothing is lost, no unit is run twice, and no process stays."""
    (tmp_path / "build").symlink_to((ROOT / "build").resolve())
    words = ["sim.soak", "--patterns", "2:4", "--blocks", "100000", "--job-blocks", "0",
             "-o", "out"]
    process = start(words, cwd=tmp_path)
    try:
        wait_for(lambda: list(tmp_path.glob("out/*.jsonl")) and len(told(tmp_path / "out")) >= 3,
                 200)
        children = descendants(process.pid)
        process.send_signal(number)
        process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode in (128 + number, -number)
    wait_for(lambda: not any(map(alive, children)), 20)
    before = told(tmp_path / "out")
    again = start(words, cwd=tmp_path)
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    assert f"10 units, done before: {len(before)}, " in out
    lines = told(tmp_path / "out")
    assert lines[:len(before)] == before
    assert len({line["unit"] for line in lines}) == len(lines) == 10
