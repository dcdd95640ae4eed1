"""From Verilog to a mapped netlist and its longest path: Yosys, ABC, static timing."""

from synth.flow.synthesis import (
    ABC_SCRIPTS,
    CELLS,
    GOALS,
    YOSYS_SCRIPT,
    Flow,
    Mapped,
    Result,
    SynthesisError,
    synthesize,
)


__all__ = ["ABC_SCRIPTS", "CELLS", "GOALS", "YOSYS_SCRIPT", "Flow", "Mapped", "Result",
           "SynthesisError", "synthesize"]
