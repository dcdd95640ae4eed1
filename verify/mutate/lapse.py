"""A long time in one cycle: what a job counts up stands near its top, what it counts down is small.

The high bits of these registers, which no run of a bench reaches by itself, are forced for a cycle,
as a mutant forces one: the choice :data:`LAPSE` stands for all of them at once. Meanwhile the
mutant that is tried is away.
"""

import ctypes
import re
from collections.abc import Iterator
from typing import Any


__all__ = ["COUNTED", "LAPSE", "LEFT", "forced", "lapse"]


LAPSE = (1 << 16) - 1
"""Number of the choice."""

LEFT = 13
"""Bits of what is left of tokens, tiles and blocks that stay: as many as a bench goes through."""

COUNTED = 3
"""Bits of counters that stay; those above are 1."""

_COUNTER = re.compile(r"^  connect \\registers__state\.(?:cycles|steps|array_cycles|idle_cycles) "
                      r"(\S+) \[(\d+):(\d+)\]$", re.M)
"""A counter of the controller: the wire of registers that it is a part of, and its bits there."""


def lapse(built: Any) -> None:
    """Let a long time pass in a cycle in which all streams rest."""
    built.call("lapse", ctypes.c_uint32(LAPSE))


def forced(gold: str) -> Iterator[str]:
    """What is forced in a design of RTLIL, as options of Yosys' ``mutate``."""
    modules = re.findall(r"^module \\(nm_accelerator_\w+)\n(.*?)^end$", gold, re.M | re.S)
    for module, body in modules:
        if module.startswith("nm_accelerator_passes_"):
            mode, bits = "const0", None
        elif module == "nm_accelerator_controller":
            mode, bits = "const1", {(wire, bit) for wire, high, low in _COUNTER.findall(body)
                                    for bit in range(int(low) + COUNTED, int(high) + 1)}
        else:
            continue
        for cell, port, wire, bit in _registers(body):
            if bit >= LEFT if bits is None else (wire, bit) in bits:
                yield f"-mode {mode} -module {module} -cell {cell} -port D -portbit {port}"


def _registers(body: str) -> Iterator[tuple[str, int, str, int]]:
    """Bits of registers: cell and bit of its port, and the wire that it drives, with the bit."""
    for cell, inside in re.findall(r"^  cell \$dff (\S+)\n(.*?)^  end$", body, re.M | re.S):
        driven = re.search(r"^    connect \\Q (\S+)(?: \[(?:\d+:)?(\d+)\])?$", inside, re.M)
        width = re.search(r"^    parameter \\WIDTH (\d+)$", inside, re.M)
        if driven and width:
            for port in range(int(width[1])):
                yield cell, port, driven[1], port + int(driven[2] or 0)
