"""Registers that a run cannot count up to their high bits, and how they are set instead.

The Verilog stays as it is: Verilator shows these registers of its model, and the bench sets them.
"""

import re

from sim.simulators.verilator import Probes
from sim.verilated.library import Library


__all__ = ["COUNTERS", "preload", "probes"]


COUNTERS = ("cycles", "steps", "array_cycles", "idle_cycles")
"""Counters of a job, 32 bits each, in the controller of an accelerator."""

CONTROLLER = "nm_accelerator_controller"
PLACE = "nm_accelerator.accelerator.controller"


def _place(text: str, counter: str) -> tuple[str, int]:
    """The register of the controller that holds a counter, and where it begins in it."""
    controller = text[text.index(f"module {CONTROLLER}("):]
    found = re.search(rf"assign \\registers__state\.{counter}  = (\S+) \[\d+:(\d+)\];", controller)
    if found is None:
        raise ValueError(f"counter must be a part of a register of the controller, not {counter!r}")
    return found[1], int(found[2])


def probes(text: str) -> Probes:
    """What to build of a design so that its coverage is counted and its counters can be set."""
    if f"module {CONTROLLER}(" not in text:
        return Probes(coverage=True)
    names = {_place(text, counter)[0] for counter in COUNTERS}
    # Names with a backslash are known to Verilator's configuration by their end only.
    return Probes(coverage=True, registers=tuple(
        (CONTROLLER, name.replace("\\", "*")) for name in sorted(names)))


def preload(model: Library, text: str, counter: str, value: int) -> None:
    """Set a counter of a running accelerator of the Verilog ``text``."""
    name, low = _place(text, counter)
    model.poke(PLACE, f"{name} " if name.startswith("\\") else name, value, low=low)
