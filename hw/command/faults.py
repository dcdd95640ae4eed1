"""What stops a command although its arguments are right, in one sentence."""

import os
import sys
from contextlib import suppress


__all__ = ["Fault", "explain", "lacking", "reason"]


class Fault(RuntimeError):
    """A tool or the machine did not do its part; the message says so, its first line in short."""


def explain(error: BaseException, extra: str = "") -> str | None:
    """Say what an exception means to who gave the command; None for a defect of the program.

    ``extra`` is the extra of the package that brings what the command imports.
    """
    if isinstance(error, ModuleNotFoundError):
        return _missing(error, extra)
    if isinstance(error, UnicodeError):
        return f"text must be UTF-8, not other bytes ({error})"
    if isinstance(error, OSError):
        return _system(error)
    if type(error).__name__ == "BrokenProcessPool":
        return "workers must run to their end, not be killed, as for lack of memory"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "memory must hold what is asked for, not run out: ask for less at a time"
    if isinstance(error, (ValueError, Fault)):
        return str(error).strip().partition("\n")[0]
    return None


def lacking(error: ModuleNotFoundError) -> str:
    """Name of the package that is not installed, also where a library hides it behind its own."""
    cause: BaseException | None = error
    while isinstance(cause, ModuleNotFoundError):
        if cause.name:
            return cause.name
        cause = cause.__cause__
    return ""


def reason(error: BaseException) -> str:
    """Why something could not be read or written, for a message that names it."""
    about = getattr(error, "strerror", None) or str(error).strip().partition("\n")[0]
    return about or type(error).__name__


def _missing(error: ModuleNotFoundError, extra: str) -> str | None:
    name = lacking(error)
    if name.split(".")[0] in ("hw", "sw", "sim", "synth", "verify"):
        return None
    named = error.name and str(error) != f"No module named {name!r}"
    if named or not name:  # whoever raised it knows more
        return str(error).partition("\n")[0]
    package = f"nmforge[{extra}]" if extra else "nmforge"
    return f"{name} must be installed, not missing: pip install '{package}'"


def _system(error: OSError) -> str:
    if error.errno is None:  # raised by a function that says what it means
        return str(error).partition("\n")[0]
    if isinstance(error, FileNotFoundError) and "temporary directory" in str(error):
        return (f"TMPDIR must be a directory that can be written, not "
                f"{os.environ.get('TMPDIR', '')!r} ({reason(error)})")
    if error.filename is None:
        _silence()
        return f"standard output and files must take what is written, not fail ({reason(error)})"
    name = os.fsdecode(error.filename) if not isinstance(error.filename, int) else "?"
    return f"files must be readable and writable, not fail at {name!r} ({reason(error)})"


def _silence() -> None:
    """Let standard output go nowhere: what it did not take would fail again at the end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
