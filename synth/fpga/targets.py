"""The families of FPGAs: what Yosys runs for each, and what its cells take."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synth.fpga import blocks


__all__ = ["TARGETS", "Target", "Used"]


@dataclass(frozen=True)
class Used:
    """What a design takes.

    Attributes
    ----------
    luts : int
        Look-up tables, with those of carry chains and of memories in tables.
    flip_flops, dsps : int
        Those in DSP blocks are not among the flip-flops.
    rams : float
        Block memories: DP16KD, RAMB36 (a RAMB18 is half of one) or BSRAM.
    """

    luts: int
    flip_flops: int
    dsps: int
    rams: float


@dataclass(frozen=True)
class Target:
    """A family of FPGAs.

    Attributes
    ----------
    title : str
        What its maker calls it.
    synthesis : str
        Command of Yosys, without the top module. Modules stay apart, so that equal ones are mapped
        once, and pins get no buffers.
    luts, flip_flops, dsps, rams : dict
        How many of these a cell takes, by a regular expression for its type.
    blocks : callable, optional
        From the Verilog of a design to that of modules which take the place of its own.
    """

    title: str
    synthesis: str
    luts: Mapping[str, float]
    flip_flops: str
    dsps: str
    rams: Mapping[str, float]
    blocks: Callable[[str], str] | None = None

    def used(self, cells: Mapping[str, int]) -> Used:
        """What a number of each cell takes."""
        return Used(round(_weighed(self.luts, cells)),
                    round(_weighed({self.flip_flops: 1}, cells)),
                    round(_weighed({self.dsps: 1}, cells)), _weighed(self.rams, cells))


def _weighed(weights: Mapping[str, float], cells: Mapping[str, int]) -> float:
    return sum(weight * count for kind, weight in weights.items()
               for cell, count in cells.items() if re.fullmatch(kind, cell))


TARGETS = {
    "ecp5": Target(
        "Lattice ECP5", "synth_ecp5 -noflatten",
        # Two bits of a carry chain; 16 words of 4 bits, and the pair that addresses their writes.
        luts={"LUT4": 1, "CCU2C": 2, "TRELLIS_DPR16X4": 6},
        flip_flops="TRELLIS_FF", dsps="MULT18X18D", rams={"DP16KD": 1}, blocks=blocks.ecp5),
    "xc7": Target(
        "AMD 7 series", "synth_xilinx -family xc7 -noiopad -noclkbuf",
        luts={"LUT[1-6]|INV|SRL16E|SRLC32E|RAM(32|64)X1S": 1, "RAM(32|64)X1D|RAM128X1S": 2,
              "RAM(32|64)M|RAM128X1D": 4},
        flip_flops="FD[RSCP]E(_1)?", dsps="DSP48E1", rams={"RAMB36E1": 1, "RAMB18E1": 0.5}),
    "gowin": Target(
        "Gowin GW2A", "synth_gowin -family gw2a -noflatten -noiopads",
        luts={"LUT[1-4]|ALU|INV": 1, "RAM16S(DP)?1": 1, "RAM16S(DP)?2": 2, "RAM16S(DP)?4": 4},
        flip_flops="DFFN?[RSCP]?E?", dsps=r"MULT\d+X\d+",
        rams={"S?DP(X9)?B|SP(X9)?|pROM(X9)?": 1}),
}
"""By the name that ``--targets`` takes."""
