"""The netlist of a design in the place of its RTL: the same ports, made of a library's cells."""

from pathlib import Path

from sim.simulators.cache import cache_directory, cached
from sim.simulators.environment import OWN
from synth.flow import CELLS, Flow
from synth.library import liberty
from synth.store import Store, sources, versions


__all__ = ["mapped"]


TIMEOUT = 3600.0
"""Seconds after which a module is given up."""


def mapped(text: str, top: str, cells: str) -> str:
    """Verilog of a design that was mapped as a report maps it; memories stay as they are.

    Parameters
    ----------
    text : str
        Verilog of the design.
    top : str
        Name of its top module.
    cells : str
        :data:`sim.simulators.environment.OWN`, or a Liberty file.

    Raises
    ------
    ValueError
        If the file is no Liberty library, or has flip-flops with more than a clock.
    SynthesisError
        If Yosys fails.
    """
    library = liberty.read(CELLS if cells == OWN else cells)

    def make(directory: Path) -> None:
        flow = Flow(library, timeout=TIMEOUT, store=Store(cache_directory() / "modules"))
        (directory / f"{top}.v").write_text(flow.netlist(text, top))

    inputs = (text, top, library.digest, versions("pyosys"),
              sources("synth/flow", "synth/library", "synth/scripts.py"))
    return (cached(f"mapped-{top}", inputs, make) / f"{top}.v").read_text()
