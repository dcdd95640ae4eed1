"""Sizes of cells for their wires."""

from dataclasses import replace

import numpy as np
import pytest

from synth.flow import CELLS, Flow
from synth.flow.gates import Gate, Gates
from synth.flow.timing import Wires
from synth.library import liberty
from synth.placement import lef
from synth.placement.buffers import MODULE
from synth.placement.placed import placed, timed
from synth.placement.sizing import larger, sized
from synth.placement.wires import extended


@pytest.fixture(scope="module")
def library():
    return liberty.read(CELLS)


@pytest.fixture(scope="module")
def flow(library):
    return Flow(library, goal="work")


@pytest.fixture(scope="module")
def sizes():
    return lef.read([CELLS.with_suffix(".lef")])


def test_larger_cells_have_the_same_pins_and_function(library, sizes):
    grow = larger(library, sizes.macros)
    assert (grow["INV_X1"], grow["INV_X2"], grow["INV_X4"]) == ("INV_X2", "INV_X4", "INV_X8")
    assert grow["NAND2_X1"] == "NAND2_X2"
    assert not {"INV_X8", "NAND2_X2", "DFF_X1"} & grow.keys()
    for small, large in grow.items():
        one, other = library.cells[small], library.cells[large]
        assert (one.inputs, one.functions) == (other.inputs, other.functions)
        assert one.area <= other.area


def test_cells_that_cannot_be_placed_are_nobody_s_larger_cell(library, sizes):
    assert larger(library, sizes.macros.keys() - {"INV_X2"})["INV_X1"] == "INV_X4"


def test_slack_is_what_a_node_may_be_late(flow):
    # From net 2 a short way of one inverter and a long one of three, to outputs 3 and 6.
    gates = Gates([Gate(f"i{k}", "INV_X1", "top", {"A": a, "Y": 3 + k})
                   for k, a in enumerate((2, 2, 4, 5))], {"a": [2]}, {"y": [3, 6]}, {}, 7)
    timing = timed(gates, flow)
    net, slack = timing.flat.placed[0][2], timing.slack()
    long = [2 * net[k] + edge for k in (2, 4, 5, 6) for edge in (0, 1)]
    assert slack[long] == pytest.approx(np.zeros(8), abs=1e-9)
    path = timing.longest().delay
    assert slack[2 * net[3]] == pytest.approx(path - timing.time[2 * net[3]])


def test_driver_of_a_long_wire_grows(flow, sizes):
    chain, found = long_wire(60.0)

    def time(gates):
        return timed(gates, flow, extended(found, gates.size))

    gates, timing = sized(chain, flow, sizes.macros, time)
    assert gates.gates[1].cell == "INV_X4"
    assert timing.longest().delay < time(chain).longest().delay / 2
    assert [gate.pins for gate in gates.gates] == [gate.pins for gate in chain.gates]
    assert [gate.cell for gate in chain.gates] == ["INV_X1"] * 4, "the given design is changed"

    def cost(gates, timing):
        return flow.library.area(gate.cell for gate in gates.gates) * timing.longest().delay

    everywhere = replace(chain, gates=[replace(gate, cell="INV_X4") for gate in chain.gates])
    least = cost(gates, timing)
    for other in chain, everywhere:
        assert least < cost(other, time(other))


def long_wire(load):
    """Four inverters; the wire between the second and the third has a load."""
    chain = Gates([Gate(f"i{k}", "INV_X1", "top", {"A": 2 + k, "Y": 3 + k}) for k in range(4)],
                  {"a": [2]}, {"y": [6]}, {}, 7)
    return chain, Wires(load * (np.arange(7) == 4), np.zeros(7))


def test_driver_without_a_larger_cell_gets_a_buffer(flow, sizes):
    chain, found = long_wire(60.0)

    def time(gates):
        return timed(gates, flow, extended(found, gates.size))

    gates, timing = sized(chain, flow, sizes.macros.keys() - {"INV_X2", "INV_X4", "INV_X8"}, time)
    assert [gate.cell for gate in gates.gates[:4]] == ["INV_X1"] * 4
    (buffer,) = gates.gates[4:]
    assert (buffer.module, buffer.cell[:4]) == (MODULE, "BUF_")
    assert (gates.gates[1].pins, buffer.pins) == ({"A": 3, "Y": 7}, {"A": 7, "Y": 4})
    assert [gates.gates[k].pins for k in (0, 2, 3)] == [chain.gates[k].pins for k in (0, 2, 3)]
    assert [gate.pins["Y"] for gate in chain.gates] == [3, 4, 5, 6], "the given design is changed"
    assert (gates.size, chain.size) == (8, 7)
    assert timing.longest().delay == time(gates).longest().delay < 0.7 * time(chain).longest().delay


def test_no_buffer_where_none_pays(flow, sizes):
    chain, found = long_wire(0.5)
    gates, _ = sized(chain, flow, sizes.macros.keys() - {"INV_X2", "INV_X4", "INV_X8"},
                     lambda gates: timed(gates, flow, extended(found, gates.size)))
    assert gates == chain


def test_further_nets_have_no_wire():
    found = extended(Wires(np.array([0.0, 0.0, 3.0]), np.array([0.0, 0.0, 2.0])), 5)
    assert found.load.tolist() == [0, 0, 3, 0, 0]
    assert found.resistance.tolist() == [0, 0, 2, 0, 0]


def test_goal_work_sizes_what_is_placed(library, flow, sizes):
    # One inverter drives twelve, and a hundred more have nothing to do with it.
    gates = [Gate("driver", "INV_X1", "top", {"A": 2, "Y": 3}),
             *(Gate(f"s{k}", "INV_X1", "top", {"A": 3, "Y": 4 + k}) for k in range(12)),
             *(Gate(f"o{k}", "INV_X1", "top", {"A": 16 + k, "Y": 116 + k}) for k in range(100))]
    design = Gates(gates, {"a": [2, *range(16, 116)]}, {"y": [*range(4, 16), *range(116, 216)]},
                   {}, 216)
    (small,), (found,) = (placed(design, one, sizes) for one in (Flow(library), flow))
    assert [gate.cell for gate in small.gates.gates] == ["INV_X1"] * 113
    assert small.core == small.placement.area
    area, before = (library.area(gate.cell for gate in one.gates.gates) for one in (found, small))
    assert found.core / found.placement.area == pytest.approx(area / before)
    assert area > before
    assert found.path.delay < small.path.delay
    assert found.path == timed(found.gates, flow, found.wires).longest()
