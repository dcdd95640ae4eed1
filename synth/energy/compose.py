"""Which gates are simulated of a design whose PEs are all alike, and for how many each stands.

Of the PEs those of one diagonal are simulated, every row and every column once in a square array.
Each stands for as many as there are PEs for one of them; every other gate of the design stands for
itself. What drives a simulated gate is simulated too, back to flip-flops, so that edges reach it
when they do in the whole design, glitches among them.
"""

import re
from dataclasses import replace
from math import isqrt

import numpy as np

from synth.flow.gates import Gates
from synth.library.liberty import Library


__all__ = ["chosen", "sampled"]


_PE = re.compile(r"(?:.*\.)?pe_r(\d+)c(\d+)\.")
"""Path of a gate in a PE, its row and column."""


def chosen(count: int) -> np.ndarray:
    """Numbers of the PEs that are simulated of so many: the square root of all, equally far."""
    return np.unique(np.rint(np.linspace(0, count - 1, isqrt(max(count - 1, 0)) + 1)).astype(int))


def sampled(gates: Gates, library: Library) -> tuple[Gates, np.ndarray]:
    """Part of a design that is simulated, nets as they are, and what each of its gates stands for.

    What stands for nothing only drives others.
    """
    found = [_PE.match(gate.name) for gate in gates.gates]
    place = [match and (int(match[1]), int(match[2])) for match in found]
    every = sorted({one for one in place if one})
    simulated = {every[k] for k in chosen(len(every))} if every else set()
    standing = np.array([1.0 if one is None else len(every) / len(simulated) * (one in simulated)
                         for one in place])
    driver = {gate.pins[pin]: number for number, gate in enumerate(gates.gates)
              for pin in library.cells[gate.cell].functions if pin in gate.pins}
    needed = standing > 0
    waiting = np.flatnonzero(standing).tolist()
    while waiting:
        number = waiting.pop()
        gate = gates.gates[number]
        # A flip-flop that stands for nothing changes at the edge of the clock, whatever drives it.
        if standing[number] or not library.cells[gate.cell].sequential:
            reached = {driver[net] for net in gate.pins.values() if net in driver}
            waiting += (new := [one for one in sorted(reached) if not needed[one]])
            needed[new] = True
    kept = np.flatnonzero(needed)
    return replace(gates, gates=[gates.gates[k] for k in kept]), standing[kept]
