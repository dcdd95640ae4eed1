"""A mapped design with its wires: placed, buffered, and timed again."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from hw.command.children import as_worker
from synth.flow.flat import Netlist, Parts
from synth.flow.gates import Gates
from synth.flow.synthesis import Flow
from synth.flow.timing import Arrivals, Path, Wires, arrivals
from synth.placement.buffers import buffered
from synth.placement.lef import Lef
from synth.placement.place import Placement, place
from synth.placement.sizing import sized
from synth.placement.wires import ROUTING, extended, wires
from synth.scripts import SIZED


__all__ = ["Placed", "placed", "timed"]


ROUNDS = 4
"""Placements at most: each may show nets that need buffers, the last one is kept as it is."""


@dataclass(frozen=True)
class Placed:
    """A design and where it stands.

    Attributes
    ----------
    gates : Gates
        With the buffers that were inserted, and with the goal ``work`` sized for their wires.
    buffers : int
        Their number.
    core : float
        Area of the core in square micrometres. Sizing after the placement moves no gate: the core
        grows as its cells do.
    placement : Placement
        Without the buffers of sizing, which stand beside what drives them.
    wires : Wires
        Loads and resistances of all nets.
    arrivals : Arrivals
        Timing with these wires; nodes are of the nets of ``gates``, see :func:`timed`.
    """

    gates: Gates
    buffers: int
    core: float
    placement: Placement
    wires: Wires
    arrivals: Arrivals

    @property
    def length(self) -> float:
        """Length of all wires as routed, in micrometres."""
        return float(self.placement.length.sum() * ROUTING)

    @property
    def path(self) -> Path:
        """The longest path."""
        return self.arrivals.longest()


def timed(gates: Gates, flow: Flow, wires: Wires | None = None) -> Arrivals:
    """Time a design of gates, with wires or without.

    Node ``2 * nets[net] + edge`` is an edge of ``net``, where ``nets`` is
    ``arrivals.flat.placed[0][2]``.
    """
    parts: Parts = {"top": (Netlist(gates.module(), flow.tables), {})}
    return arrivals("top", parts, flow.tables, flow.library.buffer.name, flow.port_load, wires)


def placed(gates: Gates, flow: Flow, lef: Lef, *, utilisation: float = 0.7,
           seeds: Sequence[int] = (1,)) -> list[Placed]:
    """Place a design once for every seed.

    Placements run in processes of their own: the placer prints, and keeps one core busy.

    Parameters
    ----------
    gates : Gates
        As ``flow.gates`` gives it.
    flow : Flow
        Its library, and how many processes may run.
    lef : Lef
        Cells and wires.
    utilisation, seeds
        As in :func:`synth.placement.place.place`.

    Raises
    ------
    ValueError
        If a cell has no size, or a parameter is out of its range.
    """
    with (ProcessPoolExecutor(flow.workers, get_context("spawn"), _silence) as processes,
          ThreadPoolExecutor(flow.workers) as threads):
        def one(seed: int) -> Placed:
            return _rounds(gates, flow, lef, lambda current: processes.submit(
                place, current, lef, utilisation=utilisation, seed=seed).result())

        return list(threads.map(one, seeds))


def _rounds(gates: Gates, flow: Flow, lef: Lef, place: Callable[[Gates], Placement]) -> Placed:
    buffers = 0
    for number in range(ROUNDS):
        placement = place(gates)
        found = wires(placement, lef.wire, flow.library)
        timing = timed(gates, flow, found)
        load = timing.load[timing.flat.placed[0][2]]
        more, inserted = buffered(gates, load, placement, flow.library)
        if not inserted or number == ROUNDS - 1:
            break
        gates, buffers = more, buffers + inserted
    core, area = placement.area, _area(gates, flow)
    if flow.goal in SIZED:
        before = len(gates.gates)
        gates, timing = sized(gates, flow, lef.macros,
                              lambda now: timed(now, flow, extended(found, now.size)))
        core *= _area(gates, flow) / area
        buffers += len(gates.gates) - before
    return Placed(gates, buffers, core, placement, extended(found, gates.size), timing)


def _area(gates: Gates, flow: Flow) -> float:
    return flow.library.area(gate.cell for gate in gates.gates)


def _silence() -> None:
    """Initialise a process of the pool; drop what the placer prints from C++."""
    as_worker()
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
