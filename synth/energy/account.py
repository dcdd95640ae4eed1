"""Energy of a simulated design, by cause and by part."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from synth.energy.circuit import Circuit, truth
from synth.energy.events import Edges
from synth.flow.gates import LOW, Gate
from synth.flow.timing import Arrivals
from synth.library.function import compile_function
from synth.library.liberty import Cell
from synth.library.power import Power
from synth.parts import part_within


__all__ = ["Energy", "account", "mean"]


REGISTERS, INPUTS = "registers and clock", "inputs"
"""Parts beside those of :data:`synth.parts.PARTS`: flip-flops and clock, ports of the design."""


@dataclass(frozen=True)
class Energy:
    """Energy of a cycle, in the library's unit of load times V².

    Attributes
    ----------
    parts : dict
        For each part its energy and how much of it are glitches. What a net takes, its wire and
        the pins at it, belongs to the part that drives it.
    load, internal, leakage : float
        The same energy by cause.
    """

    parts: dict[str, tuple[float, float]]
    load: float
    internal: float
    leakage: float

    @property
    def total(self) -> float:
        """With all edges."""
        return self.load + self.internal + self.leakage

    @property
    def settled(self) -> float:
        """Without glitches: what the edges take that values at the ends of the cycles need."""
        return self.total - sum(glitches for _, glitches in self.parts.values())


def mean(energies: Sequence[tuple[float, Energy]]) -> Energy:
    """Mean energy of a cycle, of phases that have shares of all cycles."""
    parts: dict[str, np.ndarray] = {}
    for share, energy in energies:
        for name, both in energy.parts.items():
            parts[name] = parts.get(name, np.zeros(2)) + share * np.array(both)
    causes = (sum(share * getattr(energy, cause) for share, energy in energies)
              for cause in ("load", "internal", "leakage"))
    return Energy({name: (float(whole), float(glitches))
                   for name, (whole, glitches) in parts.items()}, *causes)


def account(circuit: Circuit, before: np.ndarray, after: np.ndarray, edges: Edges,
            arrivals: Arrivals, power: Power, period: float,
            standing: np.ndarray | None = None) -> Energy:
    """Add up what a simulated design takes.

    Every edge of a net takes half of load times V², the internal energy of the gate that drives it,
    and that of the pins at it. Glitches are the edges beyond those that its settled values need,
    at the mean energy of the edges of the net.

    Parameters
    ----------
    circuit, before, after, arrivals, power
        As for :func:`synth.energy.events.simulate`.
    edges : Edges
        What that found.
    period : float
        Of the clock, for the leakage, in the library's unit of time.
    standing : ndarray, optional
        For how many gates of the design each gate of the circuit stands; 1 where left out.
    """
    gates, size = circuit.gates, circuit.gates.size
    net = arrivals.flat.placed[0][2]
    toggles = edges.toggles.astype(float)
    clocks = sorted(circuit.clocks)
    toggles[clocks] = 2 * edges.cycles
    if standing is None:
        standing = np.ones(len(gates.gates))
    # Of an even number of edges half are rising; one more or less decides the last value.
    drift = after.sum(0, dtype=float) - before.sum(0, dtype=float)
    counts = (toggles - drift) / 2, (toggles + drift) / 2
    load = toggles * arrivals.load[net] * power.voltage ** 2 / 2
    load[:2] = 0
    names = [part_within((*gate.around, gate.module)) for gate in gates.gates]
    driver, driving = np.array([INPUTS] * size, object), np.ones(size)
    for name, gate, count in zip(names, gates.gates, standing, strict=True):
        cell = circuit.library.cells[gate.cell]
        for pin in cell.functions:
            if pin in gate.pins:
                driver[gate.pins[pin]] = REGISTERS if cell.sequential else name
                driving[gate.pins[pin]] = count
    driver[clocks] = REGISTERS
    settled = edges.settled.astype(float)
    settled[clocks] = toggles[clocks]
    load, internal = load * driving, edges.internal * driving
    glitching = 1 - np.divide(settled, toggles, out=np.ones(size), where=toggles > 0)
    parts: dict[str, np.ndarray] = {}

    def add(name: str, energy: float, glitches: float) -> None:
        parts[name] = parts.get(name, np.zeros(2)) + np.array([energy, glitches])

    for name in dict.fromkeys(driver):
        taken = np.where(driver == name, load + internal, 0)
        add(name, taken.sum(), taken @ glitching)
    hidden = leaked = 0.0
    means = _Means(circuit, after, power, arrivals, net)
    for number in np.flatnonzero(standing).tolist():
        gate, name, count = gates.gates[number], names[number], standing[number]
        name = REGISTERS if circuit.library.cells[gate.cell].sequential else name
        for pin, value, each in means.hidden(number, gate):
            energy = count * counts[value][gate.pins[pin]] * each
            hidden += energy
            add(name, energy, energy * glitching[gate.pins[pin]])
        leak = count * means.leakage(gate) * power.leakage * period * edges.cycles
        leaked += leak
        add(name, leak, 0.0)
    cycles = edges.cycles
    return Energy({name: (float(both[0]) / cycles, float(both[1]) / cycles)
                   for name, both in parts.items() if both[0]},
                  load.sum() / cycles, (internal.sum() + hidden) / cycles, leaked / cycles)


class _Means:
    """What depends on the state of a gate, in the mean over the ends of all cycles.

    A clock counts as high half of the time.
    """

    def __init__(self, circuit: Circuit, values: np.ndarray, power: Power, arrivals: Arrivals,
                 net: np.ndarray):
        self.values = values
        self.power = power
        self.clocks = circuit.clocks
        self.conditions: dict[tuple[str, tuple[str, ...]], np.ndarray] = {}
        given = [(number, one, gate.pins[one.pin]) for number, gate in
                 enumerate(circuit.gates.gates) for one in power.cell(gate.cell).hidden
                 if one.pin in gate.pins]
        nets = net[np.array([pin for _, _, pin in given], int)]
        edges = np.array([one.edge for _, one, _ in given], int)
        energies = power.tables.lookup(np.array([one.table for _, one, _ in given], int),
                                       arrivals.slew[2 * nets + edges], np.zeros(len(nets)))
        self.pins: dict[int, dict[tuple[str, int], list[tuple[str, float]]]] = {}
        for (number, one, _), energy in zip(given, energies.tolist(), strict=True):
            cases = self.pins.setdefault(number, {}).setdefault((one.pin, 1 - one.edge), [])
            cases.append((one.when, energy))

    def hidden(self, number: int, gate: Gate) -> Iterator[tuple[str, int, float]]:
        """Pin, value after the edge, and energy of its edges, for each pin that takes any."""
        for (pin, after), cases in self.pins.get(number, {}).items():
            default = sum(energy for when, energy in cases if not when)
            yield pin, after, self._mean(gate, [case for case in cases if case[0]], default)

    def leakage(self, gate: Gate) -> float:
        """Leakage in the library's unit of it."""
        power = self.power.cell(gate.cell)
        return self._mean(gate, power.leakage, power.at_rest)

    def _mean(self, gate: Gate, cases: list[tuple[str, float]], default: float) -> float:
        if not cases:
            return default
        cell = self.power.tables.library.cells[gate.cell]
        pins = *cell.inputs, *cell.functions
        columns = np.stack([self._column(gate, cell, pin) for pin in pins])
        state = (1 << np.arange(len(pins))) @ columns
        clocks = sum(1 << k for k, pin in enumerate(pins) if gate.pins.get(pin) in self.clocks)
        share = (np.bincount(state, minlength=1 << len(pins))
                 + np.bincount(state | clocks, minlength=1 << len(pins))) / (2 * len(state))
        energy, left = np.full(len(share), default), np.ones(len(share), bool)
        for when, value in cases:
            key = when, pins
            if key not in self.conditions:
                self.conditions[key] = truth(compile_function(when, pins), len(pins)).astype(bool)
            energy[left & self.conditions[key]] = value
            left &= ~self.conditions[key]
        return float(share @ energy)

    def _column(self, gate: Gate, cell: Cell, pin: str) -> np.ndarray:
        """Values of a pin; of an output that drives nothing, from the other output."""
        if pin in gate.pins or pin in cell.inputs:
            return self.values[:, gate.pins.get(pin, LOW)]
        other = next((one for one in cell.functions if one in gate.pins), None)
        if other is None:
            return self.values[:, LOW]
        values = self.values[:, gate.pins[other]]
        return values if cell.functions[pin] == cell.functions[other] else 1 - values
