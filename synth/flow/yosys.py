"""Runs Yosys, one fresh process for every script."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import FULL


__all__ = ["SynthesisError", "SynthesisTimeout", "require", "run"]


_PROGRAM = """
import os
os.dup2(os.open("yosys.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
from pyosys import libyosys
libyosys.run_pass("script run.ys", libyosys.Design())
"""


ROOM = 1 << 24
"""Bytes that the disk must have left, before and after."""


class SynthesisError(Fault):
    """Yosys gave up, or did not end in time. The message is one sentence."""


class SynthesisTimeout(SynthesisError):
    """Yosys did not end in time."""


def require() -> None:
    """Raise ModuleNotFoundError if Yosys is not installed, for what works long before it runs."""
    if find_spec("pyosys") is None:
        raise ModuleNotFoundError("No module named 'pyosys'", name="pyosys")


def run(script: list[str], folder: Path, *, timeout: float) -> str:
    """Run the commands of ``script`` in ``folder`` and return what Yosys printed.

    Every call is a process of its own with a directory for temporary files of its own: Yosys ends
    the whole process on an error, numbers new names through the life of a process (and the names
    reach ABC, whose results depend on them), and caches libraries where it finds ``TMPDIR``.
    Paths in the script are relative to ``folder``, so that no name depends on where it lies.

    Raises
    ------
    ModuleNotFoundError
        If Yosys is not installed.
    SynthesisError
        If Yosys fails, with the last line it printed, or takes more than ``timeout`` seconds.
    OSError
        If the disk of ``folder`` is full.
    """
    require()
    _require_room(folder)
    (folder / "run.ys").write_text("\n".join(script) + "\n")
    scratch = folder / "tmp"
    scratch.mkdir(exist_ok=True)
    try:  # ABC is a child of that process: the whole group ends with it
        done = call([sys.executable, "-c", _PROGRAM], cwd=folder, timeout=timeout,
                    env={**os.environ, "TMPDIR": str(scratch)}, stdout=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        raise SynthesisTimeout(f"Yosys did not end within {timeout:g} s") from None
    _require_room(folder)
    log = folder / "yosys.log"
    text = log.read_text(errors="replace") if log.exists() else ""
    if done.returncode != 0:
        lines = [line.strip() for line in f"{text}\n{done.stderr}".splitlines()]
        last = next((line for line in reversed(lines) if line),
                    f"exit code {done.returncode}")
        raise SynthesisError(f"Yosys failed: {last}")
    return text


def _require_room(folder: Path) -> None:
    """Raise OSError if the disk of ``folder`` is full: Yosys cuts what it writes without a word."""
    if not hasattr(os, "posix_fallocate"):  # macOS has none
        return
    path = folder / "room"
    try:
        with open(path, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, ROOM)
    except OSError as error:  # others are of file systems that reserve nothing
        if error.errno in FULL:
            raise OSError(error.errno, error.strerror, str(folder)) from None
    finally:
        path.unlink(missing_ok=True)
