"""Lines of finished work, that outlive whatever ends the process."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hw.command.faults import explain
from hw.command.journal import Journal
from tests.commands import ROOT


def test_what_was_added_is_there_again(tmp_path):
    path = tmp_path / "made" / "x.jsonl"
    journal = Journal(path, "a")
    assert journal.lines == []
    for number in range(3):
        journal.add({"number": number})
    assert Journal(path, "a").lines == journal.lines == [{"number": k} for k in range(3)]
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"identity": "a"}, *journal.lines]
    assert [one.name for one in path.parent.iterdir()] == ["x.jsonl"]


def test_a_line_that_was_cut_is_none(tmp_path):
    """Wherever it was cut; and what is added next is whole. Only its end may be missing."""
    path = tmp_path / "x.jsonl"
    journal = Journal(path, "a")
    journal.add({"number": 1})
    whole = path.read_bytes()
    journal.add({"number": 22})
    line = path.read_bytes()[len(whole):]
    for cut in range(len(line)):
        path.write_bytes(whole + line[:cut])
        again = Journal(path, "a")
        assert again.lines == [{"number": 1}, *[{"number": 22}] * (cut == len(line) - 1)]
        again.add({"number": 3})
        assert Journal(path, "a").lines == again.lines


def test_lines_of_something_else_are_forgotten(tmp_path):
    path = tmp_path / "x.jsonl"
    Journal(path, "a").add({"number": 1})
    assert Journal(path, "b").lines == []
    assert Journal(path, "a").lines == []


ADDS = """
import sys
from pathlib import Path

import pytest
from pathlib import Path
from hw.command.faults import explain
from hw.command.journal import Journal
journal = Journal(Path(sys.argv[1]), "a")
for number in range(10**9):
    journal.add({"number": number})
    print(number, flush=True)
"""


def test_a_process_that_is_killed_loses_nothing(tmp_path):
    """What it said to be added is there, in order, each once."""
    path = tmp_path / "x.jsonl"
    with subprocess.Popen([sys.executable, "-c", ADDS, path], stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)}) as process:
        for _ in range(500):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = 500 + len(process.stdout.read().split("\n")) - 1
    lines = Journal(path, "a").lines
    assert [line["number"] for line in lines] == list(range(len(lines)))
    assert said <= len(lines) <= said + 1


def test_a_full_disk_is_told_with_the_file(tmp_path):
    journal = Journal(tmp_path / "x.jsonl", "a")
    journal.add({"number": 1})
    journal.path = Path("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught:
        journal.add({"number": 2})
    assert "files must be readable and writable, not fail at '/dev/full'" in explain(caught.value)
    assert journal.lines == [{"number": 1}]
