"""Processes that a command starts: they end with it, and so do their own children."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from math import ceil
from pathlib import Path
from typing import Any

from hw.command.faults import Fault


__all__ = ["Ended", "as_worker", "begin", "call", "end_all", "end_strays"]


GRACE = 3.0
"""Seconds that a process gets to end its own children."""

_running: dict[subprocess.Popen, bool] = {}
_ended = threading.Event()


class Ended(Fault):
    """The command has been ended: what a child came to says nothing."""


def call(command: Sequence[Any], *, input: str | None = None, timeout: float | None = None,
         processor: float | None = None, parent: bool = False,
         **options: Any) -> subprocess.CompletedProcess:
    """Run a program to its end, as ``subprocess.run`` does, and return what it printed.

    It is the head of a group of its own, which is killed as a whole when the command is
    interrupted, or after ``timeout`` seconds. A ``parent`` starts groups of its own and ends them
    after SIGTERM: it is asked first, and killed only if it does not end soon. After ``processor``
    seconds of a processor, however busy the machine is, SIGXCPU ends it.

    Raises
    ------
    OSError
        If there is no such program.
    Ended
        If the command has been ended, before or meanwhile.
    subprocess.TimeoutExpired
        If it took too long.
    """
    words = [str(word) for word in command]
    if processor is not None:  # a shell sets it: Python may not, in a fork of many threads
        words = ["sh", "-c", 'ulimit -S -t "$0" && exec "$@"', str(ceil(processor)), *words]
    process = subprocess.Popen(
        words, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options})
    _running[process] = parent
    try:
        if _ended.is_set():
            raise Ended("children must not start after their command was ended")
        out, err = process.communicate(input, timeout)
        if process.returncode and _ended.is_set():
            raise Ended("children must not be ended with their command")
    except BaseException:
        if parent:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
        _kill(process)
        process.communicate()
        raise
    finally:
        _running.pop(process)
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def begin() -> None:
    """Let processes start again, for the next command in this process."""
    _ended.clear()


def end_all(number: int = signal.SIGTERM) -> None:
    """End all processes that :func:`call` runs in any thread, and all workers of pools.

    None is started any more until :func:`begin`.
    """
    _ended.set()
    for process, parent in list(_running.items()):
        if parent and number != signal.SIGKILL:
            process.terminate()
        else:
            _kill(process)
    if "multiprocessing" in sys.modules:
        for worker in sys.modules["multiprocessing"].active_children():
            os.kill(worker.pid, number)


def end_strays() -> None:
    """Kill what else this process has started, where the system tells.

    Libraries start some, and a signal may come before :func:`call` knows what it has started.
    """
    keeper = getattr(sys.modules.get("multiprocessing.resource_tracker"), "_resource_tracker", None)
    for listed in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for child in map(int, listed.read_text().split()):
                if child != getattr(keeper, "_pid", None):  # it ends by itself, and cleans up
                    _kill_group(child)


def as_worker() -> None:
    """Initialise a process of a pool: Ctrl-C is the parent's, and its end ends children too.

    At once, even within a long call into a library: a thread sees to it. Another one ends the
    process with its parent, which nobody may have asked to end it: a pool would wait for ever.
    """
    import multiprocessing

    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: None)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def end_after(wait: Callable[[], object]) -> None:
        wait()
        end_all()
        end_strays()
        os._exit(128 + signal.SIGTERM)

    waits: list[Callable[[], object]] = [lambda: os.read(reading, 1)]
    if parent := multiprocessing.parent_process():
        waits.append(parent.join)
    for wait in waits:
        threading.Thread(target=end_after, args=(wait,), daemon=True).start()


def _kill(process: subprocess.Popen) -> None:
    if process.returncode is None:
        _kill_group(process.pid)


def _kill_group(child: int) -> None:
    """Kill a child, and with the head of a group all of it."""
    with suppress(ProcessLookupError):
        own = os.getpgid(child) == child
        (os.killpg if own else os.kill)(child, signal.SIGKILL)
