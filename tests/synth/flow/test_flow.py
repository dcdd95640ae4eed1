"""Synthesis: what it counts, that it repeats itself, how it fails."""

import time

import pytest

from synth import flow
from synth.flow import CELLS, Flow, synthesize, yosys
from synth.library import liberty


ADDER = """
module leaf(input clk, input [3:0] a, input [3:0] b, output reg [3:0] y);
  reg \\$auto$writer.cc:1:counted$1 = 0;
  always @(posedge clk) y <= a + b;
endmodule
module nm_store_memory_8x8(input clk, input [2:0] at, input [7:0] in, output [7:0] out);
  reg [7:0] words [0:7];
  always @(posedge clk) words[at] <= in;
  assign out = words[at];
endmodule
module top(input clk, input [3:0] a, input [3:0] b, output [3:0] y, output [3:0] z,
           input [2:0] at, input [7:0] in, output [7:0] out);
  leaf one(.clk(clk), .a(a), .b(b), .y(y));
  leaf two(.clk(clk), .a(y), .b(a), .y(z));
  nm_store_memory_8x8 store(.clk(clk), .at(at), .in(in), .out(out));
endmodule
"""
OTHER = """
module unlike(input [5:0] s, output [2:0] y); assign y = s[5:3] * s[2:0]; endmodule
"""


@pytest.fixture(scope="module")
def library():
    return liberty.read(CELLS)


@pytest.fixture(scope="module")
def result(library):
    return Flow(library).run([(ADDER, "top")])[0]


def test_counts_every_instance_once_each(result, library):
    assert result.instances == {"leaf": 2, "nm_store_memory_8x8": 1, "top": 1}
    assert result.flip_flops == 8
    area = sum(library.cells[name].area * count for name, count in result.cells.items())
    assert result.area == pytest.approx(area, abs=1e-3)
    assert result.gates == pytest.approx(result.area, abs=1e-2)


def test_every_module_has_its_own_area_and_its_children(result, library):
    assert result.modules.keys() == {"leaf", "top"}
    assert result.modules["top"]["children"] == {"leaf": 2}
    assert result.modules["top"]["area"] == 0
    leaf = result.modules["leaf"]
    assert 2 * leaf["area"] == pytest.approx(result.area)
    flip_flops = sum(library.cells[name].area * count for name, count in result.cells.items()
                     if library.cells[name].sequential)
    assert 2 * leaf["registers"] == pytest.approx(flip_flops) != 0


def test_memories_are_bits_not_flip_flops(result):
    assert result.memory_bits == 64


def test_path_from_register_to_register_is_clock_to_output_and_setup():
    text = """
module top(input clk, input d, output reg r); reg q;
  always @(posedge clk) begin q <= d; r <= q; end
endmodule"""
    result = synthesize(text, "top")
    # The flip-flop: 1 FO4 inside, an output inverter that drives one input, 1 FO4 of set-up.
    assert result.delay == pytest.approx(1 + 0.2 * (1 + 1) + 1)
    assert (result.path.start, result.path.end, result.path.cells) == ("q", "r", 0)


def test_path_crosses_modules(result):
    # From a flip-flop of one leaf through the adder of the other.
    assert result.path.start.startswith("y[")
    assert result.path.end.startswith("z[")
    assert result.delay > result.module_delay


def test_same_result_whatever_else_runs_in_whatever_order(result, library):
    mixed = Flow(library, workers=2).run([(OTHER, "unlike"), (ADDER, "top"), (OTHER, "unlike")])
    assert mixed[1] == result
    assert mixed[0] == mixed[2]


def test_module_is_synthesised_once_wherever_it_stands(library):
    seen = []
    renamed = (ADDER.replace("leaf", "twig").replace("module top", "module again")
               .replace("counted$1", "counted$27"))
    Flow(library).run([(ADDER, "top"), (renamed, "again")],
                      lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_constants_and_feedthroughs_cross_module_borders():
    text = """
module pass(input a, output y, output z); assign y = a; assign z = 1'b1; endmodule
module top(input a, input b, output x, output y);
  wire one, same; pass p(.a(a), .y(same), .z(one));
  assign x = same ^ b; assign y = one;
endmodule"""
    result = synthesize(text, "top")
    assert sum(result.cells.values()) == 1
    assert (result.path.start, result.path.end) in {("a", "x"), ("b", "x")}
    assert result.delay == pytest.approx(result.module_delay, abs=1e-3)


def test_combinational_path_equals_that_of_abc():
    result = synthesize(OTHER, "unlike")
    assert result.delay == pytest.approx(result.module_delay, abs=1e-3)


def test_error_of_yosys_is_one_sentence():
    with pytest.raises(flow.SynthesisError, match=r"^Yosys failed: .*syntax error") as caught:
        synthesize("module top(; endmodule", "top")
    assert "\n" not in str(caught.value)


def test_missing_top_is_an_error():
    with pytest.raises(flow.SynthesisError, match="Yosys failed: ERROR: Module `nothing'"):
        synthesize(OTHER, "nothing")


def test_endless_synthesis_is_ended(tmp_path):
    start = time.monotonic()
    with pytest.raises(flow.SynthesisError, match=r"^Yosys did not end within 0\.5 s$"):
        yosys.run(["exec -- sleep 60"], tmp_path, timeout=0.5)
    assert time.monotonic() - start < 30  # what Yosys had started is ended with it


def test_combinational_loop_is_an_error():
    text = """
module half(input a, input b, output y); assign y = ~(a & b); endmodule
module top(input a, output y, output z);
  half one(.a(a), .b(z), .y(y)); half two(.a(a), .b(y), .y(z));
endmodule"""
    with pytest.raises(flow.SynthesisError, match=r"^top: the design has a combinational loop$"):
        synthesize(text, "top")


def test_library_without_flip_flops_is_an_error(tmp_path):
    text = CELLS.read_text()
    small = tmp_path / "gates.lib"
    small.write_text(text[:text.index("  cell (DFF_X1)")] + "}\n")
    with pytest.raises(flow.SynthesisError, match=r"^top: leaf: Yosys failed: .*D flip-flops"):
        synthesize(ADDER, "top", small)


def test_what_no_cell_can_do_is_an_error():
    text = "module top(input clk); always @(posedge clk) $display(1); endmodule"
    with pytest.raises(flow.SynthesisError, match=r": the library has no cell for \$print$"):
        synthesize(text, "top")


def test_wires_alone_need_no_cells():
    result = synthesize("module top(input a, output y); assign y = a; endmodule", "top")
    assert (result.cells, result.area, result.module_delay) == ({}, 0, 0)
    assert (result.path.start, result.path.cells) == ("a", 0)


@pytest.mark.parametrize(("function", "fits"), [("(A*B)^C", True), ("A*B^C", False)])
def test_cells_with_xor_beside_and_are_mapped_as_liberty_means_them(function, fits):
    """ABC reads AND before XOR, Liberty has XOR before AND."""
    text = CELLS.read_text()
    start = text.index("  cell (AOI21_X1)")
    end = text.index("  cell (", start + 1)
    cell = text[start:end].replace("AOI21_X1", "NEW").replace("!((A&B)|C)", function).replace(
        "area : 1.3333", "area : 0.1")
    given = "module top(input a, input b, input c, output y); assign y = a & b ^ c; endmodule"
    found = Flow(liberty.Library(text[:end] + cell + text[end:])).run([(given, "top")])[0]
    assert ("NEW" in found.cells) == fits
