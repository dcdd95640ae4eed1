"""Reads what a report needs of a Liberty file: areas, functions, pins, units, delay tables.

Cells are found by their braces and parsed only when asked for, so that a library of ten megabytes
costs well under a second.
"""

import gzip
import math
import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from itertools import product
from pathlib import Path

from hw.command.faults import reason
from synth.library.function import bracketed, compile_function
from synth.library.syntax import STATEMENT, Group, Text, Wrong, unquote


__all__ = ["Cell", "Group", "Library", "contents", "read", "unit"]


_POWER = ("internal_power", "leakage_power")
_ALLOWED = "liberty must be a Liberty library (.lib or .lib.gz)"
_FUNCTION = re.compile(r'(\bfunction\s*:\s*")([^"^]*\^[^"]*)(")')
_SPECIAL = ("dont_use", "is_isolation_cell", "is_level_shifter", "always_on",
            "clock_gating_integrated_cell")


@dataclass(frozen=True)
class Cell:
    """A cell of the library, without its tables.

    ``functions`` are the Boolean functions of the output pins that have one; ``usable`` is false
    for cells that the library excludes, or that need a power switch or a second supply. ``limit``
    is the largest load of the outputs that have one; ``state`` the flip-flop of a sequential cell.
    """

    name: str
    area: float
    inputs: tuple[str, ...]
    functions: dict[str, str]
    sequential: bool
    usable: bool
    capacitance: dict[str, float]
    limit: dict[str, float]
    state: Group | None

    @cached_property
    def truth_table(self) -> tuple[bool, ...] | None:
        """Values of the only output for all inputs, first input slowest; None if there is none.

        Only for combinational cells of one to four inputs and one output.
        """
        if self.sequential or len(self.functions) != 1 or not 1 <= len(self.inputs) <= 4:
            return None
        function = compile_function(next(iter(self.functions.values())), self.inputs)
        return tuple(bool(function(*values) & 1)
                     for values in product((0, 1), repeat=len(self.inputs)))


class Library:
    """A Liberty library.

    Parameters
    ----------
    text : str
        Contents of the file.

    Attributes
    ----------
    digest : str
        SHA-256 of the text.

    Raises
    ------
    ValueError
        If the text is no Liberty library with cells. The message is for the caller to complete.
    """

    def __init__(self, text: str):
        self._text = Text(text)
        self.digest = sha256(text.encode()).hexdigest()
        head = STATEMENT.match(self._text.text)
        if head is None or head["name"] != "library" or not head["open"]:
            raise ValueError("no library group")
        self.name = unquote(head["arguments"])
        end = self._text.closing.get(head.end() - 1)
        if end is None:
            raise ValueError("a brace is missing")
        skip = frozenset({"timing", *_POWER})
        self._top = self._text.parse(head.end(), end, Group("library", self.name), skip)
        self.cells = {group.name: _cell(group, self._top) for group in self._top.find("cell")}
        if not any(cell.usable and cell.functions for cell in self.cells.values()):
            raise ValueError("no cells with a function")

    @property
    def attributes(self) -> dict[str, str]:
        """Attributes of the library itself."""
        return self._top.attributes

    @cached_property
    def powered(self) -> bool:
        """Whether it says what its cells take from the supply."""
        return bool(_power(self._top))

    def area(self, cells: Iterable[str]) -> float:
        """Area of the named cells together."""
        return sum(self.cells[name].area for name in cells)

    @property
    def leakage(self) -> float:
        """Leakage of cells that give none."""
        return self._top.number("default_cell_leakage_power", 0)

    @property
    def conditions(self) -> list[Group]:
        """Its operating conditions."""
        return self._top.find("operating_conditions")

    @cached_property
    def time_ps(self) -> float:
        """Picoseconds in the library's unit of time."""
        return unit(self._top.attributes.get("time_unit", "1ns"),
                     {"ps": 1.0, "ns": 1e3, "fs": 1e-3, "us": 1e6})

    @cached_property
    def capacitance_ff(self) -> float:
        """Femtofarads in the library's unit of capacitance."""
        return unit(self._top.attributes.get("capacitive_load_unit", "1,pf"),
                     {"ff": 1.0, "pf": 1e3})

    @property
    def time_unit(self) -> str:
        """Name of the unit of delays in a report, ns unless the library names another."""
        return self._top.attributes.get("time_unit_name", "ns")

    def reported(self, time: float) -> float:
        """A time of its tables in the unit of reports, whatever the unit of its tables is."""
        return time * (self.time_ps / 1000)

    @property
    def area_unit(self) -> str:
        """Name of the unit of areas: um2 unless the library names another."""
        return self._top.attributes.get("area_unit_name", "um2")

    def smallest(self, *tables: tuple[bool, ...]) -> Cell:
        """Cell of least area, then first by name, whose truth table is one of ``tables``."""
        cells = [cell for cell in self.cells.values()
                 if cell.usable and cell.area > 0 and cell.truth_table in tables]
        if not cells:
            raise Wrong("liberty must have a two-input NAND, an inverter and a buffer, not "
                        "lack one of them")
        return min(cells, key=lambda cell: (cell.area, cell.name))

    @cached_property
    def nand2(self) -> Cell:
        """The two-input NAND whose area is one gate equivalent."""
        return self.smallest((True, True, True, False))

    @cached_property
    def inverter(self) -> Cell:
        """The smallest inverter."""
        return self.smallest((True, False))

    @cached_property
    def buffer(self) -> Cell:
        """The smallest buffer."""
        return self.smallest((False, True))

    def cell_group(self, name: str, skip: Iterable[str] = _POWER) -> Group:
        """The cell ``name`` with its delay tables, and without the groups of kinds in ``skip``."""
        start, end = next(group.span for group in self._top.find("cell") if group.name == name)
        return self._text.parse(start, end, Group("library", ""), frozenset(skip)).groups[0]

    def template(self, name: str) -> Group:
        """The table template ``name``; one without axes if there is none, as for scalars."""
        return next((group for group in self._top.groups if group.name == name
                     and group.kind in ("lu_table_template", "power_lut_template")),
                    Group("lu_table_template", name))

    def usable_text(self) -> str:
        """The library for Yosys and ABC, without unusable cells and without power tables."""
        text = self._text.text
        drop = []
        for group in self._top.groups:
            if group.kind == "cell" and not self.cells[group.name].usable:
                drop.append(group.span)
            else:
                drop += _power(group)
        parts, start = [], 0
        for low, high in drop:
            parts.append(text[start:low])
            start = high
        return _FUNCTION.sub(lambda match: f"{match[1]}{bracketed(match[2])}{match[3]}",
                             "".join(parts) + text[start:])


