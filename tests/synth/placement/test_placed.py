"""Placement, wires and buffers."""

import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from synth.flow import CELLS, Flow
from synth.flow.gates import Gate, Gates
from synth.flow.timing import Wires
from synth.library import liberty
from synth.placement import lef
from synth.placement.buffers import buffered
from synth.placement.lef import Wire
from synth.placement.place import Placement, place
from synth.placement.placed import placed, timed
from synth.placement.wires import ROUTING, wires
from tests.synth.flow.test_flow import ADDER


SPREAD = """
module source(input clk, input d, output reg q); always @(posedge clk) q <= d; endmodule
module sink(input clk, input d, input [3:0] a, output reg [3:0] q);
  always @(posedge clk) q <= d ? a * 3 + q : a ^ {q[2:0], d};
endmodule
module top(input clk, input d, output [119:0] q);
  wire one; source s(.clk(clk), .d(d), .q(one));
  genvar k; generate for (k = 0; k < 30; k = k + 1)
    sink t(.clk(clk), .d(one), .a(q[(4 * k + 44) % 120 +: 4]), .q(q[4 * k +: 4]));
  endgenerate
endmodule"""
"""A flip-flop of one module drives thirty other modules."""


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS), workers=2)


@pytest.fixture(scope="module")
def sizes():
    return lef.read([CELLS.with_suffix(".lef")])


@pytest.fixture(scope="module")
def spread(flow, sizes):
    return placed(flow.gates(SPREAD, "top"), flow, sizes, seeds=(1, 2, 1))


def chain(count):
    """Inverters one behind the other, from net 2 to net 2 + count."""
    gates = [Gate(f"i{k}", "INV_X1", "top", {"A": 2 + k, "Y": 3 + k}) for k in range(count)]
    return Gates(gates, {"a": [2]}, {"y": [2 + count]}, {}, 3 + count)


def test_cells_stand_in_rows_and_apart(spread, sizes):
    found = spread[0]
    taken = Counter()
    for gate, x, y in zip(found.gates.gates, found.placement.x, found.placement.y, strict=True):
        assert y % 7 == 0
        width = sizes.macros[gate.cell].width // 1000
        taken.update((int(y), int(x) + k) for k in range(width))
    assert set(taken.values()) == {1}
    assert len(taken) / (found.placement.area / 7) == pytest.approx(0.7, abs=0.03)


def test_a_seed_gives_one_placement_and_another_one_differs(spread):
    first, other, again = spread
    assert (first.placement.length == again.placement.length).all()
    assert (first.placement.length != other.placement.length).any()
    assert first.length == pytest.approx(other.length, rel=0.15)


