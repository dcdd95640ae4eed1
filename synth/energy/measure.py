"""Places designs, simulates them, and adds up what they take."""

from dataclasses import dataclass, field

import numpy as np

from hw.config import Design, choice
from hw.generate import verilog
from synth.energy.account import Energy, account
from synth.energy.circuit import Circuit
from synth.energy.events import simulate
from synth.energy.feed import feed
from synth.energy.operands import Operands
from synth.flow import Flow
from synth.flow.gates import Gates
from synth.library.power import Power
from synth.placement.lef import Lef
from synth.placement.place import check_utilisation
from synth.placement.placed import placed, timed


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
        Cycles that are simulated at least, for every set.
    late : dict
        How much later than the edge of the clock input ports change, in the library's unit of
        time: what hardware in front of the design would do. Edges move, the longest path does
        not.
    """

    lef: Lef
    operands: list[Operands]
    utilisation: float = 0.7
    cycles: int = 400
    late: dict[str, float] = field(default_factory=dict)

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
        The longest path without wires, in the library's unit of time.
    placed_delay : Spread
        With wires.
    energies : tuple of Energy
        Of each placement with its operands.
    products, blocks : int
        Products of the dense layer, and compressed blocks, of a cycle.
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
    products: int
    blocks: int

    @property
    def work(self) -> int:
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
    power = Power(flow.tables)
    gates = flow.gates(verilog(name, design), f"nm_{name}")
    _late(gates, settings.late)  # a port that is missing is named before minutes have passed
    cells = flow.library.cells
    found = placed(gates, flow, settings.lef, utilisation=settings.utilisation,
                   seeds=range(1, len(settings.operands) + 1))
    energies, products, blocks = [], 0, 0
    for seed, (operands, where) in enumerate(zip(settings.operands, found, strict=True)):
        given = feed(name, design, operands, cycles=settings.cycles, seed=seed, flow=flow)
        circuit = Circuit(where.gates, flow.library)
        values = circuit.settle(given.ports)
        edges = simulate(circuit, values, where.arrivals, power,
                         _late(where.gates, settings.late))
        energies.append(account(circuit, values, edges, where.arrivals, power,
                                where.path.delay))
        products, blocks = given.products, given.blocks
    return Measured(
        name, design, len(gates.gates), max(one.buffers for one in found),
        sum(cells[gate.cell].area for gate in gates.gates),
        sum(one.core for one in found) / len(found),
        Spread(tuple(one.length for one in found)), timed(gates, flow).longest().delay,
        Spread(tuple(one.path.delay for one in found)), tuple(energies), products, blocks)


def _late(gates: Gates, ports: dict[str, float]) -> np.ndarray:
    """How much later every net changes."""
    late = np.zeros(gates.size)
    for port, time in ports.items():
        late[gates.inputs[choice("late", port, tuple(gates.inputs))]] = time
    return late
