"""A design between two shift registers, so that few pins are enough to place it."""

from collections.abc import Mapping
from dataclasses import dataclass


__all__ = ["NAME", "Harness", "harness"]


NAME = "nm_harness"
"""The module's name."""

CONTROL = ("clk", "rst", "rst_n")
"""Ports that are pins of their own."""


@dataclass(frozen=True)
class Harness:
    """Verilog of a harness, and what it takes by itself."""

    text: str
    luts: int
    flip_flops: int


def harness(module: str, ports: Mapping[str, Mapping]) -> Harness:
    """A module with a clock, a reset, a data input and a data output around ``module``.

    Every input of the design is a bit of a shift register; every output goes into a bit of another
    one, which adds it to what moves on. Each input costs a flip-flop, each output a flip-flop and
    a table of two inputs, and no path through them is longer than one table.

    Parameters
    ----------
    module : str
        Name of the design's top module.
    ports : mapping
        Its ports as Yosys writes them to JSON.
    """
    pins = {name: name for name in CONTROL if name in ports}
    given, taken = ({name: len(port["bits"]) for name, port in ports.items()
                     if port["direction"] == way and name not in CONTROL}
                    for way in ("input", "output"))
    pins |= _slices("given", given) | _slices("taken", taken)
    connected = ",\n    ".join(f".{name}({wire})" for name, wire in pins.items())
    inputs, outputs = sum(given.values()), sum(taken.values())
    text = f"""
module {NAME}(input clk, input rst, input rst_n, input d, output q);
  reg [{inputs - 1}:0] given;
  wire [{outputs - 1}:0] taken;
  reg [{outputs - 1}:0] seen;
  {module} design_ (
    {connected}
  );
  always @(posedge clk) begin
    given <= {{given, d}};
    seen <= {{seen, 1'b0}} ^ taken;
  end
  assign q = seen[{outputs - 1}];
endmodule
"""
    # The first bit that is seen has nothing to add to.
    return Harness(text, luts=outputs - 1, flip_flops=inputs + outputs)


def _slices(name: str, widths: Mapping[str, int]) -> dict[str, str]:
    """Each port's bits of a vector, the first port lowest."""
    found, first = {}, 0
    for port, width in widths.items():
        found[port] = f"{name}[{first + width - 1}:{first}]"
        first += width
    return found
