"""What is proved of modules before it is used, and what it is good for."""

from dataclasses import replace

import pytest

from hw.command.faults import Fault
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.make import make
from verify.mutate.promises import Promise, check, promises
from verify.mutate.prove import prove
from verify.mutate.trial import mutants_of


PAIR = """
module walk(input clk, input rst, input go, output reg [2:0] at, input [7:0] word, output shown);
  always @(posedge clk)
    if (rst) at <= 0; else if (go) at <= at == 3'd5 ? 3'd0 : at + 3'd1;
  assign shown = at == 3'd6 & ^word;
endmodule
module listener(input clk, input rst, input [2:0] at, input [7:0] word, output y);
  reg [7:0] held;
  always @(posedge clk) if (rst) held <= 0; else held <= (at == 3'd7) ? word : held;
  assign y = ^held;
endmodule
module pair(input clk, input rst, input go, input [7:0] word, output y, output shown);
  wire [2:0] at;
  walk first(.clk(clk), .rst(rst), .go(go), .at(at), .word(word), .shown(shown));
  listener second(.clk(clk), .rst(rst), .at(at), .word(word), .y(y));
endmodule
"""

BELOW = Promise("listener", "no place is beyond the last one", {"place": "at"}, "place <= 5",
                around="pair", cells=("first", "second"))


@pytest.fixture(scope="module")
def pair():
    return make(PAIR, "pair", 2000, modules=["listener"])


def test_a_promise_is_proved_of_what_is_around_and_one_that_is_broken_is_no_promise(pair):
    check(pair.gold, BELOW)
    for broken in (replace(BELOW, holds="place <= 4"), replace(BELOW, cells=("second",)),
                   replace(BELOW, around="", cells=())):
        with pytest.raises(Fault, match=r"^a promise must hold, not fail: no place is beyond"):
            check(pair.gold, broken)
    with pytest.raises(Fault, match=r"^a promise of listener must be of wires that it has, not no"):
        check(pair.gold, replace(BELOW, wires={"place": "nowhere"}))


def test_states_that_break_a_promise_are_left_out_of_a_proof(pair):
    """A listener that is never asked says nothing; one that speaks up is heard."""
    never, heard = ([name for name in pair.names if "-mode inv" in name and "$ternary" in name
                     and f"-port {port}" in name] for port in "BY")
    assert never
    assert heard
    assert prove(pair.gold, "pair", never[0], ["part"]) == ""
    assert prove(pair.gold, "pair", never[0], ["part"], [BELOW]) == "part"
    assert prove(pair.gold, "pair", heard[0], ["part"], [BELOW]) == ""


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize("name", ["control", "gain"])
def test_promises_of_the_components_hold(name):
    component = COMPONENTS[name]
    gold = mutants_of(component, 1).gold
    there = [promise for promise in promises(component.design)
             if f"module \\{promise.module}\n" in gold and promise.around in gold]
    assert there
    for promise in there:
        check(gold, promise)
