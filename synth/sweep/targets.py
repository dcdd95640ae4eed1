"""What designs are mapped to: cells of a library, or FPGAs. A further one is a row of a table."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from synth.flow import Flow, address
from synth.fpga.targets import TARGETS as FPGAS
from synth.library import liberty
from synth.store import Store, digest, sources, versions
from synth.sweep.point import Point


__all__ = ["TARGETS", "Target", "flow_of", "scripts"]


@dataclass(frozen=True)
class Target:
    """How points are mapped.

    Attributes
    ----------
    address : callable
        From a point and the digest of its Verilog to the address of its result.
    measure : callable
        From a point, its Verilog, the store and the seconds for a module to its result, a
        dictionary for JSON; it is kept under that address.
    cells : bool
        Whether it has a library and a goal. Points of a target without have neither.
    size : str
        The figure of a result that overheads compare.
    """

    address: Callable[[Point, str], str]
    measure: Callable[[Point, str, Store, float], dict[str, Any]]
    cells: bool = True
    size: str = "area"


def flow_of(point: Point, store: Store, timeout: float) -> Flow:
    """The flow that maps a point to cells."""
    return Flow(liberty.read(point.library.liberty), goal=point.goal, timeout=timeout, store=store)


def _cells_address(point: Point, text: str) -> str:
    return address.result(text, point.top, point.library.digest, point.goal)


def _cells(point: Point, verilog: str, store: Store, timeout: float) -> dict[str, Any]:
    return asdict(flow_of(point, store, timeout).run([(verilog, point.top)])[0])


def scripts(target: str, top: str = "TOP") -> list[str]:
    """What Yosys is told of a design for an FPGA."""
    from synth.fpga.measure import Settings, script

    return script(target, Settings().clock_ns, top)


def _fpga_address(point: Point, text: str) -> str:
    return digest(text, scripts(point.target, point.top), versions("pyosys"),
                  sources("synth/fpga/measure.py", "synth/fpga/targets.py", "synth/fpga/blocks.py",
                          "synth/flow/yosys.py"))


def _fpga(point: Point, verilog: str, store: Store, timeout: float) -> dict[str, Any]:
    """What it takes of an FPGA, as :class:`synth.fpga.targets.Used` says it; it is not routed."""
    from synth.fpga.measure import STAGE, Settings, synthesised

    cells, _ = synthesised(verilog, point.top, point.target, Settings(timeout=timeout))
    return {**asdict(FPGAS[point.target].used(cells)), "cells": cells, "stage": STAGE}


TARGETS = {"asic": Target(_cells_address, _cells),
           **{name: Target(_fpga_address, _fpga, cells=False, size="luts") for name in FPGAS}}
"""By name: ``asic`` are the cells of a Liberty library, the others families of FPGAs."""
