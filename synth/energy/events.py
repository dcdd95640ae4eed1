"""Every edge of every net in every cycle, with the delays of all gates.

A cycle begins with all nets settled, so all cycles are independent once it is known what they
settle to, and a gate is simulated through all cycles at once, after those that drive it. No queue
of events is needed: the edges at the inputs of a gate are sorted, each gives a state, and the
states whose output differs from that before are edges of the output, delayed by the arc from the
input that caused them. Delays are inertial, as in Verilog: where the inputs turn the output back
before it has changed, it does not change.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from synth.energy.circuit import Circuit, Nodes
from synth.flow.timing import Arrivals
from synth.library.power import Power
from synth.library.tables import RISE, Tables


__all__ = ["Arcs", "Edges", "simulate"]


TICKS = 10
"""Ticks of time in a picosecond, or in a thousandth of an FO4 of the project's own cells."""

TOGETHER = 1 << 22
"""Nets times cycles that are simulated together: what memory holds, not what comes out."""


@dataclass(frozen=True)
class Arcs:
    """Delays and energies of all nodes, the index of an arc being that of :meth:`Arcs.index`.

    Attributes
    ----------
    first : ndarray
        Where the arcs of each node begin.
    delay : ndarray
        Ticks from an edge of an input to one of the output, 1 at least.
    wire : ndarray
        Ticks that the wire of every net takes, by its number.
    energy : ndarray
        Internal energy of the edge of the output.
    """

    first: np.ndarray
    delay: np.ndarray
    wire: np.ndarray
    energy: np.ndarray

    @staticmethod
    def index(first: Any, pin: Any, before: Any, after: Any) -> Any:
        """Of the arc from an edge of ``pin`` to ``before`` to one of the output to ``after``.

        For integers, or for arrays of them.
        """
        return first + 4 * pin + 2 * before + after


@dataclass
class Edges:
    """What happened in some cycles.

    Attributes
    ----------
    cycles : int
    toggles, settled : ndarray
        Edges of every net, and those that its values at the ends of the cycles need.
    internal : ndarray
        Internal energy of the edges of every net in the gate that drives it.
    last : ndarray
        When the last edge of every net came, in the library's unit of time, over all cycles.
    """

    cycles: int
    toggles: np.ndarray
    settled: np.ndarray
    internal: np.ndarray
    last: np.ndarray

    def __iadd__(self, other: "Edges") -> "Edges":
        self.cycles += other.cycles
        self.toggles += other.toggles
        self.settled += other.settled
        self.internal += other.internal
        np.maximum(self.last, other.last, out=self.last)
        return self


def arcs(nodes: Nodes, arrivals: Arrivals, power: Power, net: np.ndarray) -> Arcs:
    """Look the arcs of all nodes up, at the slew of their input and the load of their output.

    ``net`` gives the number in ``arrivals`` of every net of the design. Of several delays for one
    pair of edges the longest counts, as in the longest path; of several energies the mean.
    """
    tables = power.tables
    first = np.cumsum([0, *4 * nodes.count])
    rows: list[tuple[int, int, int, int, int]] = []
    energies: list[tuple[int, int, int, int, int]] = []
    for node, (cell, output, inputs) in enumerate(nodes.names):
        place = {pin: (k, int(nodes.pins[node, k])) for k, pin in enumerate(inputs)}
        out = int(nodes.out[node])
        for arc in tables.cell(cell).logic:
            if arc.target == output and arc.source in place:
                pin, source = place[arc.source]
                before, after = (int(edge == RISE) for edge in (arc.source_edge, arc.target_edge))
                rows.append((Arcs.index(first[node], pin, before, after), arc.delay,
                             source, arc.source_edge, out))
        for given in power.cell(cell).switching:
            if given.target == output:
                energies += [(Arcs.index(first[node], *place[pin][:1], before,
                                         int(given.edge == RISE)),
                              given.table, place[pin][1], 1 - before, out)
                             for pin in inputs if given.source in ("", pin) for before in (0, 1)]
    delay = np.full(first[-1], np.nan)
    at, value = _looked_up(rows, arrivals, tables, net)
    np.fmax.at(delay, at, value)
    # An arc that the library does not give takes as long as that from the other edge.
    pairs = delay.reshape(-1, 2, 2)
    delay = np.nan_to_num(np.where(np.isnan(pairs), pairs[:, ::-1], pairs), nan=0.0).ravel()
    at, value = _looked_up(energies, arrivals, tables, net)
    count = np.bincount(at, minlength=first[-1])
    energy = np.bincount(at, value, minlength=first[-1]) / np.maximum(count, 1)
    scale = TICKS * tables.library.time_ps
    return Arcs(first[:-1], np.maximum(np.rint(delay * scale), 1).astype(np.int64),
                np.rint(arrivals.wire[net] * scale).astype(np.int64), energy)


