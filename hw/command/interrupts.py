"""Ctrl-C and termination: soon, without children or partial files left behind."""

import os
import shutil
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hw.command import children
from hw.command.early import SIGNALS


__all__ = ["Interrupted", "interruptible", "unfinished"]


GRACE = 1.0
"""Seconds that a command gets to end by itself; then its process is ended."""

LAST_WORDS = 3.0
"""Seconds in which a child that was killed may still write what it had begun."""

_unfinished: set[Path] = set()


class Interrupted(KeyboardInterrupt):
    """A signal asked the command to end."""

    def __init__(self, number: int):
        super().__init__(number)
        self.code = 128 + number
        self.reason = SIGNALS[signal.Signals(number)]


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """Remove a file or directory unless the block ends well; also when the process is ended."""
    _unfinished.add(path)
    try:
        yield path
    except BaseException:
        _remove(path)
        raise
    finally:
        _unfinished.discard(path)


@contextmanager
def interruptible(prog: str) -> Iterator[None]:
    """Raise :class:`Interrupted` in the block at the first signal; later ones are ignored.

    Children end at once, so that nothing waits for them. A long call into a library would keep
    Python from raising anything: a thread then ends the process. Python drops what is raised while
    it clears up an object; the block may then fail for want of its children: that becomes
    :class:`Interrupted`, too.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS
              if signal.getsignal(number) not in (signal.SIG_IGN, None)}
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    ended = threading.Event()
    threading.Thread(target=_watch, args=(prog, reading, ended), daemon=True).start()
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)

    def stop(number: int, frame: Any) -> None:
        for each in before:
            signal.signal(each, signal.SIG_IGN)
        children.end_all()
        warnings.simplefilter("ignore")  # a design that is half made warns when it is dropped
        received.append(number)
        raise Interrupted(number)

    says_dropped = sys.unraisablehook

    def dropped(what: Any) -> None:
        if not isinstance(what.exc_value, Interrupted):
            says_dropped(what)

    try:
        for number in before:
            signal.signal(number, stop)
        sys.unraisablehook = dropped
        yield
    except Exception:
        if received:
            raise Interrupted(received[0]) from None
        raise
    finally:
        ended.set()
        sys.unraisablehook = says_dropped
        signal.set_wakeup_fd(wakeup)
        children.begin()
        for number, handler in before.items():
            signal.signal(number, handler)
        os.close(writing)  # the thread reads the end of the pipe, and closes the other side


def _watch(prog: str, reading: int, ended: threading.Event) -> None:
    """End the process if it does not end by itself after a signal."""
    while received := os.read(reading, 1):
        number = received[0]
        if number in SIGNALS and not ended.wait(GRACE):
            children.end_all(signal.SIGKILL)
            children.end_strays()
            for path in list(_unfinished):
                _remove(path)
            with suppress(OSError):
                os.write(2, f"\n{prog}: {SIGNALS[signal.Signals(number)]}\n".encode())
            os._exit(128 + number)
    os.close(reading)


def _remove(path: Path) -> None:
    """Remove a file or a directory, and what children that are being ended still write there."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    until = time.monotonic() + LAST_WORDS
    while True:
        shutil.rmtree(path, ignore_errors=True)
        if not path.exists() or time.monotonic() > until:
            return
        time.sleep(0.02)
