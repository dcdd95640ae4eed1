"""How every command runs: right, or refused in one sentence; interrupted in one line."""

import os
import sys
from collections.abc import Callable, Sequence

from hw.command.children import end_strays
from hw.command.faults import explain
from hw.command.interrupts import Interrupted, interruptible
from hw.command.parser import Arguments, Parser
from hw.command.progress import speaking


__all__ = ["run"]


def run(parser: Parser, work: Callable[[Arguments], int | None],
        argv: Sequence[str] | None = None) -> None:
    """Read a command line and do the work.

    Parameters
    ----------
    parser : Parser
        Of the command line.
    work : callable
        Imports what is slow to import, and returns the exit code or None for success.
    argv : sequence of str, optional
        The command line, by default that of the process.

    Raises
    ------
    SystemExit
        With the code that ``work`` returned; 2 after one last line on standard error for what the
        command refuses, or the machine (:func:`hw.command.faults.explain`); 130 after Ctrl-C, 143
        after SIGTERM and 129 after SIGHUP, with one line each.
    """
    try:
        with interruptible(parser.prog):
            code = _guarded(parser, work, argv)
    except Interrupted as stopped:
        end_strays()
        print(f"{parser.prog}: {stopped.reason}", file=sys.stderr)
        raise SystemExit(stopped.code) from None
    except Exception as error:
        message = explain(error, parser.extra)
        if message is None:
            raise
        parser.error(message)
    if code is not None:
        raise SystemExit(code)


def _check_streams(parser: Parser) -> None:
    """Refuse to print into nothing; let what is said on standard error go nowhere if it must."""
    if sys.stderr is None:  # also, no file may take its number
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    if sys.stdout is None:
        parser.error("standard output must be open, not closed")


def _guarded(parser: Parser, work: Callable[[Arguments], int | None],
             argv: Sequence[str] | None) -> int | None:
    _check_streams(parser)
    try:
        try:
            arguments = parser.parse_args(argv)
            with speaking():
                return work(arguments)
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt as error:
        raise error if isinstance(error, Interrupted) else Interrupted(2) from None