def _looked_up(rows: list[tuple[int, int, int, int, int]], arrivals: Arrivals, tables: Tables,
               net: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Places, and values of the tables, of rows of place, table, net, its edge, and driven net."""
    at, table, source, edge, out = np.array(rows, int).reshape(-1, 5).T
    return at, tables.lookup(table, arrivals.slew[2 * net[source] + edge], arrivals.load[net[out]])


def simulate(circuit: Circuit, before: np.ndarray, after: np.ndarray, arrivals: Arrivals,
             power: Power, late: np.ndarray | None = None) -> Edges:
    """Count edges, and their internal energy, in some cycles.

    Parameters
    ----------
    circuit : Circuit
        The design.
    before, after : ndarray
        Values of all nets at the ends of the cycles before and of the cycles themselves, [cycles,
        nets], as :meth:`Circuit.settle` gives them.
    arrivals : Arrivals
        Timing of the design as one module, as ``synth.placement.placed.timed`` gives it: when
        flip-flops and inputs change, slews, loads and wires.
    power : Power
        Internal power of the cells.
    late : ndarray, optional
        How much later than at the edge of the clock each net changes that is an input, in the
        library's unit of time.
    """
    net = arrivals.flat.placed[0][2]
    simulation = _Simulation(circuit, arrivals, power, net, late)
    step = max(1, TOGETHER // circuit.gates.size)
    total = None
    for start in range(0, len(after), step):
        edges = simulation.run(before[start:start + step], after[start:start + step])
        total = edges if total is None else total.__iadd__(edges)
    assert total is not None
    return total


class _Simulation:
    """A design with its delays; :meth:`run` takes some cycles of it."""

    def __init__(self, circuit: Circuit, arrivals: Arrivals, power: Power, net: np.ndarray,
                 late: np.ndarray | None):
        self.circuit = circuit
        self.scale = TICKS * power.tables.library.time_ps
        self.arcs = arcs(circuit.logic, arrivals, power, net)
        time = np.where(np.isfinite(arrivals.time), arrivals.time, 0)
        self.start = np.rint(np.stack([time[2 * net + 1], time[2 * net]]) * self.scale
                             ).astype(np.int64)
        if late is not None:
            self.start += np.rint(late * self.scale).astype(np.int64)
        # No edge comes later than the longest path, each step of it rounded up.
        longest = int(self.start.max() + time.max() * self.scale + 2 * len(circuit.levels))
        self.span = 1 << longest.bit_length()
        self.launch = self._launch(power, arrivals, net)

    def _launch(self, power: Power, arrivals: Arrivals, net: np.ndarray) -> np.ndarray:
        """Internal energy of falling and rising outputs of flip-flops: their clock has no slew."""
        registers = self.circuit.registers
        energy = np.zeros((2, len(registers.out)))
        for k, (cell, output, _) in enumerate(registers.names):
            clocked = power.tables.library.cells[cell].state
            assert clocked is not None
            found: dict[int, list[int]] = {}
            for given in power.cell(cell).switching:
                if given.target == output and given.source in (
                        "", clocked.attributes["clocked_on"].strip(" ()")):
                    found.setdefault(int(given.edge == RISE), []).append(given.table)
            for after, tables in found.items():
                load = np.full(len(tables), arrivals.load[net[registers.out[k]]])
                energy[after, k] = power.tables.lookup(np.array(tables), np.zeros(len(tables)),
                                                       load).mean()
        return energy

    def run(self, before: np.ndarray, after: np.ndarray) -> Edges:
        """Simulate cycles from the values that they begin with to those that they end with."""
        circuit, size, cycles = self.circuit, self.circuit.gates.size, len(after)
        edges = Edges(cycles, np.zeros(size, np.int64), (before != after).sum(0),
                      np.zeros(size), np.zeros(size))
        self.keys: list[np.ndarray] = [np.zeros(0, np.int64)]
        self.begin, self.length, self.filled = np.zeros(size, int), np.zeros(size, int), 0
        self._sources(before, after, edges)
        for level in circuit.levels:
            self._level(level, before, edges)
        edges.toggles[:] = self.length
        edges.last /= self.scale
        return edges

    def _sources(self, before: np.ndarray, after: np.ndarray, edges: Edges) -> None:
        """Edges of inputs and of flip-flops."""
        registers = self.circuit.registers
        nets = np.unique(np.concatenate([self.circuit.free, registers.out]))
        where, cycle = np.nonzero((before != after)[:, nets].T)
        net = nets[where]
        time = self.start[after[cycle, net], net]
        self._store(net, nets, cycle * self.span + time, edges)
        rises = (after > before)[:, registers.out].sum(0)
        falls = (after < before)[:, registers.out].sum(0)
        edges.internal[registers.out] = falls * self.launch[0] + rises * self.launch[1]

    def _store(self, net: np.ndarray, nets: np.ndarray, key: np.ndarray, edges: Edges) -> None:
        """Keep the edges of ``nets``; ``key`` is in the order of their numbers in ``net``."""
        count = np.bincount(net, minlength=len(self.length))[nets]
        self.length[nets] = count
        self.begin[nets] = self.filled + np.cumsum(count) - count
        self.keys.append(key)
        self.filled += len(key)
        np.maximum.at(edges.last, net, key % self.span)

    def _level(self, level: np.ndarray, before: np.ndarray, edges: Edges) -> None:
        logic, span = self.circuit.logic, self.span
        node, pin, key = self._read(level)
        order = np.argsort(node * (len(before) * span) + key, kind="stable")
        node, pin, key = node[order], pin[order], key[order]
        # The state of a gate is that before the cycle, and every edge since has turned one bit.
        bit = 1 << pin
        turned = np.bitwise_xor.accumulate(bit)
        group = node * len(before) + key // span
        new = np.flatnonzero(np.diff(group, prepend=-1))
        count = np.diff(new, append=len(group))
        settled = logic.state(before, level).T.ravel()  # [nodes of the level * cycles]
        state = settled[group] ^ turned ^ np.repeat(turned[new] ^ bit[new], count)
        table = logic.table[level][node]
        value = logic.values[table + state]
        chosen = np.flatnonzero(value != logic.values[table + (state ^ bit)])
        node, pin, key, group = node[chosen], pin[chosen], key[chosen], group[chosen]
        value, state = value[chosen], state[chosen]
        arc = Arcs.index(self.arcs.first[level][node], pin, state >> pin & 1, value)
        time = key + self.arcs.delay[arc]
        kept = ~_cancelled(group, key, time)
        out = logic.out[level][node[kept]]
        edges.internal += np.bincount(out, self.arcs.energy[arc[kept]], len(edges.internal))
        self._store(out, logic.out[level], time[kept] + self.arcs.wire[out], edges)

    def _read(self, level: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All edges at the inputs of a level: node, numbered in the level, pin, cycle and time."""
        logic = self.circuit.logic
        node, pin = np.nonzero(np.arange(logic.pins.shape[1]) < logic.count[level][:, None])
        net = logic.pins[level][node, pin]
        length = self.length[net]
        within = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
        self.keys = [np.concatenate(self.keys)]
        key = self.keys[0][np.repeat(self.begin[net], length) + within]
        return np.repeat(node, length), np.repeat(pin, length), key


def _cancelled(group: np.ndarray, cause: np.ndarray, time: np.ndarray) -> np.ndarray:
    """Edges that come to nothing: the next one is caused before they happen.

    Both vanish, and what follows starts anew: of a run of edges each caused too early, those at
    even places take the next one with them.
    """
    early = np.zeros(len(group), bool)
    early[:-1] = (group[1:] == group[:-1]) & (cause[1:] < time[:-1])
    place = np.arange(len(group))
    starts = early & ~np.concatenate([[False], early[:-1]])[:len(early)]
    first = np.maximum.accumulate(np.where(starts, place, 0)) if len(place) else place
    taken = early & ((place - first) % 2 == 0)
    taken[1:] |= taken[:-1].copy()
    return taken
