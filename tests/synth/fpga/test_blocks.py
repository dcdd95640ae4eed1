"""DSP blocks with their registers in place of modules that describe both."""

from json import loads

import pytest

from hw.array.product import Product
from hw.generate.emit import to_verilog
from synth.flow import yosys
from synth.fpga.blocks import ecp5
from synth.fpga.measure import Settings, synthesised


MODEL = """
module MULT18X18D(input CLK0, CE0, RST0, SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  input {inputs}, output {outputs});
  parameter REG_INPUTA_CLK = "NONE"; parameter REG_INPUTB_CLK = "NONE";
  parameter REG_OUTPUT_CLK = "NONE"; parameter REG_INPUTA_CE = ""; parameter REG_INPUTA_RST = "";
  parameter REG_INPUTB_CE = ""; parameter REG_INPUTB_RST = ""; parameter REG_OUTPUT_CE = "";
  parameter REG_OUTPUT_RST = ""; parameter GSR = ""; parameter RESETMODE = "";
  reg signed [17:0] a, b;
  reg signed [35:0] p;
  wire signed [17:0] a_in = {{{a}}};
  wire signed [17:0] b_in = {{{b}}};
  always @(posedge CLK0) begin
    a <= a_in;
    b <= b_in;
    p <= a * b;
  end
  assign {{{outputs}}} = p;
endmodule
"""
"""What the block does as it is used here: signed, with its three registers at one clock."""


def pins(side, count):
    return ", ".join(f"{side}{k}" for k in reversed(range(count)))


def product(value, weight):
    """Verilog of a product, called as below a top module."""
    return to_verilog(Product(value, weight), "top").replace(
        "module top(", f"module top_product_{value}x{weight}(")


def test_a_block_and_nothing_else_is_a_product():
    name = "top_product_8x8"
    cells, netlist = synthesised(product(8, 8), name, "ecp5", Settings())
    assert cells == {"MULT18X18D": 1}
    module = loads(netlist)["modules"][name]
    (cell,) = (one for one in module["cells"].values() if one["type"] == "MULT18X18D")
    ports, pin = module["ports"], cell["connections"]
    for side, port in (("A", "value"), ("B", "weight")):
        bits = ports[port]["bits"]
        assert [pin[f"{side}{k}"][0] for k in range(18)] == bits + [bits[7]] * 10
        assert cell["parameters"][f"REG_INPUT{side}_CLK"] == "CLK0"
        assert pin[f"SIGNED{side}"] == ["1"]
    assert [pin[f"P{k}"][0] for k in range(16)] == ports["product"]["bits"]
    assert pin["CLK0"] == ports["clk"]["bits"]
    assert (pin["CE0"], pin["RST0"]) == (["1"], ["0"])
    assert cell["parameters"]["REG_OUTPUT_CLK"] == "CLK0"


def test_other_families_keep_what_the_design_says():
    cells, _ = synthesised(product(8, 8), "top_product_8x8", "gowin", Settings())
    assert cells["DFF"] > 0


def test_the_block_computes_the_product(tmp_path):
    text, name = product(4, 3), "top_product_4x3"
    (tmp_path / "design.v").write_text(text)
    (tmp_path / "blocks.v").write_text(ecp5(text) + MODEL.format(
        inputs=f"{pins('A', 18)}, {pins('B', 18)}", outputs=pins("P", 36), a=pins("A", 18),
        b=pins("B", 18)))
    yosys.run(["read_verilog blocks.v", f"hierarchy -top {name}", "proc", "flatten",
               f"rename {name} gate", "read_verilog design.v", "proc", f"rename {name} gold",
               "miter -equiv -flatten gold gate both", "hierarchy -top both", "opt_clean",
               "sat -verify -prove trigger 0 -seq 6 -set-init-zero both"], tmp_path, timeout=60)


@pytest.mark.parametrize("text", ["module top_product(clk);", "module product_8x8_top(clk);",
                                  "module top_product_19x8(clk, value, weight, product);"])
def test_other_modules_stay(text):
    assert ecp5(text) == ""
