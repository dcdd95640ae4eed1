"""Bits that Yosys finds constant, and those that a fact speaks of."""

import pytest

from verify.coverage.constants import constants
from verify.coverage.facts import Fact


VERILOG = r"""
module nm_part(input clk, input [3:0] a, output reg [5:0] q, output [3:0] copy);
  wire [5:0] \sum$1 = {2'b0, a} & 6'h1f;
  always @(posedge clk) q <= \sum$1 ;
  assign copy = a;
endmodule
module nm_top(input clk, input [3:0] a, input b, output [5:0] x, output [5:0] y, output [3:0] z);
  nm_part one(.clk(clk), .a(a), .q(x), .copy(z));
  nm_part two(.clk(clk), .a({3'b101, b}), .q(y));
endmodule
"""


@pytest.fixture(scope="module")
def found():
    return constants(VERILOG, "nm_top", [Fact("nm_top.one.copy", 2, 3, "the caller says so")])


def test_constants_go_through_registers_and_into_instances(found):
    constant, _ = found
    high = {("nm_top.one.sum$1", 4), ("nm_top.one.sum$1", 5), ("nm_top.one.q", 5), ("nm_top.x", 5)}
    assert high <= constant
    assert {("nm_top.two.a", k) for k in (1, 2, 3)} <= constant
    assert {("nm_top.two.q", k) for k in (1, 2, 3, 4, 5)} <= constant
    assert not {("nm_top.one.q", 0), ("nm_top.a", 0), ("nm_top.two.q", 0)} & constant


def test_a_fact_holds_for_all_names_of_its_net(found):
    _, known = found
    assert {("nm_top.a", 2), ("nm_top.a", 3), ("nm_top.z", 3), ("nm_top.one.a", 2)} <= known
    assert not {name for name, _ in known} & {"nm_top.one.q", "nm_top.two.a"}
    assert all(index in (2, 3) for _, index in known)
