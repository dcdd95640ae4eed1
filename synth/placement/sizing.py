"""Sizes of cells for their wires: larger ones where the longest path has its worst drivers.

Where there is none a buffer is put behind the driver.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from synth.flow.gates import Gate, Gates
from synth.flow.synthesis import Flow
from synth.flow.timing import Arrivals
from synth.library.liberty import Library
from synth.placement.buffers import MODULE


__all__ = ["larger", "sized"]


Output = tuple[str, str]
"""Name of a gate and an output of it."""

ROUNDS = 12
"""Rounds at most; each gate grows by one size in a round."""

STALE = 3
"""Rounds without a gain after which sizing ends."""

CRITICAL = 0.03
"""Gates count as critical up to this slack, as a share of the longest path."""

WORTH = 0.001
"""What a larger gate or a buffer must save, as a share of the longest path: area is not free."""


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
    """Give critical gates larger cells, or buffers, while that gives more work for the area.

    Every round takes the next larger cell for each gate whose outputs then come sooner by more
    than what its own inputs lose by the larger load. Once that is exhausted rounds go on in which
    an output whose gate does not grow gets a buffer, if what it drives then comes sooner. Wires
    stay as they are: the buffer stands beside the gate and drives what was the gate's net, under
    its number; the few micrometres between the two are left out.

    Parameters
    ----------
    gates : Gates
        The design; it is not changed.
    flow : Flow
        Its library.
    sizes : iterable of str
        Names of the cells that can be placed.
    time : callable
        Times the design with its wires; further nets have none.

    Returns
    -------
    tuple of Gates and Arrivals
        The design whose area times longest path is least, and its timing. Nets keep their numbers.
        Buffers are gates of the module :data:`synth.placement.buffers.MODULE`.
    """
    grow = larger(flow.library, sizes)
    buffers = [flow.library.buffer.name]
    while (cell := grow.get(buffers[-1])) is not None:
        buffers.append(cell)
    grown, _ = _improved(gates, flow, grow, [], time)
    return _improved(grown, flow, grow, buffers, time)


def _improved(gates: Gates, flow: Flow, grow: Mapping[str, str], buffers: Sequence[str],
              time: Callable[[Gates], Arrivals]) -> tuple[Gates, Arrivals]:
    """Rounds of growth, and of buffers where there are some to choose from; the best of them."""
    best = current = gates, time(gates)
    least, stale = _cost(*best, flow), 0
    for _ in range(ROUNDS):
        critical = _Critical(*current, flow)
        cells = {gate.name: grow[gate.cell] for gate in critical.gates if gate.cell in grow
                 and critical.gain(gate, grow[gate.cell]) > WORTH * critical.path}
        helped = critical.helped(cells, buffers)
        if not cells and not helped:
            break
        now = _with_buffers(replace(current[0], gates=[
            replace(gate, cell=cells.get(gate.name, gate.cell)) for gate in current[0].gates]),
            helped, flow.library)
        current = now, time(now)
        if (cost := _cost(*current, flow)) < least:
            best, least, stale = current, cost, 0
        elif (stale := stale + 1) == STALE:
            break
    return best


def _with_buffers(gates: Gates, helped: dict[Output, str], library: Library) -> Gates:
    """Put a buffer of the given cell behind each given output; a further net leads to it."""
    source, target = library.buffer.inputs[0], next(iter(library.buffer.functions))
    by_name = {gate.name: number for number, gate in enumerate(gates.gates)}
    for (name, pin), cell in helped.items():
        gate, inner = gates.gates[by_name[name]], gates.new()
        gates.gates[by_name[name]] = replace(gate, pins={**gate.pins, pin: inner})
        gates.gates.append(Gate(f"{name}_{pin}_buffer", cell, MODULE,
                                {source: inner, target: gate.pins[pin]}))
    return gates


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

    def helped(self, grown: Container[str], buffers: Sequence[str]) -> dict[Output, str]:
        """The best buffer behind each output whose gate does not grow, where it is worth it."""
        found = {}
        for gate in self.gates:
            if gate.name in grown or gate.module == MODULE:
                continue
            for pin in self.cells[gate.cell].functions.keys() & gate.pins.keys():
                most = WORTH * self.path
                for cell in buffers:
                    gain, bound = self._sooner(gate, pin, cell)
                    if bound <= most:  # of a larger buffer less
                        break
                    if gain > most:
                        most, found[gate.name, pin] = gain, cell
        return found

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
        arcs = self._arcs(gate, cell)
        if not len(arcs):
            return 0.0
        _, target, delay, _ = arcs.T
        return float((self._start(arcs) + self._look(
            delay, arcs, self.timing.load[target // 2] + more)).max())

    def _sooner(self, gate: Gate, pin: str, cell: str) -> tuple[float, float]:
        """How much sooner the net of an output comes with a buffer, and with one without delay."""
        arcs = self._arcs(gate, gate.cell)
        arcs = arcs[arcs[:, 1] // 2 == self.net[gate.pins[pin]]]
        if not len(arcs):
            return 0.0, 0.0
        start, (_, target, delay, slew) = self._start(arcs), arcs.T
        load = self.timing.load[target // 2]
        inner = np.full(len(arcs), self.cells[cell].capacitance[self.cells[cell].inputs[0]])
        before = float((start + self._look(delay, arcs, load)).max())
        time, edge = start + self._look(delay, arcs, inner), self._look(slew, arcs, inner)
        if (bound := before - float(time.max())) <= WORTH * self.path:
            return bound, bound
        after = max(float((time + self.tables.lookup(
            np.full(len(arcs), arc.delay), edge, load))[target % 2 == arc.source_edge].max(
                initial=0.0)) for arc in self.tables.cell(cell).logic)
        return before - after, bound

    def _arcs(self, gate: Gate, cell: str) -> np.ndarray:
        """Arcs to critical nodes: source, target, and tables of delay and slew of a cell."""
        timing, rows = self.tables.cell(cell), []
        for arc in (*timing.logic, *timing.launch):
            if arc.source in gate.pins and arc.target in gate.pins:
                target = 2 * self.net[gate.pins[arc.target]] + arc.target_edge
                if self.node[target]:
                    rows.append((2 * self.net[gate.pins[arc.source]] + arc.source_edge, target,
                                 arc.delay, arc.slew))
        return np.array(rows, int).reshape(-1, 4)

    def _start(self, arcs: np.ndarray) -> np.ndarray:
        """When each arc begins; a clock comes at once, and so do constants."""
        return np.maximum(self.timing.time[arcs[:, 0]], 0.0)

    def _look(self, table: np.ndarray, arcs: np.ndarray, load: np.ndarray) -> np.ndarray:
        return self.tables.lookup(table, self.timing.slew[arcs[:, 0]], load)
