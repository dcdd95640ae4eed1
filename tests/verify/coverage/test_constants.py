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
module nm_table(input clk, input [1:0] at, input go, input [2:0] given, output reg [4:0] got);
  reg [4:0] cells [3:0];
  reg [1:0] known [3:0];
  initial known[0] = 2'd1;
  always @(posedge clk) begin
    if (go) cells[at] <= {given, 2'd2};
    if (go) known[at] <= 2'd2;
    got <= cells[at] ^ {3'd0, known[at]};
  end
endmodule
module nm_store(input clk, input [1:0] at, input go, input [2:0] given, output [4:0] got);
  reg [4:0] cells [3:0];
  reg [4:0] read;
  always @(posedge clk) begin
    if (go) cells[at] <= {given, 2'd2};
    read <= cells[at];
  end
  assign got = read;
endmodule
module nm_top(input clk, input [3:0] a, input b, output [5:0] x, output [5:0] y, output [3:0] z,
              output [4:0] s, output [4:0] t);
  nm_part one(.clk(clk), .a(a), .q(x), .copy(z));
  nm_store store(.clk(clk), .at(a[1:0]), .go(b), .given(a[2:0]), .got(s));
  nm_table table(.clk(clk), .at(a[1:0]), .go(b), .given(a[2:0]), .got(t));
  nm_part two(.clk(clk), .a({3'b101, b}), .q(y));
endmodule
"""


@pytest.fixture(scope="module")
def found():
    return constants(VERILOG, "nm_top", [Fact("nm_top.one.copy", 2, 3, "the caller says so")])


WORDS = [f"nm_top.store.cells[{word}]" for word in range(4)]


def test_constants_go_through_registers_and_into_instances(found):
    constant, _ = found
    high = {("nm_top.one.sum$1", 4), ("nm_top.one.sum$1", 5), ("nm_top.one.q", 5), ("nm_top.x", 5)}
    assert {constant[place] for place in high} == {0}
    assert [constant["nm_top.two.a", k] for k in (1, 2, 3)] == [1, 0, 1]
    assert [constant["nm_top.two.q", k] for k in (1, 2, 3, 4, 5)] == [1, 0, 1, 0, 0]
    assert not {("nm_top.one.q", 0), ("nm_top.a", 0), ("nm_top.two.q", 0)} & constant.keys()


def test_a_fact_holds_for_all_names_of_its_net(found):
    _, known = found
    assert {("nm_top.a", 2), ("nm_top.a", 3), ("nm_top.z", 3), ("nm_top.one.a", 2)} <= known.keys()
    assert {*known.values()} == {0}
    assert not {name for name, _ in known} & {"nm_top.one.q", "nm_top.two.a"}
    assert all(index in (2, 3) for name, index in known
               if not name.startswith(("nm_top.s", "nm_top.t", "nm_top.$flatten")))


def test_constants_go_through_memories(found):
    """Bits 0 and 1 of every word are written as constants, bit 4 as what a fact speaks of."""
    constant, known = found
    assert {place: value for place, value in constant.items() if place[0] in WORDS} == {
        (word, bit): bit for word in WORDS for bit in (0, 1)}
    assert {place for place in known if place[0] in WORDS} == {(word, 4) for word in WORDS}
    for name in ("nm_top.store.read", "nm_top.store.got", "nm_top.s"):
        assert [constant[name, bit] for bit in (0, 1)] == [0, 1]
        assert (name, 4) in known
        assert not {(name, bit) for bit in (2, 3)} & (constant | known).keys()


def test_a_memory_with_contents_holds_more_than_what_is_written(found):
    constant, known = found
    assert not {place for place in constant | known if place[0].startswith("nm_top.table.known[")}
