"""Tries the mutants of a component: what a process of its own does, ``python -m`` this module."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from hw.command.faults import explain
from synth.store import digest, sources
from verify.mutate.components import COMPONENTS, Component
from verify.mutate.devices import begin, device, verilog
from verify.mutate.make import Mutants, make
from verify.mutate.state import SURVIVED, State


__all__ = ["mutants_of", "state_of", "try_all", "verdict"]


LIMIT = 60
"""Seconds of a processor for a mutant, however busy the machine is; cycles are limited, so that
only a model that never settles takes them."""

_DEPENDS = ("verify/jobs.py", "verify/packets.py", "verify/timing.py",
            *(f"verify/mutate/{name}.py" for name in (
                "checks", "part_checks", "walk_checks", "float_checks", "sum_checks",
                "epilogue_checks", "packet_checks", "packet_part", "row_sum_checks", "row_sum_part",
                "parts", "float_parts", "lapse", "make", "devices")),
            "sim/vectors", "sim/verilated", "sw/exact", "sw/driver")
"""Sources that a verdict depends on, besides the design."""


def mutants_of(component: Component, count: int) -> Mutants:
    """The mutants of a component."""
    return make(verilog(component.top, component.design), f"nm_{component.top}", count,
                modules=component.modules)


def state_of(component: Component, folder: Path) -> State:
    """What is known of them."""
    identity = digest(verilog(component.top, component.design), component.modules,
                      sources(*_DEPENDS))
    return State(folder / f"{component.name}.jsonl", identity)


def verdict(built: Any, check: Any, number: int) -> str:
    """Check a mutant; how it was noticed, or that it survived."""
    begin(built, number)
    try:
        check(built)
    except TimeoutError:
        return "no result"
    except AssertionError:
        return "result"
    except (RuntimeError, OSError):
        return "protocol"
    return SURVIVED


def try_all(component: Component, count: int, folder: Path) -> None:
    """Try all mutants that were not tried.

    Raises
    ------
    AssertionError
        If the design without a mutant does not pass.
    """
    state, mutants = state_of(component, folder), mutants_of(component, count)
    left = [(number, name) for number, name in enumerate(mutants.names, start=1)
            if name not in state.verdicts]
    if not left:
        return
    built, check = device(component.top, component.design, mutants.verilog), component.check()
    assert verdict(built, check, 0) == SURVIVED, f"{component.name} must pass without a mutant"
    for number, name in left:
        # The signal ends the process: no handler runs inside a model.
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        state.begin(name)
        state.end(name, verdict(built, check, number))
    signal.setitimer(signal.ITIMER_PROF, 0)


if __name__ == "__main__":
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # harnesses print what differs
    try:
        try_all(COMPONENTS[sys.argv[1]], int(sys.argv[2]), Path(sys.argv[3]))
    except Exception as error:
        if (said := explain(error)) is None:
            raise
        print(said, file=sys.stderr)
        raise SystemExit(2) from None
