"""Longest path of a mapped design, through all of its modules.

Static timing analysis with the delay tables of the library: worst arrival and worst slew of every
net, rising and falling edges apart. Clocks are ideal. Wires, where they are known, load what
drives them and delay what they drive.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from synth.flow.flat import Flat, Parts
from synth.library.tables import FALL, RISE, Tables


__all__ = ["Arrivals", "Path", "Wires", "arrivals", "longest_path"]


@dataclass(frozen=True)
class Path:
    """The longest path: its delay in the unit of the tables, where it starts and ends.

    A path starts at a flip-flop's clock, with its clock-to-output delay, or at an input; it ends
    at a flip-flop, with its set-up time, or at an output. Memories count as outside.
    """

    delay: float
    start: str
    end: str
    cells: int


@dataclass(frozen=True)
class Wires:
    """Capacitance and resistance of the wire of every net, in the library's units.

    The unit of resistance is that of time over that of load. Nets are numbered as in the module
    that the wires belong to.
    """

    load: np.ndarray
    resistance: np.ndarray


def longest_path(top: str, parts: Parts, tables: Tables, driving_cell: str,
                 port_load: float, wires: Wires | None = None) -> Path:
    """Find the longest path of ``top``; parameters and errors as of :func:`arrivals`."""
    return arrivals(top, parts, tables, driving_cell, port_load, wires).longest()


def arrivals(top: str, parts: Parts, tables: Tables, driving_cell: str, port_load: float,
             wires: Wires | None = None) -> "Arrivals":
    """Find when every net of ``top`` has settled.

    Parameters
    ----------
    top : str
        Name of the top module.
    parts : Parts
        Every module but memories.
    tables : Tables
        Delay tables of the library.
    driving_cell : str
        Cell that drives every input. Its delay without load belongs to the outside; what the
        load adds to it counts, and its slew.
    port_load : float
        Load of every output, in the library's unit of capacitance.
    wires : Wires, optional
        Of the nets of ``top``, where it is the only module.

    Raises
    ------
    ValueError
        If the logic has a combinational loop.
    """
    return Arrivals(Flat(top, parts), tables, driving_cell, port_load, wires)


class Arrivals:
    """Latest time and largest slew of every node; nodes that never switch have time -infinity.

    Attributes
    ----------
    load, wire : ndarray
        Load of every net, its wire included, and what the wire delays: its resistance times the
        pins and half of the wire.
    time, slew : ndarray
        Of every node.
    """

    def __init__(self, flat: Flat, tables: Tables, driving_cell: str, port_load: float,
                 wires: Wires | None):
        self.flat = flat
        self.tables = tables
        self.arcs = flat.gather("arcs", 0, 1)
        self.outputs = np.array(sorted(flat.outputs), int)
        loads = flat.gather("loads", 0)
        self.load = np.zeros(flat.count)
        np.add.at(self.load, loads[:, 0].astype(int), loads[:, 1])
        self.load[self.outputs] += port_load
        self.wire = np.zeros(flat.count)
        if wires is not None:
            net = flat.placed[0][2]
            self.wire[net] = wires.resistance * (self.load[net] + wires.load / 2)
            self.load[net] += wires.load
            self.wire[0] = self.load[0] = 0
        self.time = np.full(2 * flat.count, -np.inf)
        self.slew = np.zeros(2 * flat.count)
        clocks = flat.gather("clocks", -1)
        self._start(np.setdiff1d(np.array(sorted(flat.inputs), int), clocks), driving_cell,
                    flat.gather("launch", 0))
        for step in _levels(self.arcs, 2 * flat.count):
            source, target, delay, slew = self.arcs[step].T
            before, load = self.slew[source], self.load[target // 2]
            np.maximum.at(self.time, target, self.time[source] + self.wire[target // 2]
                          + tables.lookup(delay, before, load))
            np.maximum.at(self.slew, target, np.where(
                self.time[source] > -np.inf, tables.lookup(slew, before, load), 0))

    def longest(self) -> Path:
        """The path that ends last."""
        flat = self.flat
        setup = flat.gather("setup", 0, -1)
        data, outputs = setup[:, 0], self.outputs
        ends = np.concatenate([data, 2 * outputs, 2 * outputs + 1])
        late = self.time[ends]
        late[:len(data)] += self.tables.lookup(setup[:, 1], np.zeros(len(data)), self.slew[data])
        if not (late > -np.inf).any():
            return Path(0.0, "", "", 0)
        worst = int(np.argmax(late))
        first, cells = self.trace(int(ends[worst]))
        start = flat.inputs.get(first // 2) or flat.name(first // 2)
        end = (flat.name(int(setup[worst, 2])) if worst < len(data)
               else flat.outputs[int(ends[worst]) // 2])
        return Path(float(late[worst]), start, end, cells)

    def _start(self, inputs: np.ndarray, driving_cell: str, launch: np.ndarray) -> None:
        """Set the nodes where paths start: inputs, and outputs of flip-flops."""
        driven = [np.stack([2 * inputs + arc.target_edge, np.full_like(inputs, arc.delay),
                            np.full_like(inputs, arc.slew)], 1)
                  for arc in self.tables.cell(driving_cell).logic]
        node, delay, slew = np.concatenate([*driven, launch]).T
        still, load = np.zeros(len(node)), self.load[node // 2]
        time = self.tables.lookup(delay, still, load)
        outside = slice(len(node) - len(launch))
        time[outside] -= self.tables.lookup(delay[outside], still[outside], still[outside])
        np.maximum.at(self.time, node, time + self.wire[node // 2])
        np.maximum.at(self.slew, node, self.tables.lookup(slew, still, load))

    def slack(self) -> np.ndarray:
        """By how much each node could be later and the longest path stay what it is."""
        latest, worst = np.full(len(self.time), np.inf), self.longest().delay
        setup = self.flat.gather("setup", 0, -1)
        data = setup[:, 0]
        np.minimum.at(latest, data, worst - self.tables.lookup(setup[:, 1], np.zeros(len(data)),
                                                               self.slew[data]))
        for edge in RISE, FALL:
            np.minimum.at(latest, 2 * self.outputs + edge, worst)
        for step in reversed(list(_levels(self.arcs, len(self.time)))):
            source, target, delay, _ = self.arcs[step].T
            net = target // 2
            np.minimum.at(latest, source, latest[target] - self.wire[net] - self.tables.lookup(
                delay, self.slew[source], self.load[net]))
        return latest - self.time

    def trace(self, node: int) -> tuple[int, int]:
        """Node where the latest path to ``node`` starts, and the number of cells on it."""
        cells = 0
        while len(into := self.arcs[self.arcs[:, 1] == node]):
            source = into[:, 0]
            load = np.full(len(into), self.load[node // 2])
            times = self.time[source] + self.tables.lookup(into[:, 2], self.slew[source], load)
            node, cells = int(source[np.argmax(times)]), cells + 1
        return node, cells


def _levels(arcs: np.ndarray, nodes: int) -> Iterator[np.ndarray]:
    """Indices of arcs, those whose sources have all arrived together."""
    waiting = np.bincount(arcs[:, 1], minlength=nodes)
    by_source, by_target = np.argsort(arcs[:, 0], kind="stable"), np.argsort(arcs[:, 1],
                                                                           kind="stable")
    first_out = np.searchsorted(arcs[by_source, 0], np.arange(nodes + 1))
    first_in = np.searchsorted(arcs[by_target, 1], np.arange(nodes + 1))
    ready, left = np.flatnonzero(waiting == 0), len(arcs)
    while ready.size:
        incoming = by_target[_ranges(first_in, ready)]
        left -= len(incoming)
        if incoming.size:
            yield incoming
        reached = arcs[by_source[_ranges(first_out, ready)], 1]
        np.subtract.at(waiting, reached, 1)
        ready = np.unique(reached[waiting[reached] == 0])
    if left:
        raise ValueError("the design has a combinational loop")


def _ranges(first: np.ndarray, of: np.ndarray) -> np.ndarray:
    """All numbers from ``first[k]`` up to ``first[k + 1]``, for every ``k`` in ``of``."""
    lengths = first[of + 1] - first[of]
    ends = np.cumsum(lengths)
    return np.arange(ends[-1] if ends.size else 0) + np.repeat(first[of] - ends + lengths, lengths)
