"""From Verilog to a mapped netlist and its longest path: Yosys, ABC, static timing."""

from synth.flow.synthesis import Flow, Mapped, Result, SynthesisError, synthesize
from synth.scripts import ABC_SCRIPTS, CELLS, GOALS, YOSYS_SCRIPT


__all__ = ["ABC_SCRIPTS", "CELLS", "GOALS", "YOSYS_SCRIPT", "Flow", "Mapped", "Result",
           "SynthesisError", "synthesize"]
