"""Gates as arrays that are evaluated for many cycles at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from synth.flow.gates import FIRST, LOW, Gates
from synth.flow.registers import clock_of, next_state
from synth.library.function import compile_function
from synth.library.liberty import Library


__all__ = ["Circuit", "Drive", "Nodes", "truth"]


Drive = Callable[[np.ndarray, np.ndarray], bool]
"""Sets the inputs of a cycle, see :meth:`Circuit.run`."""


@dataclass
class Nodes:
    """Functions of nets: outputs of gates, or next states of flip-flops.

    Attributes
    ----------
    pins : ndarray
        Nets of the inputs, [nodes, most pins]; :data:`LOW` where a node has fewer.
    count : ndarray
        How many inputs each has.
    out, gate : ndarray
        The net that each drives, and the number of its gate.
    table : ndarray
        Where its values begin in ``values``: one for each state of the inputs, the first input
        lowest.
    values : ndarray
        Truth tables of all kinds of nodes.
    names : list of tuple
        Cell, output and inputs of every node.
    """

    pins: np.ndarray
    count: np.ndarray
    out: np.ndarray
    gate: np.ndarray
    table: np.ndarray
    values: np.ndarray
    names: list[tuple[str, str, tuple[str, ...]]]

    def state(self, values: np.ndarray, chosen: np.ndarray | slice = slice(None)) -> np.ndarray:
        """States of the inputs of some nodes; ``values`` [..., nets] are those of all nets."""
        pins = self.pins[chosen]
        return values[..., pins] @ (1 << np.arange(pins.shape[1]))


@dataclass
class _Collector:
    """Nodes that are being gathered."""

    rows: list[tuple[int, int, tuple[int, ...], Callable[..., int]]] = field(default_factory=list)
    names: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)

    def nodes(self) -> Nodes:
        offsets: dict[int, int] = {}
        values: list[np.ndarray] = []
        most = max((len(pins) for _, _, pins, _ in self.rows), default=1)
        table = []
        for _, _, pins, function in self.rows:
            if id(function) not in offsets:
                offsets[id(function)] = sum(map(len, values))
                values.append(truth(function, len(pins)))
            table.append(offsets[id(function)])
        padded = [[*pins, *[LOW] * (most - len(pins))] for _, _, pins, _ in self.rows]
        return Nodes(np.array(padded, int).reshape(-1, most),
                     np.array([len(pins) for _, _, pins, _ in self.rows], int),
                     np.array([out for _, out, _, _ in self.rows], int),
                     np.array([gate for gate, _, _, _ in self.rows], int),
                     np.array(table, int), np.concatenate([*values, np.zeros(0, np.uint8)]),
                     self.names)


def truth(function: Callable[..., int], count: int) -> np.ndarray:
    """Values of a function for every state of ``count`` inputs, the first input lowest."""
    states = np.arange(1 << count)
    inputs = [(states >> k & 1).tolist() for k in range(count)]
    return np.array([function(*(column[state] for column in inputs)) & 1 for state in states],
                    np.uint8)


class Circuit:
    """A design of gates, ready to be simulated.

    Flip-flops take over at the rising edge of a clock that comes in at a port, and only then.

    Parameters
    ----------
    gates : Gates
        The design.
    library : Library
        Functions of its cells.

    Attributes
    ----------
    logic, registers : Nodes
        Outputs of combinational gates, and next states of flip-flops with the nets they drive.
    levels : list of ndarray
        Numbers of the nodes of ``logic`` in an order in which they can be evaluated.
    clocks : set
        Nets of clocks.

    Raises
    ------
    ValueError
        If the design holds a latch, a flip-flop that is set or cleared at any time, a clock that
        is no input, or a combinational loop.
    """

    def __init__(self, gates: Gates, library: Library):
        self.gates = gates
        self.library = library
        logic, registers = _Collector(), _Collector()
        self.clocks: set[int] = set()
        for number, gate in enumerate(gates.gates):
            cell = library.cells[gate.cell]
            if cell.sequential:
                self.clocks.add(gate.pins[clock_of(cell, gate.pins)])
            for output in (pin for pin in cell.functions if pin in gate.pins):
                # What a flip-flop takes over may depend on what it holds.
                inputs = tuple(pin for pin in (*cell.inputs, *[output] * cell.sequential)
                               if pin in gate.pins)
                into = registers if cell.sequential else logic
                into.rows.append((number, gate.pins[output], tuple(gate.pins[k] for k in inputs),
                                  _compiled(next_state(cell, output), inputs)))
                into.names.append((gate.cell, output, inputs))
        self.logic, self.registers = logic.nodes(), registers.nodes()
        inputs_of_design = {net for bits in gates.inputs.values() for net in bits}
        if not self.clocks <= inputs_of_design:
            raise ValueError("clock must come from an input of the design, not from a gate")
        self.levels = _levels(self.logic, gates.size)

    @property
    def free(self) -> np.ndarray:
        """Nets of inputs that are no clocks."""
        nets = {net for bits in self.gates.inputs.values() for net in bits if net >= FIRST}
        return np.array(sorted(nets - self.clocks), int)

    def run(self, drive: Drive) -> Iterator[np.ndarray]:
        """Yield the values of all nets at the end of every cycle.

        Flip-flops are 0 in the first cycle.

        Parameters
        ----------
        drive : callable
            Is given the values at the end of the cycle before and those of this cycle, in which it
            sets the inputs; those that it leaves stay as they were. Returns whether the cycle is
            still to come.
        """
        registers, logic = self.registers, self.logic
        levels = [(logic.out[level], logic.table[level],
                   logic.pins[level, :logic.count[level].max(initial=0)].T.copy())
                  for level in self.levels]
        before = np.zeros(self.gates.size, np.intp)
        before[1] = 1
        now = before.copy()
        while drive(before, now):
            for out, table, pins in levels:
                state = table.copy()
                for place, nets in enumerate(pins):
                    state += now[nets] << place
                now[out] = logic.values[state]
            yield now.astype(np.uint8)
            before, now = now, now.copy()
            now[registers.out] = registers.values[registers.table + registers.state(before)]

    def settle(self, inputs: dict[str, np.ndarray]) -> np.ndarray:
        """Values of all nets at the end of every cycle, [cycles, nets].

        Flip-flops are 0 in the first cycle.

        Parameters
        ----------
        inputs : dict
            Bits of the input ports, [cycles, bits], lowest first; those that are missing are 0.
        """
        cycles = max((len(bits) for bits in inputs.values()), default=1)
        at = iter(range(cycles))

        def drive(_before: np.ndarray, now: np.ndarray) -> bool:
            cycle = next(at, None)
            if cycle is not None:
                for name, bits in inputs.items():
                    now[self.gates.inputs[name]] = bits[cycle]
                now[sorted(self.clocks)] = 0
            return cycle is not None

        return np.stack(list(self.run(drive)))

    def read(self, values: np.ndarray, port: str) -> list[int]:
        """An output port as integers, one for each cycle of what :meth:`settle` gives."""
        bits = values[:, self.gates.outputs[port]]
        return [int("".join(map(str, row[::-1])), 2) for row in bits]


@cache
def _compiled(text: str, inputs: tuple[str, ...]) -> Callable[..., int]:
    return compile_function(text, inputs)


def _levels(logic: Nodes, size: int) -> list[np.ndarray]:
    """Nodes by the length of the longest way to them."""
    readers: list[list[int]] = [[] for _ in range(size)]
    driven = np.zeros(size, bool)
    driven[logic.out] = True
    waiting = np.zeros(len(logic.out), int)
    for node, (pins, count) in enumerate(zip(logic.pins.tolist(), logic.count.tolist(),
                                             strict=True)):
        for net in set(pins[:count]):
            if driven[net]:
                waiting[node] += 1
                readers[net].append(node)
    level = np.flatnonzero(waiting == 0).tolist()
    levels, done = [], 0
    while level:
        levels.append(np.array(level, int))
        done += len(level)
        following = []
        for node in level:
            for reader in readers[int(logic.out[node])]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    following.append(reader)
        level = following
    if done < len(logic.out):
        raise ValueError("the design has a combinational loop")
    return levels
