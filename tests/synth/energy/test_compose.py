"""Energy of arrays by parts: what is simulated, for how many it stands, and against the whole."""

from dataclasses import replace

import numpy as np
import pytest

from hw.config import Design, Pattern
from synth.energy.circuit import Circuit
from synth.energy.compose import chosen, sampled
from synth.energy.events import simulate
from synth.energy.job import Layer
from synth.energy.measure import Settings, measure
from synth.energy.operands import make
from synth.energy.report import memories_table
from synth.flow import CELLS, Flow
from synth.library import liberty
from synth.library.power import Power
from synth.placement import lef
from synth.placement.placed import placed


ARRAY = """
module pe(input clk, input [3:0] a, input [3:0] w, input keep, output reg [7:0] q);
  always @(posedge clk) q <= a * w + (keep ? q : 8'd0);
endmodule
module array(input clk, input [7:0] a, input [7:0] w, output [31:0] q);
  reg [15:0] r; always @(posedge clk) r <= {w, a};
  pe pe_r0c0(clk, r[3:0], r[11:8], 1'b1, q[7:0]);
  pe pe_r0c1(clk, r[3:0], r[15:12], 1'b1, q[15:8]);
  pe pe_r1c0(clk, r[7:4], r[11:8], 1'b0, q[23:16]);
  pe pe_r1c1(clk, r[7:4], r[15:12], 1'b0, q[31:24]);
endmodule
module top(input clk, input [7:0] a, input [7:0] w, output [7:0] y);
  wire [31:0] q;
  array inner(clk, a, w, q);
  assign y = (q[7:0] ^ q[15:8]) + (q[23:16] ^ q[31:24]);
endmodule"""
"""Four PEs with registers before them, and logic outside of the array."""

ACCELERATOR = Design(Pattern(2, 4), rows=2, columns=2, max_k=32, batch_tokens=4, epilogue_lanes=0)


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS), workers=2)


@pytest.fixture(scope="module")
def sizes():
    return lef.read([CELLS.with_suffix(".lef")])


@pytest.mark.parametrize(("count", "expected"), [
    (1, [0]), (4, [0, 3]), (16, [0, 5, 10, 15]), (64, list(range(0, 64, 9))), (2, [0, 1]),
])
def test_pes_of_the_diagonal_are_simulated(count, expected):
    assert chosen(count).tolist() == expected


def test_simulated_part_has_the_edges_of_the_whole(flow, sizes):
    where, = placed(flow.gates(ARRAY, "top"), flow, sizes)
    part, standing = sampled(where.gates, flow.library)
    whole = Circuit(where.gates, flow.library)
    rng = np.random.default_rng(2)
    values = whole.settle({name: rng.integers(0, 2, (60, 8)) for name in "aw"})
    power = Power(flow.tables)
    every, some = (simulate(circuit, values[:-1], values[1:], where.arrivals, power)
                   for circuit in (whole, Circuit(part, flow.library)))
    names = [gate.name for gate in part.gates]
    assert len(names) < len(where.gates.gates)
    for gate, count in zip(part.gates, standing, strict=True):
        inside = "pe_r" in gate.name
        wanted = 2 if "r0c0" in gate.name or "r1c1" in gate.name else 0 if inside else 1
        assert count == wanted, gate.name
        for net in gate.pins.values():
            if count and net not in where.gates.inputs["clk"]:
                assert some.toggles[net] == every.toggles[net], gate.name
    assert every.toggles.sum() > every.settled.sum(), "nothing glitches"
    assert sum(standing) == len(where.gates.gates)


@pytest.mark.long
@pytest.mark.parametrize("text", ["4:4", "4:8"])
def test_array_by_parts_takes_what_the_whole_array_takes(flow, sizes, text):
    design = Design(Pattern.parse(text), rows=2, columns=2, tile=2)
    settings = Settings(sizes, make("gaussian", 1), cycles=200)
    parts, whole = (measure("array", design, flow, replace(settings, every_pe=every))
                    for every in (False, True))
    assert parts.total.mean == pytest.approx(whole.total.mean, rel=0.03)
    assert parts.energies[0].parts.keys() >= {
        "multipliers and adders", "registers and clock", "decoders", "results"}
    assert "gather" in parts.energies[0].parts or design.pattern.dense


@pytest.mark.long
def test_accelerator_has_the_energy_of_its_parts(flow, sizes, capsys):
    found = measure("accelerator", ACCELERATOR, flow, Settings(
        sizes, make("gaussian", 1), cycles=40, layer=Layer(8, 16, 24)))
    energy, = found.energies
    assert energy.parts.keys() >= {
        "multipliers and adders", "gather", "registers and clock", "decoders", "selector",
        "compactor", "results", "buffers", "control"}
    assert sum(both[0] for both in energy.parts.values()) == pytest.approx(energy.total)
    assert 0 < energy.settled < energy.total
    assert found.products * found.cycles == pytest.approx(8 * 16 * 24)
    assert {memory.words for memory in found.memories if "bank_c" in memory.name} == {16}
    memories_table([found]).print()
    shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
    steps = 2 * 2 * 4 * 12  # batches, groups, blocks and tiles; each reads two banks of 16 x 32
    assert f"accelerator.weights.bank 2 16 x 32 {2 * steps}" in shown
