"""What designs are mapped to. A further target is a further row of a table."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from synth.flow import Flow, address
from synth.library import liberty
from synth.store import Store
from synth.sweep.point import Point


__all__ = ["TARGETS", "Target", "flow_of"]


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
    """

    address: Callable[[Point, str], str]
    measure: Callable[[Point, str, Store, float], dict[str, Any]]


def flow_of(point: Point, store: Store, timeout: float) -> Flow:
    """The flow that maps a point to cells."""
    return Flow(liberty.read(point.cells.liberty), goal=point.goal, timeout=timeout, store=store)


def _cells_address(point: Point, text: str) -> str:
    return address.result(text, point.top, point.cells.digest, point.goal)


def _cells(point: Point, verilog: str, store: Store, timeout: float) -> dict[str, Any]:
    return asdict(flow_of(point, store, timeout).run([(verilog, point.top)])[0])


TARGETS = {"asic": Target(_cells_address, _cells)}
"""By name: ``asic`` are the cells of a Liberty library."""
