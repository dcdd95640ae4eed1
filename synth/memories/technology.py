"""Which macros stand beside the cells of a library."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from synth.library.liberty import Library
from synth.memories.compose import Cells, Composed, Wanted, compose
from synth.memories.model import Fit, Model, fit
from synth.memories.table import SHIPPED, read


__all__ = ["Site", "Sram", "beside", "find", "missing", "site"]


_KNOWN = {"sg13g2_stdcell": "sg13g2", "sky130_fd_sc_hd": "sky130"}
"""Beginnings of the names of libraries, and the table of macros for each."""

_OWN = "nmforge"
_OWN_TABLE = "sg13g2"
_OWN_AREA = 1 / 7.2576
_OWN_ENERGY = 1 / (2.8869e-3 * 1.2 ** 2)
"""The project's own cells are no process. Their macros are those of SG13G2 in the terms in which
these cells are given: areas in those of the smallest two-input NAND (``sg13g2_nand2_1``, um2),
energies in C V² of the input of the unit inverter (``sg13g2_inv_1``, pF, at 1.2 V)."""


@dataclass(frozen=True)
class Sram:
    """Memories for the cells of a library.

    Attributes
    ----------
    name : str
        Of the table of macros.
    models : dict
        By the number of ports.
    cells : Cells
        Standard cells, for what stands around macros, and in place of small ones.
    area_unit, energy_unit : str
        Of its figures. Leakage is in nW where energies are in pJ, and not known otherwise.
    """

    name: str
    models: dict[int, Model]
    cells: Cells
    area_unit: str
    energy_unit: str = "pJ"

    def as_dict(self) -> dict[str, Any]:
        """The fit and its errors, for JSON."""
        return {"table": self.name, "area_unit": self.area_unit, "energy_unit": self.energy_unit,
                "models": {str(ports): asdict(model) for ports, model in self.models.items()}}

    def compose(self, wanted: Wanted) -> Composed:
        """What a memory is made of, see :func:`synth.memories.compose.compose`."""
        return compose(wanted, self.models, self.cells)


class Site(NamedTuple):
    """What memories take from a library of cells.

    Attributes
    ----------
    name, area_unit : str
        Of the library.
    flip_flop : float or None
        Area of the smallest one; None where there is none.
    nand2 : float
        Area of the smallest two-input NAND.
    """

    name: str
    area_unit: str
    flip_flop: float | None
    nand2: float


def site(library: Library) -> Site:
    """What memories take from ``library``."""
    flip_flops = [cell.area for cell in library.cells.values()
                  if cell.usable and cell.state is not None and cell.area > 0]
    return Site(library.name, library.area_unit, min(flip_flops, default=None), library.nand2.area)


def find(library: Library, table: Path | None = None) -> Sram | None:
    """Memories for a library, see :func:`beside`."""
    return beside(site(library), table)


def beside(cells: Site, table: Path | None = None) -> Sram | None:
    """Memories beside cells: of the user's ``table``, or of one that comes along, or none.

    Raises
    ------
    ValueError
        If the table is none, or macros are known and the library has no flip-flop beside them.
    """
    own = cells.name == _OWN
    known = _OWN_TABLE if own else next(
        (name for start, name in _KNOWN.items() if cells.name.startswith(start)), None)
    if table is not None:
        return Sram(table.name, fit(read(table)), _cells(cells), cells.area_unit)
    if known is None:
        return None
    models = fit(read(SHIPPED[known]))
    if not own:
        return Sram(known, models, _cells(cells), cells.area_unit)
    return Sram(f"{known}, scaled", {ports: _scaled(model) for ports, model in models.items()},
                _cells(cells), cells.area_unit, "C V²")


def missing(name: str) -> str:
    """Why a library of this name has no memories."""
    return f"no SRAM macros are known for the library {name}; --memories takes a table of them"


def _cells(cells: Site) -> Cells:
    if cells.flip_flop is None:
        raise ValueError(f"liberty must have a flip-flop for memories, not none in {cells.name}")
    return Cells(cells.flip_flop, cells.nand2)


def _scaled(model: Model) -> Model:
    def scale(figure: Fit | None, factor: float) -> Fit | None:
        return figure and replace(figure, coefficients=tuple(
            factor * value for value in figure.coefficients))

    area = scale(model.area, _OWN_AREA)
    assert area is not None, "every model has areas"
    return replace(model, area=area, read=scale(model.read, _OWN_ENERGY),
                   write=scale(model.write, _OWN_ENERGY), leakage=None)
