"""Bits that are proved to keep one value, and those that are not."""

import csv

from tests.test_docs import ROOT
from verify.coverage.facts import EXPLAINED
from verify.coverage.points import Bit
from verify.coverage.report import reason
from verify.coverage.still import still, still_in


VERILOG = r"""
module nm_count(input clk, input up, output reg [3:0] n);
  wire \full$1 = n == 4'd12;
  always @(posedge clk) n <= n == 4'd11 ? 4'd0 : n + up;
endmodule
module nm_square(input [3:0] a, output [7:0] y);
  assign y = a * a;
endmodule
module nm_later(input clk, input [7:0] d, output reg [7:0] q);
  always @(posedge clk) q <= d;
endmodule
module nm_store(input clk, input [1:0] at, output [1:0] got);
  reg [1:0] cells [3:0];
  reg [1:0] read;
  reg one = 1'd1;
  always @(posedge clk) cells[at] <= 2'd2;
  always @(posedge clk) read <= cells[at];
  always @(posedge clk) one <= one | at[0];
  assign got = read & {one, one};
endmodule
module nm_top(input clk, input [3:0] a, input [7:0] b, output [7:0] x, output [7:0] y,
              output [3:0] n, output [1:0] got);
  wire [7:0] square;
  nm_square one(.a(a), .y(square));
  nm_later two(.clk(clk), .d(square), .q(x));
  nm_count count(.clk(clk), .up(a[0]), .n(n));
  nm_store store(.clk(clk), .at(a[1:0]), .got(got));
  nm_both both(.clk(clk), .b(b), .x(y));
endmodule
module nm_both(input clk, input [7:0] b, output [7:0] x);
  nm_later other(.clk(clk), .d(b & 8'hfe), .q(x));
endmodule
"""
PLACES = {"nm_top": {"nm_top"}, "nm_square": {"nm_top.one"}, "nm_count": {"nm_top.count"},
          "nm_store": {"nm_top.store"}, "nm_both": {"nm_top.both"},
          "nm_later": {"nm_top.two", "nm_top.both.other"}}


def every(module, **widths):
    return [Bit(module, name.replace("_1", "$1"), index)
            for name, width in widths.items() for index in range(width)]


def test_what_is_proved_is_what_no_input_changes():
    """A square is 0 or 1 modulo 4; a count up to 11 has no bit that stays, but is never 12."""
    holes = every("nm_square", y=8) + every("nm_count", n=4, full_1=1)
    assert still(VERILOG, holes, PLACES) == {Bit("nm_square", "y", 1): 0,
                                             Bit("nm_count", "full$1", 0): 0}


def test_a_value_may_be_1_and_memories_may_give_anything():
    """A flip-flop that starts at 1 is seen so. No word of the memory is known."""
    holes = every("nm_store", one=1, read=2, got=2)
    assert still(VERILOG, holes, PLACES) == {Bit("nm_store", "one", 0): 1}


def test_a_bit_must_stay_wherever_its_module_stands():
    """One register takes squares, the other what has no lowest bit: no bit stays in both."""
    holes = every("nm_later", q=8)
    assert still(VERILOG, holes, PLACES) == {}
    alone = PLACES | {"nm_later": {"nm_top.two"}}
    assert still(VERILOG, holes, alone) == {Bit("nm_later", "q", 1): 0}
    both = VERILOG.replace("8'hfe", "8'hfd")
    assert still(both, holes, PLACES) == {Bit("nm_later", "q", 1): 0}


def test_what_inputs_are_given_is_no_more_free():
    """Squares of even numbers are 4 times a square. What is no input is not given."""
    holes = every("nm_square", y=8) + every("nm_count", n=4, full_1=1)
    assert still(VERILOG, holes, PLACES, given={Bit("nm_square", "a", 0): 0}) == {
        Bit("nm_square", "y", index): 0 for index in (0, 1, 3)}
    assert still(VERILOG, holes, PLACES, given={Bit("nm_square", "y", 0): 0}) == {}
    odd = {("a", 0): 1, ("a", 1): 0, ("a", 2): 0, ("a", 3): 0}
    assert still_in(VERILOG, "nm_square", [("y", 0), ("y", 1), ("a", 0)], given=odd) == {
        ("y", 0): 1, ("y", 1): 0, ("a", 0): 1}


def test_what_is_given_to_the_module_around_counts():
    """Counting stops where nothing counts up; in the module alone it does not."""
    holes = every("nm_count", n=4)
    never = {Bit("nm_top", "a", 0): 0}
    assert still(VERILOG, holes, PLACES, given=never) == dict.fromkeys(holes, 0)
    assert still(VERILOG, holes, PLACES) == {}


def test_what_has_no_name_is_not_proved():
    places = [("y", 1), ("y", 8), ("z", 0)]
    assert still_in(VERILOG, "nm_square", places) == {("y", 1): 0}
    assert still_in(VERILOG, "nm_square", places[1:]) == {}


def test_every_stored_hole_has_a_reason_of_the_report():
    """Proved or declared, as a new run would write them."""
    known = {reason(Bit("", "", 0), *values) for values in ((0, None), (1, None), (None, 0),
                                                            (None, 1))}
    known |= {why for *_, why in EXPLAINED}
    with (ROOT / "docs" / "results" / "coverage" / "holes.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["reason"] for row in rows} <= known
    assert len({row["reason"] for row in rows}) > 4
