"""Delay tables of a Liberty library as arrays, looked up for many arcs at once."""

import re
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from synth.library.liberty import Cell, Group, Library
from synth.library.syntax import Wrong


__all__ = ["FALL", "RISE", "Arc", "CellTiming", "Tables"]


RISE, FALL = 0, 1
"""Edges of a net."""

_EDGES = {"positive_unate": ((RISE, RISE), (FALL, FALL)),
          "negative_unate": ((FALL, RISE), (RISE, FALL))}
_TABLES = ("cell_rise", "cell_fall", "rise_transition", "fall_transition", "rise_constraint",
           "fall_constraint")
_SLEW = ("input_net_transition", "input_transition_time", "related_pin_transition")


@dataclass(frozen=True)
class Arc:
    """From an edge of one pin to an edge of another; numbers of the tables of delay and slew."""

    source: str
    source_edge: int
    target: str
    target_edge: int
    delay: int
    slew: int


@dataclass
class CellTiming:
    """What one cell does in time: logic arcs, clock-to-output arcs, set-up of its data pins."""

    logic: list[Arc] = field(default_factory=list)
    launch: list[Arc] = field(default_factory=list)
    setup: list[tuple[str, int, int]] = field(default_factory=list)


class Tables:
    """Tables of the cells that were asked for.

    Axis 1 is the slew of the input (of the clock, for a set-up time), axis 2 the load (the slew of
    the data). Between points, and beyond the ends, a table is linear in both. Times and loads
    are in the units of the library.
    """

    def __init__(self, library: Library):
        self.library = library
        self._raw: list[tuple[list[float], list[float], list[float]]] = []
        self._cells: dict[str, CellTiming] = {}
        self._packed: tuple[np.ndarray, ...] | None = None

    def cell(self, name: str) -> CellTiming:
        """Timing of a cell; :class:`Wrong` where tables are missing or are none."""
        if name not in self._cells:
            timing = self._read(self.library.cell_group(name))
            _check(self.library.cells[name], timing)
            self._cells[name] = timing
            self._packed = None
        return self._cells[name]

    def lookup(self, table: np.ndarray, slew: np.ndarray, load: np.ndarray) -> np.ndarray:
        """Values of the numbered tables at one slew and load each."""
        if self._packed is None:
            self._packed = self._pack()
        slews, loads, values, rows, columns = self._packed
        i = _segment(slews[table], slew, rows[table])
        j = _segment(loads[table], load, columns[table])
        x0, x1 = slews[table, i], slews[table, i + 1]
        y0, y1 = loads[table, j], loads[table, j + 1]
        x = (slew - x0) / (x1 - x0)
        y = (load - y0) / (y1 - y0)
        low = values[table, i, j] * (1 - y) + values[table, i, j + 1] * y
        high = values[table, i + 1, j] * (1 - y) + values[table, i + 1, j + 1] * y
        return low * (1 - x) + high * x

    def _pack(self) -> tuple[np.ndarray, ...]:
        rows = np.array([len(slews) for slews, _, _ in self._raw])
        columns = np.array([len(loads) for _, loads, _ in self._raw])
        shape = len(self._raw), max(rows.max(initial=2), 2), max(columns.max(initial=2), 2)
        slews = np.full(shape[:2], np.inf)
        loads = np.full(shape[::2], np.inf)
        values = np.zeros(shape)
        for k, (x, y, z) in enumerate(self._raw):
            slews[k, :len(x)], loads[k, :len(y)] = x, y
            values[k, :len(x), :len(y)] = np.reshape(z, (len(x), len(y)))
        return slews, loads, values, rows, columns

    def _read(self, cell: Group) -> CellTiming:
        timing = CellTiming()
        for pin in cell.find("pin"):
            for group in pin.find("timing"):
                kind = group.attributes.get("timing_type", "combinational")
                tables = {table.kind: self.add(table) for table in group.groups
                          if table.kind in _TABLES}
                related = group.attributes.get("related_pin", "").split()
                if kind in ("setup_rising", "setup_falling"):
                    timing.setup += [(pin.name, edge, tables[name]) for edge, name in
                                     enumerate(("rise_constraint", "fall_constraint"))
                                     if name in tables]
                elif kind.startswith("combinational") or kind in ("rising_edge", "falling_edge"):
                    arcs = timing.logic if kind.startswith("comb") else timing.launch
                    for source in related:
                        arcs += _arcs(source, pin.name, group, tables)
        return timing

    def add(self, table: Group) -> int:
        """Take in a table of the library; its number."""
        self._packed = None
        template = self.library.template(table.name)
        first, second = (table.numbers(index, template.attributes.get(index, ""))
                         for index in ("index_1", "index_2"))
        values = np.array(table.numbers("values"))
        shape = max(len(first), 1), max(len(second), 1)
        if values.size != shape[0] * shape[1]:
            raise Wrong(f"liberty must have {shape[0]} x {shape[1]} values in {table.kind} "
                        f"({table.name}), not {values.size}")
        for axis in (first, second):
            if any(low >= high for low, high in pairwise(axis)):
                raise Wrong(f"liberty must have ascending indices in {table.kind} ({table.name}), "
                            f"not {axis}")
        values = values.reshape(shape)
        variable = template.attributes.get("variable_1", _SLEW[0])
        if variable not in _SLEW:
            first, second, values = second, first, values.T
        x, values = _two(first, values)
        y, values = _two(second, values.T)
        self._raw.append((x, y, values.T.ravel().tolist()))
        return len(self._raw) - 1


def _check(cell: Cell, timing: CellTiming) -> None:
    """Raise :class:`Wrong` where a path through a cell would be left out for want of tables."""
    known = {(arc.source, arc.target) for arc in (*timing.logic, *timing.launch)}
    for output, function in cell.functions.items():
        read = [pin for pin in cell.inputs if pin in re.findall(r"[\w\[\]]+", function)]
        missing = [pin for pin in read if (pin, output) not in known]
        if missing or (cell.sequential and output not in {target for _, target in known}):
            raise Wrong(f"liberty must have tables of delay and transition to {output} of "
                        f"{cell.name}{f' from {missing[0]}' if missing else ''}, not none")


def _two(index: list[float], values: np.ndarray) -> tuple[list[float], np.ndarray]:
    """At least two points along the first axis, so that every table has a segment."""
    if len(index) > 1:
        return index, values
    return [0.0, 1.0], np.repeat(values, 2, axis=0)


def _segment(index: np.ndarray, at: np.ndarray, length: np.ndarray) -> np.ndarray:
    """Number of the segment of ``index`` that holds ``at``; the outer ones reach to infinity."""
    return np.clip((index <= at[:, None]).sum(axis=1) - 1, 0, length - 2)


def _arcs(source: str, target: str, group: Group, tables: dict[str, int]) -> list[Arc]:
    both = tuple((source_edge, edge) for edge in (RISE, FALL) for source_edge in (RISE, FALL))
    edges = _EDGES.get(group.attributes.get("timing_sense", "non_unate"), both)
    names = {RISE: ("cell_rise", "rise_transition"), FALL: ("cell_fall", "fall_transition")}
    return [Arc(source, source_edge, target, edge, *(tables[name] for name in names[edge]))
            for source_edge, edge in edges if all(name in tables for name in names[edge])]
