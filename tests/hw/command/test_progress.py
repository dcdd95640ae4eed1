"""What commands say of themselves while they work."""

import re
import time

import pytest

from hw.command import progress
from hw.command.progress import Task, doing, speaking, track


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(progress, "FIRST", 0.05)


def test_says_what_is_done_and_how_long_it_takes_without_a_terminal(capsys):
    with speaking():
        for item in track([1, 2, 3], "patterns"):
            with doing(f"compiling {item}, up to a minute"):
                time.sleep(0.15)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"patterns, 0 of 3 \(0 s\): compiling 1, up to a minute \(0 s\)", lines[0])
    assert any(re.fullmatch(r"patterns, [12] of 3 \(0 s, about 0 s left\): compiling .*", line)
               for line in lines)
    assert len(lines) < 8, "a line now and then"


def test_lines_come_less_often_the_longer_it_takes(capsys):
    with speaking(), doing("something"):
        time.sleep(0.8)
    assert 2 <= len(capsys.readouterr().err.splitlines()) <= 4


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_has_one_line_that_changes_and_is_gone_at_the_end(capsys, monkeypatch, columns):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    with speaking(), doing("something " * 20):
        time.sleep(0.2)
    text = capsys.readouterr().err
    assert "\n" not in text
    assert text.startswith("\r\x1b[Ksomething")
    assert text.endswith("\r\x1b[K")
    assert max(map(len, text.split("\r\x1b[K"))) == columns - 1


def test_quick_work_and_functions_outside_commands_say_nothing(capsys):
    with speaking(), doing("something"):
        pass
    with doing("something"):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def test_time_that_is_left_follows_from_the_parts_that_are_done():
    task = Task("training", 8, start=time.monotonic() - 10)
    assert str(task) == "training, 0 of 8 (10 s)"
    task.advance(2)
    assert str(task) == "training, 2 of 8 (10 s, about 30 s left)"
