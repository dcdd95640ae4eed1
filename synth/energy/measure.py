"""Places designs, simulates them, and adds up what they take."""

from dataclasses import dataclass, field

import numpy as np

from hw.config import Design, choice
from hw.generate import verilog
from synth.energy import DESIGNS
from synth.energy.account import Energy, account, mean
from synth.energy.activity import Accesses, Activity, Phase
from synth.energy.circuit import Circuit
from synth.energy.compose import sampled
from synth.energy.events import simulate
from synth.energy.feed import feed
from synth.energy.job import Job, Layer, check
from synth.energy.operands import Operands, check_format
from synth.flow import Flow
from synth.flow.gates import Gates
from synth.library.liberty import Library
from synth.library.power import Power
from synth.placement.lef import Lef
from synth.placement.place import check_utilisation
from synth.placement.placed import Placed, placed, timed


__all__ = ["Measured", "Settings", "Spread", "measure"]


@dataclass(frozen=True)
class Spread:
    """A figure over several placements or inputs."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean of all."""
        return sum(self.values) / len(self.values)

    def over(self, base: "Spread") -> "Spread":
        """Ratios to another figure, placement by placement."""
        return Spread(tuple(value / other for value, other in
                            zip(self.values, base.values, strict=True)))

    @property
    def percent(self) -> float:
        """Largest distance from the mean, in percent of it."""
        return 100 * max(abs(value / self.mean - 1) for value in self.values) if self.mean else 0.0


@dataclass(frozen=True)
class Settings:
    """How designs are placed and simulated.

    Attributes
    ----------
    lef : Lef
        Sizes of the cells.
    operands : list of Operands
        One set for each placement.
    utilisation : float
        Area of the cells over that of the core.
    cycles : int
        Cycles that are simulated at least, for every set; of an accelerator, in each phase.
    late : dict
        How much later than the edge of the clock input ports change, in the library's
        ``time_unit``: what hardware in front of the design would do. Edges move, the longest path
        does not.
    every_pe : bool
        Simulate all PEs of an array or accelerator, not those of a diagonal for all.
    layer : Layer
        Job of an accelerator.
    """

    lef: Lef
    operands: list[Operands]
    utilisation: float = 0.7
    cycles: int = 400
    late: dict[str, float] = field(default_factory=dict)
    every_pe: bool = False
    layer: Layer = field(default_factory=Layer)

    def __post_init__(self) -> None:
        check_utilisation(self.utilisation)


@dataclass(frozen=True)
class Measured:
    """A design, placed and simulated once for every seed.

    Attributes
    ----------
    name, design
        What was measured.
    gates, buffers : int
        Gates before placement, and buffers that it asked for at most.
    cells, core : float
        Area of the gates before placement, and of the core in square micrometres.
    length : Spread
        Of all wires, in micrometres.
    delay : float
        The longest path without wires, in the library's ``time_unit``.
    placed_delay : Spread
        With wires.
    energies : tuple of Energy
        Of each placement with its operands.
    products, blocks : float
        Products of the dense layer, and compressed blocks, of a cycle.
    cycles : int
        Of the job of an accelerator.
    memories : tuple of Accesses
        Its memories, which the energies leave out.
    """

    name: str
    design: Design
    gates: int
    buffers: int
    cells: float
    core: float
    length: Spread
    delay: float
    placed_delay: Spread
    energies: tuple[Energy, ...]
    products: float
    blocks: int
    cycles: int
    memories: tuple[Accesses, ...]

    @property
    def work(self) -> float:
        """What a cycle does: products, or blocks where there are none."""
        return self.products or self.blocks

    @property
    def total(self) -> Spread:
        """Energy of one product of the dense layer, or of one block."""
        return Spread(tuple(energy.total / self.work for energy in self.energies))

    @property
    def settled(self) -> Spread:
        """The same without glitches."""
        return Spread(tuple(energy.settled / self.work for energy in self.energies))


def measure(name: str, design: Design, flow: Flow, settings: Settings) -> Measured:
    """Place and simulate a design, with a seed of the placer for every set of operands.

    Raises
    ------
    ValueError
        If the design cannot be fed, placed or simulated.
    SynthesisError
        If Yosys fails.
    """
    choice("design", name, DESIGNS)
    check_format(design)
    if name == "accelerator":
        check(design, settings.layer)
    power, library = Power(flow.tables), flow.library  # refused before minutes have passed, too
    text, top = verilog(name, design), f"nm_{name}"
    gates = flow.gates(text, top)
    # A port that is missing is named before minutes have passed.
    _late(gates, settings.late, library)
    seeds = range(1, len(settings.operands) + 1)
    found = placed(gates, flow, settings.lef, utilisation=settings.utilisation, seeds=seeds)
    energies = []
    for seed, operands, where in zip(seeds, settings.operands, found, strict=True):
        circuit = Circuit(where.gates, flow.library)
        activity = _activity(name, design, operands, circuit, settings, seed, flow)
        energies.append(_energy(circuit, where, activity, power, settings))
    return Measured(
        name, design, len(gates.gates), max(one.buffers for one in found),
        library.area(gate.cell for gate in gates.gates),
        sum(one.core for one in found) / len(found),
        Spread(tuple(one.length for one in found)),
        library.reported(timed(gates, flow).longest().delay),
        Spread(tuple(library.reported(one.path.delay) for one in found)), tuple(energies),
        activity.products, activity.blocks, activity.cycles, activity.memories)


def _activity(name: str, design: Design, operands: Operands, circuit: Circuit, settings: Settings,
              seed: int, flow: Flow) -> Activity:
    if name == "accelerator":
        return Job(design, settings.layer, operands, circuit, seed).activity(settings.cycles)
    given = feed(name, design, operands, cycles=settings.cycles, seed=seed, flow=flow)
    values = circuit.settle(given.ports)
    return Activity((Phase(1.0, values[:-1], values[1:]),), given.products, given.blocks)


def _energy(circuit: Circuit, where: Placed, activity: Activity, power: Power,
            settings: Settings) -> Energy:
    """Simulate a design, or what stands for all of it."""
    standing = np.ones(len(where.gates.gates))
    if not settings.every_pe:
        part, standing = sampled(where.gates, circuit.library)
        circuit = Circuit(part, circuit.library)
    found = []
    for phase in activity.phases:
        edges = simulate(circuit, phase.before, phase.after, where.arrivals, power,
                         _late(where.gates, settings.late, circuit.library))
        found.append((phase.share, account(circuit, phase.before, phase.after, edges,
                                           where.arrivals, power, where.path.delay, standing)))
    return mean(found)


def _late(gates: Gates, ports: dict[str, float], library: Library) -> np.ndarray:
    """How much later every net changes, in the unit of the library's tables."""
    late = np.zeros(gates.size)
    for port, time in ports.items():
        late[gates.inputs[choice("late", port, tuple(gates.inputs))]] = time / library.reported(1)
    return late
