"""Liberty files: what a flow reads of them, up to tables and powers."""

from math import isfinite

import numpy as np
from hypothesis import strategies as st

from synth.library.liberty import read
from synth.library.power import Power
from synth.library.tables import Tables
from synth.scripts import CELLS
from verify.fuzz.damage import damaged, damaged_bytes
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


def _sample() -> str:
    """The project's own library with a cell of each kind."""
    text = CELLS.read_text(encoding="utf-8")
    head, *cells = text.split("\n  cell ")
    wanted = ("(INV_X1)", "(NAND2_X1)", "(BUF_X1)", "(DFF_X1)")
    return "\n  cell ".join([head, *(cell for cell in cells if cell.startswith(wanted))])


_TEXT = _sample()
_CASES = st.one_of(damaged(_TEXT).map(lambda text: text.encode()), damaged_bytes(_TEXT.encode()),
                   st.binary(max_size=40).map(lambda tail: b"\x1f\x8b" + tail))


def _check(content: bytes) -> str:
    """What is taken gives finite figures wherever the flow asks for one."""
    def take() -> None:
        with written("cells.lib", content) as path:
            library = read(path)
        figures = [library.nand2.area, library.inverter.area, library.buffer.area,
                   library.time_ps, library.capacitance_ff]
        tables, numbers = Tables(library), set[int]()
        for name, cell in library.cells.items():
            figures += [cell.area, *cell.capacitance.values(), *cell.limit.values()]
            timing = tables.cell(name)
            numbers |= {table for arc in (*timing.logic, *timing.launch)
                        for table in (arc.delay, arc.slew)}
            numbers |= {table for _, _, table in timing.setup}
        if numbers:
            at = np.ones(len(numbers))
            figures += tables.lookup(np.array(sorted(numbers)), at, at).tolist()
        if library.powered:
            power = Power(tables)
            figures += [power.voltage, power.leakage]
            for name in library.cells:
                held = power.cell(name)
                figures += [held.at_rest, *(value for _, value in held.leakage)]
        assert library.usable_text()
        assert all(map(isfinite, figures)), figures

    return outcome(take)


TARGET = Target("liberty", "Liberty files, damaged; their functions, tables and powers", _CASES,
                _check)
