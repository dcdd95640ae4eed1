"""From the parameters of a design to its Verilog, manifest and header."""

from hw.generate.arguments import add_design_arguments, design_from
from hw.generate.command import main
from hw.generate.designs import generate, verilog


__all__ = ["add_design_arguments", "design_from", "generate", "main", "verilog"]