def test_lengths_are_half_of_the_perimeter_of_the_box(flow, sizes):
    gates = flow.gates(SPREAD, "top")
    found = place(gates, sizes, seed=3)
    middle = np.array([sizes.macros[gate.cell].width // 2 / 1000 for gate in gates.gates])
    ports = {net for bits in (*gates.inputs.values(), *gates.outputs.values()) for net in bits}
    for net in set(range(2, gates.size)) - ports:
        at = [k for k, gate in enumerate(gates.gates) if net in gate.pins.values()]
        box = np.ptp(found.x[at] + middle[at]) + np.ptp(found.y[at])
        assert found.length[net] == pytest.approx(box, abs=1e-3 + 0.501), net


def test_wires_load_and_delay_by_hand(flow):
    # An inverter takes 0.2 * (drains + load) FO4; a wire its resistance times half its load and
    # the pins. The last one drives the load of an output, four inputs.
    load, resistance = np.array([0, 0, 7, 3, 5, 0.0]), np.array([0, 0, 0.5, 0.1, 0.2, 0.3])
    timing = timed(chain(3), flow, Wires(load, resistance))
    stages = [0.2 * (1 + 1 + 3) + 0.1 * (1 + 1.5), 0.2 * (1 + 1 + 5) + 0.2 * (1 + 2.5),
              0.2 * (1 + 4) + 0.3 * 4]
    # The input: what its load adds to the buffer that drives it.
    first = 0.2 * (1 + 7) + 0.5 * (1 + 3.5)
    assert timing.longest().delay == pytest.approx(first + sum(stages))


def test_without_wires_nothing_changes(flow):
    none = Wires(np.zeros(6), np.zeros(6))
    assert timed(chain(3), flow, none).longest() == timed(chain(3), flow).longest()


def test_wires_are_in_the_units_of_the_library(flow):
    placement = Placement(1.0, np.array([0, 0, 100.0]), np.zeros(1), np.zeros(1))
    found = wires(placement, Wire(2e-4, 3e-3, ""), flow.library)
    # fF and FO4 ("ns") for every fF.
    assert found.load[2] == pytest.approx(ROUTING * 100 * 2e-4 * 1000)
    assert found.resistance[2] == pytest.approx(ROUTING * 100 * 3e-3 / 1000)


def test_driver_of_many_loads_gets_buffers_until_none_is_overloaded(spread, flow):
    found = spread[0]
    assert found.buffers == sum(gate.module == "buffers" for gate in found.gates.gates) > 1
    load = found.arrivals.load[found.arrivals.flat.placed[0][2]]
    clocks = set(found.gates.inputs["clk"])
    for gate in found.gates.gates:
        for pin, limit in flow.library.cells[gate.cell].limit.items():
            if gate.pins[pin] not in clocks:
                assert load[gate.pins[pin]] <= limit, gate.name


def test_buffers_change_no_function():
    library = liberty.read(CELLS)
    sinks = [Gate(f"s{k}", "INV_X1", "top", {"A": 2, "Y": 3 + k}) for k in range(90)]
    gates = Gates(sinks, {"a": [2]}, {"y": list(range(3, 93))}, {}, 93)
    stand = Placement(1.0, np.zeros(93), np.arange(90.0), np.zeros(90))
    more, count = buffered(gates, np.full(93, 0.0) + 90 * (np.arange(93) == 2), stand, library)
    assert gates.gates == sinks, "the design that was given is changed"
    drivers = {gate.pins["Y"]: gate for gate in more.gates}
    for gate in more.gates[:90]:
        buffer = drivers[gate.pins["A"]]
        assert (buffer.cell, buffer.pins["A"]) == ("BUF_X1", 2)
    assert count == len(more.gates) - 90 == 4
    # Each serves neighbours: 22 or 23 in a line.
    for driver in drivers.values():
        served = [k for k, gate in enumerate(more.gates[:90]) if gate.pins["A"] == driver.pins["Y"]]
        assert served == list(range(served[0], served[-1] + 1)) if served else True


@pytest.mark.parametrize(("given", "message"), [
    ({"utilisation": 1.0}, r"^utilisation must be above 0\.1 and below 1, not 1\.0$"),
    ({"seed": -1}, "^seed must be an integer from 0"),
])
def test_parameters_out_of_range_are_named(sizes, given, message):
    with pytest.raises(ValueError, match=message):
        place(chain(2), sizes, **given)


def test_placer_that_is_missing_is_named(sizes, monkeypatch):
    monkeypatch.setitem(sys.modules, "coloquinte", None)
    with pytest.raises(ModuleNotFoundError, match=r"^coloquinte must be installed for wires, not "):
        place(chain(2), sizes)


def test_cell_without_a_size_is_named(sizes):
    macros = {name: macro for name, macro in sizes.macros.items() if name != "INV_X1"}
    with pytest.raises(ValueError, match=r"^lef must have a size for INV_X1, not none$"):
        place(chain(2), replace(sizes, macros=macros))


def test_adder_is_slower_with_wires(flow, sizes):
    gates = flow.gates(ADDER, "top")
    (found,) = placed(gates, flow, sizes)
    assert found.path.delay > timed(gates, flow).longest().delay
