"""Internal power, leakage and supply of a Liberty library.

Energies are in units of the library's load times V². A table of internal power holds what a
transition takes from the supply beside half of load times V²; its values for falling edges can be
negative, since that half was stored when the edge rose. Sums over both edges are what counts.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from synth.library.liberty import Group, Library, unit
from synth.library.syntax import figure
from synth.library.tables import FALL, RISE, Tables


__all__ = ["CellPower", "Condition", "Hidden", "Power", "Switching"]


_EDGES = (("rise_power", RISE), ("fall_power", FALL))
_WATTS = {"w": 1.0, "mw": 1e-3, "uw": 1e-6, "nw": 1e-9, "pw": 1e-12, "fw": 1e-15}

Condition = str
"""A Liberty function of the cell's pins; empty where it always holds."""


@dataclass(frozen=True)
class Switching:
    """An edge of ``target``, caused at pin ``source`` (any pin if empty): number of its table."""

    source: str
    target: str
    edge: int
    table: int


@dataclass(frozen=True)
class Hidden:
    """An edge of the input ``pin``, whatever the outputs do: number of its table."""

    pin: str
    edge: int
    when: Condition
    table: int


@dataclass
class CellPower:
    """What one cell takes: by edges of its outputs, by edges of its inputs, and at rest.

    ``leakage`` gives power in the library's unit of it for each state, ``at_rest`` for any other.
    """

    switching: list[Switching] = field(default_factory=list)
    hidden: list[Hidden] = field(default_factory=list)
    leakage: list[tuple[Condition, float]] = field(default_factory=list)
    at_rest: float = 0.0


class Power:
    """Power of the cells that were asked for.

    Parameters
    ----------
    tables : Tables
        Tables of the library, which take in those of the power.

    Raises
    ------
    ValueError
        If the library has no power tables, names no voltage, or has another unit of it than 1 V.
    """

    def __init__(self, tables: Tables):
        if not tables.library.powered:
            raise ValueError("liberty must have power tables for energies, not none in "
                             f"{tables.library.name}")
        self.tables = tables
        self.voltage = _voltage(tables.library)
        self._cells: dict[str, CellPower] = {}

    @property
    def unit(self) -> tuple[str, float]:
        """Name of the unit of energies in a report, and how many of it a unit of energy is."""
        library = self.tables.library
        name = library.attributes.get("energy_unit_name")
        return (name, 1.0) if name else ("pJ", library.capacitance_ff / 1000)

    @cached_property
    def leakage(self) -> float:
        """Energy of a unit of leakage in a unit of time."""
        library = self.tables.library
        watts = unit(library.attributes.get("leakage_power_unit", "1nW"), _WATTS)
        return watts * library.time_ps * 1e3 / library.capacitance_ff

    def cell(self, name: str) -> CellPower:
        """Power of a cell."""
        if name not in self._cells:
            self._cells[name] = self._read(
                self.tables.library.cell_group(name, skip=("timing",)))
        return self._cells[name]

    def _read(self, cell: Group) -> CellPower:
        leakage = list(_supplied(cell, cell.find("leakage_power")))
        power = CellPower(at_rest=self._at_rest(cell, leakage))
        power.leakage = [(group.attributes["when"], group.number("value"))
                         for group in leakage if "when" in group.attributes]
        for pin in cell.find("pin"):
            output = pin.attributes.get("direction") == "output"
            for group in _supplied(cell, pin.find("internal_power")):
                related = group.attributes.get("related_pin", "").split() or [""]
                for kind, edge in _EDGES:
                    for table in group.find(kind) or group.find("power"):  # of either edge
                        number = self.tables.add(table)
                        if output:
                            power.switching += [Switching(source, pin.name, edge, number)
                                                for source in related]
                        else:
                            power.hidden.append(Hidden(
                                pin.name, edge, group.attributes.get("when", ""), number))
        return power

    def _at_rest(self, cell: Group, leakage: list[Group]) -> float:
        """Leakage in states that no group names."""
        default = next((group.number("value") for group in leakage
                        if "when" not in group.attributes), self.tables.library.leakage)
        return cell.number("cell_leakage_power", default)


def _supplied(cell: Group, groups: Iterable[Group]) -> Iterator[Group]:
    """Groups of power but those of ground pins, where the same current is told again, or none."""
    grounds = {pin.name for pin in cell.find("pg_pin")
               if pin.attributes.get("pg_type", "").endswith("ground")}
    return (group for group in groups
            if group.attributes.get("related_pg_pin") not in grounds)


def _voltage(library: Library) -> float:
    given = library.attributes.get("voltage_unit", "1V")
    if unit(given, {"v": 1.0, "mv": 1e-3}) != 1:
        raise ValueError(f"liberty must have a voltage_unit of 1V for energies, not {given!r}")
    wanted = library.attributes.get("default_operating_conditions")
    found = [(group.attributes["voltage"], "voltage") for group in library.conditions
             if wanted in (None, group.name) and "voltage" in group.attributes]
    found += [(library.attributes[name], name) for name in ("nom_voltage",)
              if name in library.attributes]
    if not found:
        raise ValueError(f"liberty must name the voltage of its supply for energies, "
                         f"not {library.name!r} without one")
    return figure(*found[0])
