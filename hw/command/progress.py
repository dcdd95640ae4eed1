"""What a command is doing, for who waits: a line that changes, or a line now and then.

Only while a command runs: what the project's functions say of themselves is silent elsewhere.
"""

import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar


__all__ = ["Task", "doing", "speaking", "track"]


T = TypeVar("T")

FIRST = 1.0
"""Seconds after which there is something to say."""

SLOWEST = 30.0
"""Seconds between two lines at most, where there is no terminal."""


@dataclass
class Task:
    """Something that takes time, with ``total`` parts where they can be counted."""

    text: str
    total: int = 0
    done: int = 0
    start: float = field(default_factory=time.monotonic)

    def advance(self, parts: int = 1) -> None:
        """Say that so many more parts are done."""
        self.done += parts

    def reach(self, done: int, total: int) -> None:
        """Say that so many parts are done, of so many."""
        self.done, self.total = done, total

    def __str__(self) -> str:
        passed = time.monotonic() - self.start
        if not self.total:
            return f"{self.text} ({passed:.0f} s)"
        left = f", about {passed / self.done * (self.total - self.done):.0f} s left" \
            if self.done else ""
        return f"{self.text}, {self.done} of {self.total} ({passed:.0f} s{left})"


_tasks: list[Task] = []


@contextmanager
def doing(text: str, total: int = 0) -> Iterator[Task]:
    """Tell what the block does; how long it may take, where that is known, is part of the text."""
    task = Task(text, total)
    _tasks.append(task)
    try:
        yield task
    finally:
        _tasks.remove(task)


def track(items: Iterable[T], text: str, total: int = 0) -> Iterator[T]:
    """Give items, and count those that are done, of ``total`` where items have no length."""
    with doing(text, len(items) if isinstance(items, Sized) else total) as task:
        for item in items:
            yield item
            task.advance()


@contextmanager
def speaking() -> Iterator[None]:
    """Print on standard error what is being done while the block runs."""
    ended = threading.Event()
    terminal = sys.stderr.isatty()
    thread = threading.Thread(target=_speak, args=(ended, terminal), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if terminal:
            _say("\r\x1b[K")


def _speak(ended: threading.Event, terminal: bool) -> None:
    """Say what is being done: every second to a terminal, else at growing intervals."""
    pause = FIRST
    while not ended.wait(pause):
        state = ": ".join(map(str, list(_tasks)[-2:]))
        if terminal:
            _say(f"\r\x1b[K{state[:shutil.get_terminal_size().columns - 1]}")
        elif state:
            _say(f"{state}\n")
            pause = min(SLOWEST, 2 * pause)


def _say(text: str) -> None:
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except (OSError, ValueError):
        pass
