"""Places the gates of a design with Coloquinte, and measures its nets."""

from dataclasses import dataclass
from math import ceil, sqrt
from typing import Any

import numpy as np

from hw.config import integer
from synth.flow.gates import FIRST, Gates
from synth.placement.lef import NANOMETRES, Lef, Macro


__all__ = ["Placement", "check_utilisation", "find_placer", "place"]


EFFORT = 3
"""Coloquinte's effort, of 1 to 9; its own default."""


@dataclass(frozen=True)
class Placement:
    """A placed design.

    Attributes
    ----------
    area : float
        Of the core, the room that is free included, in square micrometres.
    length : ndarray
        Half of the perimeter of the box around the pins of every net, in micrometres.
    x, y : ndarray
        Lower left corner of every gate, in micrometres.
    """

    area: float
    length: np.ndarray
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class _Pins:
    """All pins of a design: their cell, their net and their place in the cell."""

    cell: np.ndarray
    net: np.ndarray
    x: np.ndarray
    y: np.ndarray


def place(gates: Gates, lef: Lef, *, utilisation: float = 0.7, seed: int = 1) -> Placement:
    """Place a design in a square of rows.

    The bits of the ports stand around it at equal distances, in their order.

    Parameters
    ----------
    gates : Gates
        The design.
    lef : Lef
        Sizes of its cells.
    utilisation : float
        Area of the cells over that of the core, above 0.1 and below 1.
    seed : int
        Of the placer, from 0.

    Raises
    ------
    ValueError
        If a cell has no size, a parameter is out of its range, or the placer is not installed.
    """
    placer = find_placer()
    check_utilisation(utilisation)
    integer("seed", seed, 0, 2 ** 31 - 1)
    if missing := sorted({gate.cell for gate in gates.gates} - lef.macros.keys()):
        raise ValueError(f"lef must have a size for {missing[0]}, not none")
    macros = [lef.macros[gate.cell] for gate in gates.gates]
    step, height = lef.sites[lef.site]
    area = sum(macro.width * macro.height for macro in macros) / utilisation
    rows = max(1, round(sqrt(area) / height))
    width = ceil(area / (rows * height) / step) * step
    ports = [net for bits in (*gates.inputs.values(), *gates.outputs.values()) for net in bits]
    pins = _pins(gates, lef, ports)
    circuit = _circuit(placer, macros, len(ports), width, rows * height)
    circuit.setup_rows(placer.Rectangle(0, width, 0, rows * height), height, True, True)
    nets = _wired(pins)
    for members in nets:
        circuit.add_net(pins.cell[members].tolist(), pins.x[members].tolist(),
                        pins.y[members].tolist())
    parameters = placer.ColoquinteParameters(EFFORT, seed)
    circuit.place_global(parameters)
    circuit.place_detailed(parameters)
    return Placement(
        area=width * rows * height / NANOMETRES ** 2,
        length=_lengths(circuit, pins, nets, gates.size),
        x=np.array(circuit.cell_x[:len(macros)]) / NANOMETRES,
        y=np.array(circuit.cell_y[:len(macros)]) / NANOMETRES)


def find_placer() -> Any:
    """The module of the placer; ModuleNotFoundError where it is not installed."""
    try:
        import coloquinte
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "coloquinte must be installed for wires, not missing: pip install 'nmforge[synth]', on "
            "Linux on x86-64 with Python up to 3.12", name="coloquinte") from None
    return coloquinte


def check_utilisation(utilisation: float) -> None:
    """Raise ValueError if the area of the cells over that of the core is out of range."""
    if not 0.1 < utilisation < 1:
        raise ValueError(f"utilisation must be above 0.1 and below 1, not {utilisation!r}")


def _pins(gates: Gates, lef: Lef, ports: list[int]) -> _Pins:
    """Pins of the gates and the ports; those without a place stand in the middle of the cell."""
    rows = []
    for k, gate in enumerate(gates.gates):
        macro = lef.macros[gate.cell]
        middle = macro.width // 2, macro.height // 2
        rows += [(k, net, *macro.pins.get(pin, middle)) for pin, net in gate.pins.items()]
    rows += [(len(gates.gates) + k, net, 0, 0) for k, net in enumerate(ports)]
    return _Pins(*np.array(rows, int).reshape(-1, 4).T)


def _wired(pins: _Pins) -> list[np.ndarray]:
    """Numbers of the pins of every net with more than one."""
    order = np.argsort(pins.net, kind="stable")
    starts = np.flatnonzero(np.diff(pins.net[order], prepend=-1))
    return [members for members in np.split(order, starts[1:])
            if len(members) > 1 and pins.net[members[0]] >= FIRST]


def _circuit(placer: Any, macros: list[Macro], ports: int, width: int, height: int) -> Any:
    """Cells, and ports as cells without a size around them, clockwise from the lower left."""
    circuit = placer.Circuit(len(macros) + ports)
    circuit.cell_width = [macro.width for macro in macros] + [0] * ports
    circuit.cell_height = [macro.height for macro in macros] + [0] * ports
    circuit.cell_is_fixed = [False] * len(macros) + [True] * ports
    circuit.cell_is_obstruction = [True] * len(macros) + [False] * ports
    circuit.cell_row_polarity = [placer.CellRowPolarity.SAME] * circuit.nb_cells
    at = np.arange(ports) / max(ports, 1) * 2 * (width + height)
    corners = np.cumsum([0, height, width, height, width])
    x = np.interp(at, corners, [0, 0, width, width, 0])
    y = np.interp(at, corners, [0, height, height, 0, 0])
    circuit.cell_x = [0] * len(macros) + np.rint(x).astype(int).tolist()
    circuit.cell_y = [0] * len(macros) + np.rint(y).astype(int).tolist()
    return circuit


def _lengths(circuit: Any, pins: _Pins, nets: list[np.ndarray],
             size: int) -> np.ndarray:
    orientation = np.array([one.name for one in circuit.cell_orientation])[pins.cell]
    corner_x, corner_y = np.array(circuit.cell_x), np.array(circuit.cell_y)
    width, height = np.array(circuit.cell_width), np.array(circuit.cell_height)
    mirrored = np.isin(orientation, ["FN", "S"])
    turned = np.isin(orientation, ["FS", "S"])
    x = corner_x[pins.cell] + np.where(mirrored, width[pins.cell] - pins.x, pins.x)
    y = corner_y[pins.cell] + np.where(turned, height[pins.cell] - pins.y, pins.y)
    length = np.zeros(size)
    for members in nets:
        length[pins.net[members[0]]] = np.ptp(x[members]) + np.ptp(y[members])
    # The placer counts alike, or pins were turned the wrong way.
    assert round(length.sum()) == circuit.hpwl()
    return length / NANOMETRES
