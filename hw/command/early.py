"""Signals while the modules of a command are imported: one line, as later.

Packages with commands import this first. It does nothing unless the process is one of their
commands; :func:`hw.command.interrupts.interruptible` takes over as soon as the command runs.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Any


__all__ = ["SIGNALS"]


SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}
"""What asks a command to end, and what it says then."""

PACKAGES = ("hw", "sw", "sim", "synth", "verify")


def _command() -> str:
    """Name of the command that this process begins to import; nothing if it is another program."""
    words = sys.orig_argv
    if sys.argv[:1] != ["-m"] or "-m" not in words[:-1]:
        return ""
    name = words[words.index("-m") + 1]
    return name if name.split(".")[0] in PACKAGES else ""


def _arm(name: str) -> None:
    def end(number: int, frame: Any) -> None:  # nothing is open yet that would have to be closed
        with suppress(OSError):
            os.write(2, f"python -m {name}: {SIGNALS[signal.Signals(number)]}\n".encode())
        os._exit(128 + number)

    for number in SIGNALS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)


if command := _command():
    _arm(command)
