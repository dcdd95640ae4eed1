"""Netlists as Verilog: names, what is kept, and what no simulator without delays can follow."""

import subprocess

import pytest

from synth.flow import CELLS, Flow
from synth.flow.verilog import netlist
from synth.library import liberty


DESIGN = """
module top_memory_2x4(clk, write_data, read_data);
  input clk; input [3:0] write_data; output reg [3:0] read_data;
  always @(posedge clk) read_data <= write_data;
endmodule

module part(clk, \\i.data , \\wire , rst, o);
  input clk, rst; input [1:0] \\i.data ; input \\wire ; output reg [1:0] o;
  always @(posedge clk) o <= rst ? 2'd2 : \\i.data + \\wire ;
endmodule

module top(clk, rst, data, sum, kept);
  input clk, rst; input [3:0] data; output [3:0] sum, kept;
  part inside(.clk(clk), .rst(rst), .\\i.data (data[1:0]), .\\wire (data[2]), .o(sum[1:0]));
  part \\second.one (.clk(clk), .rst(rst), .\\i.data (data[3:2]), .\\wire (1'b1), .o(sum[3:2]));
  top_memory_2x4 memory(.clk(clk), .write_data(data), .read_data(kept));
endmodule
"""

BENCH = """
module bench;
  reg clk, rst; reg [3:0] data; wire [3:0] sum, kept;
  top top(.clk(clk), .rst(rst), .data(data), .sum(sum), .kept(kept));
  task cycle(input [4:0] next); begin
    {rst, data} = next; #1 clk = 1; #1 $display("%b %b", sum, kept); clk = 0; #1;
  end endtask
  initial begin
    clk = 0; #1 $display("%b %b", sum, kept);
    cycle(5'b1_0000); cycle(5'b0_0110); cycle(5'b0_1011); cycle(5'bx_0000);
  end
endmodule
"""

LATCHES = """library (l) {
  cell (L) { area : 1; latch (IQ, IQN) { data_in : "D"; enable : "E"; }
    pin (D) { direction : input; } pin (E) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
  cell (F) { area : 1; ff (IQ, IQN) { clocked_on : "C"; next_state : "D E + IQ E'"; }
    pin (D) { direction : input; } pin (E) { direction : input; } pin (C) { direction : input; }
    pin (QN) { direction : output; function : "IQN"; } }
  cell (I) { area : 1; pin (A) { direction : input; }
    pin (Y) { direction : output; function : "A'"; } }
}"""


@pytest.mark.long
def test_does_what_was_written_and_knows_nothing_at_power_up(tmp_path):
    text = Flow(liberty.read(CELLS)).netlist(DESIGN, "top")
    assert DESIGN[1:DESIGN.index("endmodule")] in text  # the memory, as it was
    (tmp_path / "all.v").write_text(text + BENCH)
    subprocess.run(["iverilog", "-g2005", "-Wall", "-o", "run", "all.v"], cwd=tmp_path, check=True)
    seen = subprocess.run(["vvp", "-n", "run"], cwd=tmp_path, capture_output=True, text=True,
                          check=True).stdout.split("\n")
    assert seen[:4] == ["xxxx xxxx", "1010 0000", "1011 0110", "1111 1011"]
    assert "x" in seen[4].split()[0]


def test_a_cell_is_its_function_and_a_flip_flop_holds_nothing_at_first():
    module = {"ports": {"a": {"direction": "input", "bits": [2]},
                        "wire": {"direction": "input", "bits": [5, 6]},
                        "y": {"direction": "output", "bits": [4, 3, "0"]}},
              "cells": {"u.1": {"type": "I", "connections": {"A": [6], "Y": [3]}},
                        "u.2": {"type": "I", "connections": {"A": ["1"], "Y": []}},
                        "u.3": {"type": "F", "connections": {
                            "C": [2], "D": [3], "E": [5], "QN": [4]}}}}
    assert netlist({"m": (module, {})}, liberty.Library(LATCHES).cells) == """\
module m(a, \\wire , y);
  input a;
  input [1:0] \\wire ;
  output [2:0] y;
  wire _3_;
  reg _4_;
  assign _3_ = (~ \\wire [1] );
  always @(posedge a) _4_ <= ~ ( _3_ & \\wire [0] | ( ~ _4_ ) & (~ \\wire [0] ) );
  assign y = {1'b0, _3_, _4_};
endmodule
"""


def test_latches_are_refused():
    module = {"ports": {}, "cells": {"u": {"type": "L", "connections": {
        "D": [2], "E": [3], "Q": [4]}}}}
    with pytest.raises(ValueError, match="design must hold no latches, not L"):
        netlist({"m": (module, {})}, liberty.Library(LATCHES).cells)
