"""The simulation of all cycles at once against a queue of events."""

import heapq
import random
from itertools import pairwise

import numpy as np
import pytest

from synth.energy import events
from synth.energy.circuit import Circuit
from synth.energy.events import Arcs, simulate
from synth.flow import CELLS, Flow
from synth.flow.gates import Gate, Gates
from synth.flow.timing import Wires
from synth.library import liberty
from synth.library.power import Power
from synth.placement.placed import timed


CELL_NAMES = ("NAND2_X1", "XOR2_X1", "XNOR2_X2", "XOR2_X2", "AOI222_X1", "MUX2_X1", "MUXI2_X1",
              "MAJ3_X2", "NOR2_X1", "OAI21_X2", "BUF_X2")


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS))


def tangle(library, rng, inputs, count):
    """Gates between random nets, and a flip-flop behind every tenth of them."""
    gates = Gates([], {"c": [2], "a": list(range(3, 3 + inputs))}, {}, {}, 3 + inputs)
    held = [gates.new() for _ in range(count // 10)]
    nets = [*gates.inputs["a"], *held]
    for k in range(count):
        cell = library.cells[rng.choice(CELL_NAMES)]
        pins = {pin: rng.choice(rng.choice([nets, nets[-12:], nets[-12:], [0, 1]]))
                for pin in cell.inputs}
        gates.gates.append(Gate(f"g{k}", cell.name, "top", {**pins, "Y": gates.new()}))
        nets.append(gates.size - 1)
    for k, net in enumerate(held):
        gates.gates.append(Gate(f"f{k}", "DFF_X1", "top",
                                {"C": 2, "D": nets[-1 - 10 * k], "Q": net}))
    gates.outputs["y"] = nets[-8:]
    return gates


def queue(circuit, simulation, before, after):
    """Edges and energy of one cycle, event by event: an output has one pending edge at most."""
    logic, arcs = circuit.logic, simulation.arcs
    value, toggles, energy = before.copy(), np.zeros(len(before), int), np.zeros(len(before))
    readers = {}
    for node, pins in enumerate(logic.pins.tolist()):
        for pin, net in enumerate(pins[:logic.count[node]]):
            readers.setdefault(net, []).append((node, pin))
    # What a net has become where it is read: its wire comes after the gate has decided.
    driven, pending, waiting, number = before.copy(), {}, [], 0

    def seen(net, time):
        nonlocal number
        number += 1
        heapq.heappush(waiting, (time, 1, number, "net", net, None))

    for net in [*circuit.free, *circuit.registers.out]:
        if before[net] != after[net]:
            seen(int(net), int(simulation.start[after[net], net]))
    while waiting:
        time, _, stamp, kind, what, arc = heapq.heappop(waiting)
        if kind == "gate":
            if pending.get(what) == stamp:
                del pending[what]
                net = int(logic.out[what])
                driven[net] ^= 1
                energy[net] += arcs.energy[arc]
                seen(net, time + int(arcs.wire[net]))
            continue
        value[what] ^= 1
        toggles[what] += 1
        for node, pin in readers.get(what, []):
            state = int(logic.state(value, np.array([node]))[0])
            wanted, net = int(logic.values[logic.table[node] + state]), int(logic.out[node])
            if wanted == driven[net]:
                pending.pop(node, None)
            elif node not in pending:
                number += 1
                pending[node] = number
                at = Arcs.index(arcs.first[node], pin, state >> pin & 1, wanted)
                heapq.heappush(waiting, (time + int(arcs.delay[at]), 0, number, "gate", node, at))
    assert (value == after).all()
    return toggles, energy


@pytest.mark.parametrize("seed", range(6))
def test_same_edges_as_a_queue_of_events(flow, seed):
    rng = random.Random(seed)
    gates = tangle(flow.library, rng, inputs=8, count=60)
    circuit, power = Circuit(gates, flow.library), Power(flow.tables)
    values = circuit.settle({"a": np.array([[rng.randrange(2) for _ in range(8)]
                                            for _ in range(30)])})
    wires = Wires(*(np.array([rng.uniform(0, most) for _ in range(gates.size)])
                    for most in (9, 0.01)))
    timing = timed(gates, flow, wires)
    found = simulate(circuit, values[:-1], values[1:], timing, power)
    simulation = events._Simulation(circuit, timing, power, timing.flat.placed[0][2], None)
    toggles, energy = np.zeros(gates.size, int), np.zeros(gates.size)
    for before, after in pairwise(values):
        counted, taken = queue(circuit, simulation, before, after)
        toggles, energy = toggles + counted, energy + taken
    assert found.toggles.tolist() == toggles.tolist()
    assert found.toggles.sum() > found.settled.sum() > 0, "nothing glitches"
    energy[circuit.registers.out] = found.internal[circuit.registers.out]
    assert found.internal == pytest.approx(energy)


def test_cycles_in_parts_are_the_cycles_together(flow, monkeypatch):
    rng = random.Random(9)
    gates = tangle(flow.library, rng, inputs=8, count=60)
    circuit, power = Circuit(gates, flow.library), Power(flow.tables)
    values = circuit.settle({"a": np.array([[rng.randrange(2) for _ in range(8)]
                                            for _ in range(30)])})
    timing = timed(gates, flow)
    whole = simulate(circuit, values[:-1], values[1:], timing, power)
    monkeypatch.setattr(events, "TOGETHER", 7 * gates.size)
    parts = simulate(circuit, values[:-1], values[1:], timing, power)
    assert whole.cycles == parts.cycles == 29
    assert whole.toggles.tolist() == parts.toggles.tolist()
    assert whole.internal == pytest.approx(parts.internal)
    assert whole.last.tolist() == parts.last.tolist()


def test_no_edge_comes_after_the_longest_path(flow):
    rng = random.Random(4)
    gates = tangle(flow.library, rng, inputs=8, count=200)
    circuit, timing = Circuit(gates, flow.library), timed(gates, flow)
    values = circuit.settle({"a": np.array([[rng.randrange(2) for _ in range(8)]
                                            for _ in range(200)])})
    edges = simulate(circuit, values[:-1], values[1:], timing, Power(flow.tables))
    assert 0 < edges.last.max() <= np.max(timing.time) + 1e-3 * len(circuit.levels)


def test_loop_is_named(flow):
    gates = Gates([Gate("a", "NAND2_X1", "top", {"A": 2, "B": 4, "Y": 3}),
                   Gate("b", "INV_X1", "top", {"A": 3, "Y": 4})], {"a": [2]}, {"y": [4]}, {}, 5)
    with pytest.raises(ValueError, match=r"^the design has a combinational loop$"):
        Circuit(gates, flow.library)
