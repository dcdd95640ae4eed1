"""What ABC decides of outputs of a netlist: whether one can ever be high, for all inputs.

Property directed reachability finds the inductive invariant by itself, and ABC checks it once it
has it. Bradley, SAT-based model checking without unrolling, 2011; Een, Mishchenko and Brayton,
Efficient implementation of property directed reachability, 2011. What has no clock is left to
decision diagrams.
"""

import os
import pty
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Thread

from hw.command.children import call
from hw.command.faults import Fault


__all__ = ["BUSY", "DIAGRAMS", "REACHABILITY", "abc", "abc_program", "gates", "search"]


BUSY = 10.0
"""How many times longer than its own time a process may take on a machine with other work."""

DIAGRAMS = "diagrams, no clock", "collapse; strash"
REACHABILITY = "pdr, unbounded", "scleanup; dc2; scorr"
"""Engines, as a table calls them, and what ABC does before it searches."""


def abc_program() -> Path:
    """The program that comes with Yosys; ModuleNotFoundError where that is not installed."""
    spec = find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'pyosys'", name="pyosys")
    return Path(spec.origin).with_name("yosys-abc")


def abc(script: str, folder: Path, seconds: float) -> str:
    """What ABC prints, which comes with ``pyosys``, within ``seconds`` of a processor.

    Raises
    ------
    Fault
        If it fails.
    TimeoutExpired
        If it does not even get that much within :data:`BUSY` times as long.
    """
    with _terminal() as (screen, text):
        done = call([abc_program(), "-q", script], cwd=folder, timeout=BUSY * seconds,
                    processor=seconds, stdout=screen)
    printed = b"".join(text).decode(errors="replace")
    if done.returncode not in (0, -signal.SIGXCPU) or "Error" in printed:
        raise Fault(f"ABC must decide, not fail: {printed.strip()[-200:]}")
    return printed


@contextmanager
def _terminal() -> Iterator[tuple[int, list[bytes]]]:
    """A terminal to print to, and what was printed: line by line, so that none is lost at the end.

    Programs keep lines back from files and pipes.
    """
    keyboard, screen = pty.openpty()
    text: list[bytes] = []

    def read() -> None:
        with suppress(OSError):  # how Linux tells the end
            while data := os.read(keyboard, 1 << 16):
                text.append(data)

    reader = Thread(target=read)
    reader.start()
    try:
        yield screen, text
    finally:
        os.close(screen)
        reader.join()
        os.close(keyboard)


def gates(top: str) -> list[str]:
    """Commands of Yosys from a design that was read to gates, in ``claim.aig``."""
    return [
        f"hierarchy -check -top {top}", "proc", "flatten",
        "memory -nomap", "opt -full", "memory_map", "opt -full", "dffunmap", "techmap",
        "opt -fast -nodffe -nosdff", "simplemap",
        # What is X to a simulator may be anything to a solver.
        "setundef -undriven -anyseq", "aigmap", "opt_clean", "write_aiger -zinit claim.aig",
    ]


def search(folder: Path, seconds: float, prepare: str = REACHABILITY[1],
           name: str = "claim.aig") -> dict[int, int | None]:
    """Decide the outputs of a netlist.

    Parameters
    ----------
    folder : Path
        Where it is.
    seconds : float
        Time of a processor for the search, with what is done before it.
    prepare : str
        What ABC does before it.
    name : str
        File of the netlist.

    Returns
    -------
    dict of int to (int or None)
        For each output that was decided, by number, None if it is low for ever, or else the number
        of cycles after which it can be high.

    Raises
    ------
    Fault
        If ABC fails.
    """
    try:
        printed = abc(f"read_aiger {name}; {prepare}; pdr -a", folder, seconds)
    except subprocess.TimeoutExpired:
        return {}
    found: dict[int, int | None] = dict.fromkeys(
        map(int, re.findall(r"^Proved output +(\d+)", printed, re.M)))
    return found | {int(output): int(frame) for output, frame in re.findall(
        r"^Output +(\d+) was (?:trivially )?asserted in frame +(\d+)", printed, re.M)}
