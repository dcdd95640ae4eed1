"""Wires of a placed design, as loads and resistances of its nets."""

import numpy as np

from synth.flow.timing import Wires
from synth.library.liberty import Library
from synth.placement.lef import Wire
from synth.placement.place import Placement


__all__ = ["ROUTING", "extended", "wires"]


ROUTING = 1.13
"""Length of a routed net over half of the perimeter of its box: 1.12 to 1.13 where PEs were routed
(osu018, qrouter)."""


def wires(placement: Placement, wire: Wire, library: Library) -> Wires:
    """Give every net the wire that its box asks for, in the units of the library.

    The whole resistance counts for every sink, so its delay is an upper bound.
    """
    length = placement.length * ROUTING
    # kOhm times pF is ns.
    return Wires(load=length * wire.capacitance * 1000 / library.capacitance_ff,
                 resistance=length * wire.resistance * library.capacitance_ff / library.time_ps)


def extended(found: Wires, size: int) -> Wires:
    """Wires of so many nets; those that are further have none."""
    further = (0, size - len(found.load))
    return Wires(np.pad(found.load, further), np.pad(found.resistance, further))
