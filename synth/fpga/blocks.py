"""DSP blocks with their own registers in place of modules that describe both.

Yosys maps a product to a block and leaves the block's registers unused, where tools of vendors take
those in front of and behind it. So the modules that :class:`hw.array.product.Product` becomes are
replaced by the primitive of the family before Yosys maps the design.
"""

import re


__all__ = ["ecp5"]


MODULE = re.compile(r"^module (\w+_product_(\d+)x(\d+))\(([^)]*)\);$", re.MULTILINE)
"""Head of such a module: name, bits of the operands, ports."""

SIDE = 18
"""Bits of an operand of ``MULT18X18D``."""

REGISTERS = ("INPUTA", "INPUTB", "OUTPUT")
"""Registers of the block that are used; that of its pipeline is not."""


def ecp5(verilog: str) -> str:
    """Verilog of the modules of products in a design, each a ``MULT18X18D``.

    Signed operands, registers at both inputs and at the output, all at the one clock, never held
    or reset. Operands of more bits than the block has stay with Yosys.
    """
    return "".join(_multiplier(name, int(value), int(weight), ports)
                   for name, value, weight, ports in MODULE.findall(verilog)
                   if max(int(value), int(weight)) <= SIDE)


def _multiplier(name: str, value: int, weight: int, ports: str) -> str:
    others = [port.strip() for port in ports.split(",")
              if port.strip() not in ("value", "weight", "product")]
    registers = ", ".join(f'.REG_{at}_CLK("CLK0"), .REG_{at}_CE("CE0"), .REG_{at}_RST("RST0")'
                          for at in REGISTERS)
    pins = ", ".join([*(f".{side}{k}({side.lower()}[{k}])" for side in "AB" for k in range(SIDE)),
                      *(f".P{k}(p[{k}])" for k in range(2 * SIDE))])
    return f"""
module {name}({ports});
  input {", ".join(others)};
  input signed [{value - 1}:0] value;
  input signed [{weight - 1}:0] weight;
  output [{value + weight - 1}:0] product;
  wire signed [{SIDE - 1}:0] a = value;
  wire signed [{SIDE - 1}:0] b = weight;
  wire [{2 * SIDE - 1}:0] p;
  assign product = p[{value + weight - 1}:0];
  MULT18X18D #({registers}, .GSR("DISABLED"), .RESETMODE("SYNC")) block (
    .CLK0(clk), .CE0(1'b1), .RST0(1'b0), .SIGNEDA(1'b1), .SIGNEDB(1'b1), .SOURCEA(1'b0),
    .SOURCEB(1'b0), {pins});
endmodule
"""
