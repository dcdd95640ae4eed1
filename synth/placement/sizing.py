"""Sizes of cells for their wires: larger ones where the longest path has its worst drivers."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from synth.flow.gates import Gate, Gates
from synth.flow.synthesis import Flow
from synth.flow.timing import Arrivals
from synth.library.liberty import Library


__all__ = ["larger", "sized"]


ROUNDS = 12
"""Rounds at most; each gate grows by one size in a round."""

STALE = 3
"""Rounds without a gain after which sizing ends."""

CRITICAL = 0.03
"""Gates count as critical up to this slack, as a share of the longest path."""

WORTH = 0.001
"""What a larger gate must save, as a share of the longest path: area is not free."""


def larger(library: Library, sizes: Iterable[str]) -> dict[str, str]:
    """For each cell that has one the next larger cell of the same pins and function.

    Parameters
    ----------
    library : Library
        Its cells; excluded ones are nobody's larger cell.
    sizes : iterable of str
        Names of the cells that can be placed.
    """
    families: dict[tuple, list[str]] = {}
    for cell in sorted((library.cells[name] for name in set(sizes) & library.cells.keys()),
                       key=lambda cell: (cell.area, cell.name)):
        if cell.usable and cell.functions:
            state = cell.state and (cell.state.name, *sorted(cell.state.attributes.items()))
            kind = (cell.sequential, frozenset(cell.inputs), frozenset(cell.functions.items()),
                    state)
            families.setdefault(kind, []).append(cell.name)
    return {small: large for names in families.values() for small, large in pairwise(names)}


def sized(gates: Gates, flow: Flow, sizes: Iterable[str],
          time: Callable[[Gates], Arrivals]) -> tuple[Gates, Arrivals]:
    """Give critical gates larger cells while that gives more work for the area.

    Every round takes the next larger cell for each gate whose outputs then come sooner by more
    than what its own inputs lose by the larger load. Wires stay as they are.

    Parameters
    ----------
    gates : Gates
        The design; it is not changed.
    flow : Flow
        Its library.
    sizes : iterable of str
        Names of the cells that can be placed.
    time : callable
        Times the design with its wires.

    Returns
    -------
    tuple of Gates and Arrivals
        The design whose area times longest path is least, and its timing. Nets keep their numbers.
    """
    grow = larger(flow.library, sizes)
    best = current = gates, time(gates)
    least, stale = _cost(*best, flow), 0
    for _ in range(ROUNDS):
        critical = _Critical(*current, flow)
        cells = {gate.name: grow[gate.cell] for gate in critical.gates if gate.cell in grow
                 and critical.gain(gate, grow[gate.cell]) > WORTH * critical.path}
        if not cells:
            break
        now = replace(current[0], gates=[replace(gate, cell=cells.get(gate.name, gate.cell))
                                         for gate in current[0].gates])
        current = now, time(now)
        if (cost := _cost(*current, flow)) < least:
            best, least, stale = current, cost, 0
        elif (stale := stale + 1) == STALE:
            break
    return best


def _cost(gates: Gates, timing: Arrivals, flow: Flow) -> float:
    """Area times the longest path: the less, the more work for the area."""
    return flow.library.area(gate.cell for gate in gates.gates) * timing.longest().delay


class _Critical:
    """Gates of a design on its longest paths, and what another cell would change."""

    def __init__(self, gates: Gates, timing: Arrivals, flow: Flow):
        self.timing, self.tables = timing, flow.tables
        self.net = timing.flat.placed[0][2]
        self.path = timing.longest().delay
        self.node = timing.slack() < CRITICAL * self.path
        self.cells = flow.library.cells
        self.driver = {gate.pins[pin]: gate for gate in gates.gates
                       for pin in self.cells[gate.cell].functions if pin in gate.pins}
        nets = self.node[2 * self.net] | self.node[2 * self.net + 1]
        self.gates = list({gate.name: gate for net, gate in self.driver.items()
                           if nets[net]}.values())

    def gain(self, gate: Gate, cell: str) -> float:
        """How much sooner the outputs of a gate come if it is of another cell."""
        sooner = self._latest(gate, gate.cell) - self._latest(gate, cell)
        lost = 0.0
        for pin in self.cells[cell].inputs:
            driver = self.driver.get(gate.pins.get(pin, 0))
            if driver is not None:
                more = self.cells[cell].capacitance[pin] - self.cells[gate.cell].capacitance[pin]
                late = self._latest(driver, driver.cell, more) - self._latest(driver, driver.cell)
                lost = max(lost, late)
        return sooner - lost

    def _latest(self, gate: Gate, cell: str, more: float = 0.0) -> float:
        """When the last critical output of a gate comes, with ``more`` load at it."""
        timing, rows = self.tables.cell(cell), []
        for arc in (*timing.logic, *timing.launch):
            if arc.source in gate.pins and arc.target in gate.pins:
                target = 2 * self.net[gate.pins[arc.target]] + arc.target_edge
                if self.node[target]:
                    source = 2 * self.net[gate.pins[arc.source]] + arc.source_edge
                    rows.append((arc.delay, source, target // 2))
        if not rows:
            return 0.0
        table, source, net = np.array(rows).T
        # A clock comes at once, and so do constants.
        start = np.maximum(self.timing.time[source], 0.0)
        return float((start + self.tables.lookup(
            table, self.timing.slew[source], self.timing.load[net] + more)).max())
