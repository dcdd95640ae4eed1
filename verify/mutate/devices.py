"""Designs with mutants as fast objects of the Python process."""

import ctypes
from pathlib import Path
from typing import Any

from hw.config import Design
from sim.simulators.runner import generated
from sim.verilated.accelerator import Accelerator
from sim.verilated.library import Library
from sim.verilated.pipeline import Pipeline
from verify.mutate.parts import PARTS, part, taken


__all__ = ["begin", "device", "streams", "verilog"]


_HARNESS = Path(__file__).with_name("harness")


def streams(design: Design) -> bool:
    """Whether a selector is one of streams, as those are that take several cycles."""
    return "s_axis_tdata" in {port["name"] for port in generated("selector", design)[1]["ports"]}


class _Selector(Library):
    """A combinational selector; its harness compares masks with a sort."""

    def __init__(self, design: Design, text: str):
        self.design = design
        super().__init__(text, "nm_selector", _HARNESS / "selector.cpp")

    def run(self, blocks: int, seed: int) -> bool:
        """Whether all masks of random and adversarial blocks come and are right."""
        pattern = self.design.pattern
        return not self.call("run", pattern.n, pattern.m, ctypes.c_uint64(blocks),
                             ctypes.c_uint64(seed))


class _Part(Pipeline):
    """A part of an accelerator between streams."""

    def __init__(self, name: str, design: Design, text: str):
        self._widths = {"m_axis_tdata": taken(name, design)}
        Library.__init__(self, text, f"nm_{name}", _HARNESS / "pipeline.cpp")


def verilog(name: str, design: Design) -> str:
    """The design, or the part of an accelerator, as it is generated."""
    return part(name, design) if name in PARTS else generated(name, design)[0]


def device(name: str, design: Design, text: str) -> Any:
    """The design of Verilog with mutants, in simulation."""
    if name == "selector" and not streams(design):
        return _Selector(design, text)
    if name in PARTS:
        return _Part(name, design, text)
    if name == "accelerator":
        return Accelerator(design, text=text, harness=_HARNESS / "accelerator.cpp")
    return Pipeline(name, design, text, _HARNESS / "pipeline.cpp")


def begin(built: Any, number: int) -> None:
    """Power up a design with one of its mutants, and reset it."""
    built.power_up()
    built.call("mutant", ctypes.c_uint32(number))
    built.reset()
