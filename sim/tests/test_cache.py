"""The cache of built models."""

import multiprocessing
import subprocess
import time

import pytest

from hw.command.faults import Fault
from sim.simulators import cache, verilator
from sim.simulators.verilator import included


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_a_directory_is_made_once():
    calls = []

    def make(directory):
        calls.append(directory)
        (directory / "file").write_text("made")

    first, second = (cache.cached("thing", ("input", 1), make) for _ in range(2))
    assert first == second
    assert (first / "file").read_text() == "made"
    assert len(calls) == 1


def test_other_inputs_make_another_directory():
    made = {cache.cached("thing", inputs, lambda directory: None)
            for inputs in ((1,), ("1",), (2,))}
    assert len(made) == 3


def test_what_was_left_half_built_is_not_reused():
    def fail(directory):
        (directory / "rubbish").write_text("half")
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError, match=r"^broken$"):
        cache.cached("thing", (1,), fail)
    assert list(cache.cached("thing", (1,), lambda directory: None).iterdir()) == []


def slow(directory):
    (directory / "first").write_text("")
    time.sleep(0.2)
    (directory / "second").write_text("")


def worker(queue):
    made = cache.cached("thing", (1,), slow)
    queue.put(sorted(path.name for path in made.iterdir()))


def test_processes_wait_for_each_other():
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=worker, args=(queue,)) for _ in range(3)]
    for process in processes:
        process.start()
    assert [queue.get(timeout=60) for _ in processes] == [["first", "second"]] * 3
    for process in processes:
        process.join()


def test_a_harness_stands_for_all_that_it_includes(tmp_path):
    """From wherever it includes it, once, but for headers of the system."""
    for name, text in (("own/harness.cpp", '#include <cstdint>\n#include "../common/a.cpp"\n'),
                       ("common/a.cpp", '#include "b.h"\n#include "Vtop.h"\n'),
                       ("common/b.h", '#include "a.cpp"\n'), ("common/other.h", "")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = included(tmp_path / "own" / "harness.cpp")
    assert [path.name for path in found] == ["harness.cpp", "a.cpp", "b.h"]


@pytest.mark.parametrize("raised", [
    OSError(28, "No space left on device", "file"),
    # What hw.command.files makes of the same.
    ValueError("output must be a writable directory, not 'x' (No space left on device)")])
def test_a_full_disk_is_said_of_the_place_that_is_built_in(raised, tmp_path):
    def fail(directory):
        (directory / "rubbish").write_text("half")
        raise raised from OSError(28, "No space left on device")

    with pytest.raises(Fault, match=r"^working directory must let files be written to build/sim, "
                                    r"not '.*' \(No space left on device\)$"):
        cache.cached("thing", (1,), fail)
    assert [path.suffix for path in (tmp_path / "build" / "sim").iterdir()] == [".lock"]


def test_tools_keep_temporary_files_where_they_go_when_a_tool_is_killed(monkeypatch, tmp_path):
    given = {}
    monkeypatch.setattr(verilator, "call", lambda command, **options: given.update(options)
                        or subprocess.CompletedProcess(command, 0, "", ""))
    verilator._run(["c++"], tmp_path, VERILATOR_ROOT="there")
    assert given["env"]["TMPDIR"] == str(tmp_path)
    assert given["env"]["VERILATOR_ROOT"] == "there"
