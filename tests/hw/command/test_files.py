"""Output files: whole or not there, and refused before there is anything to write."""

import os
import threading
import time
from pathlib import Path

import pytest

from hw.command import files
from hw.command.files import alone, check_file, check_writable, temporary, write_all


def test_all_files_or_none(tmp_path, monkeypatch):
    write_all(tmp_path / "a" / "b", {"x": "text", "y": b"bytes"})
    assert (tmp_path / "a" / "b" / "y").read_bytes() == b"bytes"

    def full(self, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ValueError, match=r"^output must be a writable directory, not '.*' "
                                         r"\(No space left on device\)$"):
        write_all(tmp_path / "c", {"x": "text"})
    assert not (tmp_path / "c").exists()


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_what_is_no_directory_is_refused_and_nothing_left(tmp_path, name):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(ValueError, match=r"^output must be a writable directory, not '.*' \(.+\)$"):
        check_writable(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_directory_in_the_place_of_a_file_is_refused_before_anything_is_replaced(tmp_path):
    (tmp_path / "y").mkdir()
    with pytest.raises(ValueError, match=r"\(y in it is a directory\)$"):
        write_all(tmp_path, {"x": "text", "y": "text"})
    assert [path.name for path in tmp_path.iterdir()] == ["y"]


def test_a_missing_directory_is_checked_without_being_made(tmp_path):
    check_writable(tmp_path / "a" / "b")
    check_file("learned", tmp_path / "a" / "b.pt")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^learned must be a file that can be written, not "
                                         r"'.*' \(.+\)$"):
        check_file("learned", tmp_path)


def test_temporary_directories_go_with_their_block(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, "tempdir", str(tmp_path))

    def interrupted():
        with temporary() as folder:
            (folder / "x").write_text("")
            assert os.listdir(tmp_path)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not os.listdir(tmp_path)


def test_one_at_a_time(tmp_path):
    """Whoever comes second waits, and goes on once the first is done, or has ended."""
    order = []

    def second():
        with alone(tmp_path / "lock", "works"):
            order.append("second")

    with alone(tmp_path / "lock", "works"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
