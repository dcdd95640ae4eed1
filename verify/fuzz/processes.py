"""Commands as whole processes, with random command lines: how they end and what they leave."""

import os
import sys
import tempfile
from pathlib import Path

from hw.command.children import call
from verify.fuzz.commands import lines
from verify.fuzz.target import REFUSED, TAKEN, Target, refusal


__all__ = ["can_be_passed", "target_of"]


TIME = 10
"""Seconds after which a command that works is interrupted, as by Ctrl-C."""

GRACE = 20
"""Seconds in which it must have ended then."""

_INTERRUPTED, _KILLED = 130, 137
_UNFINISHED = ("**/.nmforge-*", "**/*.part", "**/.new-*")


def target_of(name: str) -> Target:
    """The processes of a command."""
    return Target(f"python -m {name}", "whole processes", lines(name).filter(can_be_passed),
                  lambda words: _check(name, words), limit=2.0 * (TIME + GRACE), shrinks=False)


def can_be_passed(words: list[str]) -> bool:
    """Whether the system takes the words: it knows bytes, and half a pair of UTF-16 has none."""
    try:
        os.fsencode("".join(words))
    except UnicodeEncodeError:
        return False
    return True


def _check(name: str, words: list[str]) -> str:
    """It ends well, is refused in one sentence, or is interrupted in one line; nothing is half."""
    with tempfile.TemporaryDirectory(prefix="nmforge-fuzz-") as folder:
        place = Path(folder) / "inside"
        place.mkdir()
        done = call(["timeout", "--preserve-status", "-s", "INT", "-k", str(GRACE), str(TIME),
                     sys.executable, "-m", name, *words], cwd=place, errors="replace",
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, filter(
                        None, sys.path))), "HF_HUB_OFFLINE": "1"})
        left = [str(path) for pattern in _UNFINISHED for path in Path(folder).glob(pattern)]
    assert not left, f"left: {left}"
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode != _KILLED, "did not end after Ctrl-C"
    assert done.returncode in (0, 2, _INTERRUPTED), f"exit code {done.returncode}: {done.stderr}"
    if done.returncode == 2:
        refusal(name, done.stderr)
        return REFUSED
    return TAKEN