def unit(text: str, units: dict[str, float]) -> float:
    """Read a number, 1 if there is none, and the name of a unit; :class:`Wrong` if it is none."""
    match = re.fullmatch(r'([0-9]*\.?[0-9]*)[\s,"]*([a-z]+)[\s"]*', text.lower())
    number = float((match[1].strip(".") and match[1]) or 1) if match else 0.0
    if match is None or match[2] not in units or not 0 < number < math.inf:
        raise Wrong(f"liberty must have units as a number above 0 and one of {', '.join(units)}, "
                    f"not {text!r}")
    return number * units[match[2]]


def _power(group: Group) -> list[tuple[int, int]]:
    """Spans of the power tables in a group, in order."""
    spans = []
    for inner in group.groups:
        if inner.kind in _POWER:
            spans.append(inner.span)
        else:
            spans += _power(inner)
    return spans


def _cell(group: Group, library: Group) -> Cell:
    pins = group.find("pin")
    attributes = group.attributes
    inputs, outputs = (tuple(pin.name for pin in pins if pin.attributes.get("direction") == end)
                       for end in ("input", "output"))
    load = library.number("default_input_pin_cap", 0)
    most = library.number("default_max_capacitance", math.inf)
    return Cell(
        name=group.name,
        area=group.number("area", 0),
        inputs=inputs,
        functions={pin.name: pin.attributes["function"] for pin in pins
                   if pin.name in outputs and "function" in pin.attributes},
        sequential=bool(group.find("ff") or group.find("latch") or group.find("statetable")),
        usable=all(attributes.get(name, "false") == "false" for name in _SPECIAL),
        capacitance={pin.name: pin.number("capacitance", load if pin.name in inputs else 0)
                     for pin in pins},
        limit={pin.name: limit for pin in pins if pin.name in outputs
               and (limit := pin.number("max_capacitance", most)) < math.inf},
        state=next(iter(group.find("ff")), None),
    )


def contents(path: str | Path) -> str:
    """Text of a Liberty file, compressed with gzip or not.

    Raises
    ------
    ValueError
        If there is no such file, or it cannot be read.
    """
    try:
        data = Path(path).read_bytes()
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        return text.decode("utf-8", errors="replace")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"{_ALLOWED}, not {str(path)!r} ({reason(error)})") from None


def read(path: str | Path) -> Library:
    """Read a Liberty file, compressed with gzip or not.

    Raises
    ------
    ValueError
        If there is no such file, or it is no Liberty library.
    """
    text = contents(path)
    try:
        return Library(text)
    except Wrong:
        raise
    except ValueError as error:
        raise ValueError(f"{_ALLOWED}, not {str(path)!r} ({reason(error)})") from None
