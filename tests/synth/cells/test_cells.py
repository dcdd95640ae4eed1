"""The project's own cell library."""

import runpy

import numpy as np
import pytest

from synth.flow import CELLS
from synth.library import liberty
from synth.library.function import compile_function
from synth.library.tables import FALL, RISE, Tables


MAKE = runpy.run_path(str(CELLS.with_name("make.py")))


def delay(tables, arc, load):
    return tables.lookup(np.array([arc.delay]), np.zeros(1), np.array([load]))[0]


@pytest.fixture(scope="module")
def library():
    return liberty.read(CELLS)


def test_files_are_what_their_program_writes():
    assert CELLS.read_text() == MAKE["library"]()
    assert CELLS.with_suffix(".lef").read_text() == MAKE["lef"]()


def test_areas_are_gate_equivalents(library):
    assert (library.nand2.name, library.nand2.area) == ("NAND2_X1", 1)
    assert library.cells["INV_X1"].area == pytest.approx(2 / 3, abs=1e-3)
    assert library.cells["XOR2_X1"].area == 2


@pytest.mark.parametrize("edge", [RISE, FALL])
def test_inverter_that_drives_four_takes_one_fo4(library, edge):
    tables = Tables(library)
    arc = next(arc for arc in tables.cell("INV_X1").logic if arc.target_edge == edge)
    load = 4 * library.cells["INV_X1"].capacitance["A"]
    assert delay(tables, arc, load) == pytest.approx(1)


def test_nand_falls_through_its_stack(library):
    # Two NMOS in series, drains of one NMOS and two PMOS: 2 * (5/3 + load) tau.
    tables = Tables(library)
    fall = next(arc for arc in tables.cell("NAND2_X1").logic if arc.target_edge == FALL)
    assert delay(tables, fall, 3.0) == pytest.approx(0.2 * 2 * (5 / 3 + 3), abs=1e-4)


def test_unateness_agrees_with_the_functions(library):
    for name, cell in library.cells.items():
        if cell.sequential:
            continue
        function = compile_function(cell.functions["Y"], cell.inputs)
        for arc in Tables(library).cell(name).logic:
            # Some setting of the other pins must let this edge through.
            position = cell.inputs.index(arc.source)
            seen = set()
            for value in range(2 ** len(cell.inputs)):
                low = [value >> k & 1 for k in range(len(cell.inputs))]
                if low[position]:
                    continue
                high = [*low[:position], 1, *low[position + 1:]]
                before, after = function(*low) & 1, function(*high) & 1
                if before != after:
                    seen.add((RISE, RISE if after else FALL))
                    seen.add((FALL, FALL if after else RISE))
            assert (arc.source_edge, arc.target_edge) in seen, name
