"""A design dissolved into gates is the design."""

import pytest

from synth.flow import CELLS, Flow
from synth.flow.gates import HIGH
from synth.library import liberty
from synth.placement.placed import timed
from tests.synth.flow.test_flow import ADDER


BORDERS = """
module pass(input a, output y, output z); assign y = a; assign z = 1'b1; endmodule
module inverse(input a, input b, output y); assign y = ~(a & b); endmodule
module top(input a, output x, output y, output z);
  wire one, same; pass p(.a(a), .y(same), .z(one));
  inverse i(.a(same), .b(one), .y(y));
  assign x = same; assign z = one;
endmodule"""


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS))


def test_nets_and_constants_cross_borders(flow):
    gates = flow.gates(BORDERS, "top")
    (gate,) = gates.gates
    assert (gate.name.split(".")[0], gate.module, gate.around) == ("i", "inverse", ("top",))
    (a,), (y,) = gates.inputs["a"], gates.outputs["y"]
    assert sorted(gate.pins.values()) == sorted([a, HIGH, y])
    assert gates.outputs["x"] == [a]
    assert gates.outputs["z"] == [HIGH]


def test_memories_stay_outside(flow):
    gates = flow.gates(ADDER, "top")
    assert gates.inputs["store.out"] == gates.outputs["out"]
    assert gates.outputs["store.at"] == gates.inputs["at"]
    assert sum(gate.cell.startswith("DFF") for gate in gates.gates) == 8


def test_timing_is_that_of_the_modules(flow):
    result = flow.run([(ADDER, "top")])[0]
    path = timed(flow.gates(ADDER, "top"), flow).longest()
    assert path.delay == pytest.approx(result.delay, abs=1e-4)
    assert (path.start.split("[")[0], path.end.split("[")[0], path.cells) == (
        "one.y", "two.y", result.path.cells)
