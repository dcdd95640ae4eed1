"""The reader of Liberty files."""

import gzip

import pytest

from synth.flow import CELLS
from synth.library import liberty
from synth.library.function import compile_function
from synth.library.liberty import Library
from synth.library.power import Power
from synth.library.tables import Tables
from synth.placement import lef


SMALL = """/* a comment with a { brace */
library (small) {
  time_unit : "10ps"; capacitive_load_unit (2, ff);
  lu_table_template (t) { variable_1 : input_net_transition; index_1 ("0, 1"); }
  cell ("NA") { area : 2.5; dont_use : true;
    pin (A) { direction : input; capacitance : 1.5; } pin (B) { direction : input; }
    pin (Z) { direction : output; function : "(A B)'"; } }
  cell (NB) { area : 3; // smallest that may be used
    pin (A) { direction : "input"; } pin (B) { direction : "input"; }
    pin (Z) { direction : "output"; function : "!A | !B"; internal_power () { x : 1; } } }
  cell (NC) { area : 3.5
    pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Z) { direction : output; function : "(A&B)'"; } }
  cell (FF) { area : 9; ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    pin (D) { direction : input; } pin (C) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
}
"""


def test_gate_equivalent_is_the_smallest_usable_nand_by_its_function():
    assert Library(SMALL).nand2.name == "NB"


def test_reads_units_pins_and_flip_flops():
    library = Library(SMALL)
    assert (library.time_ps, library.capacitance_ff) == (10, 2)
    assert library.cells["NA"].capacitance == {"A": 1.5, "B": 0, "Z": 0}
    assert library.cells["FF"].sequential
    assert library.cells["FF"].truth_table is None
    assert not library.cells["NB"].sequential


def test_pins_that_give_no_load_or_limit_have_the_default_of_the_library():
    library = Library(SMALL.replace(
        "library (small) {", "library (small) { default_input_pin_cap : 0.7;"
        "default_output_pin_cap : 9; default_max_capacitance : 4;"))
    assert library.cells["NA"].capacitance == {"A": 1.5, "B": 0.7, "Z": 0}
    assert library.cells["NA"].limit == {"Z": 4}


def test_unusable_cells_and_power_tables_are_left_out_of_the_text_for_yosys():
    text = Library(SMALL).usable_text()
    assert "NA" not in text
    assert "internal_power" not in text
    assert list(Library(text).cells) == ["NB", "NC", "FF"]


@pytest.mark.parametrize(("text", "expected"), [
    ("!(A & B)", lambda a, b, c: not (a and b)),
    ("(A B)'", lambda a, b, c: not (a and b)),
    ("A' + B*C", lambda a, b, c: not a or (b and c)),
    ("A ^ B ^ C", lambda a, b, c: a ^ b ^ c),
    ("(A+!B) (B|C')", lambda a, b, c: (a or not b) and (b or not c)),
    ("(A'B)'|C", lambda a, b, c: not (not a and b) or c),
    ("A * B ^ C", lambda a, b, c: a and b ^ c),
    ("A ^ B C", lambda a, b, c: a ^ b and c),
    ("C + A ^ B' & !(A B ^ C)", lambda a, b, c: c or (a ^ (not b) and not (a and b ^ c))),
])
def test_functions_mean_what_liberty_says(text, expected):
    function = compile_function(text, ("A", "B", "C"))
    for value in range(8):
        pins = [value >> k & 1 for k in range(3)]
        assert function(*pins) & 1 == bool(expected(*pins))


def test_compressed_file_reads_the_same(tmp_path):
    packed = tmp_path / "cells.lib.gz"
    packed.write_bytes(gzip.compress(CELLS.read_bytes()))
    assert liberty.read(packed).cells == liberty.read(CELLS).cells


@pytest.mark.parametrize(("data", "reason"), [
    (b"no library", "no library group"),
    (b"", "no library group"),
    (b"library (x) { cell (A) {", "a brace is missing"),
    (b"library (x) { }", "no cells with a function"),
    (b"\x1f\x8bbroken", "Compressed file ended before the end-of-stream marker was reached"),
])
def test_says_what_is_no_liberty(tmp_path, data, reason):
    path = tmp_path / "cells.lib"
    path.write_bytes(data)
    with pytest.raises(ValueError, match="liberty must be") as caught:
        liberty.read(path)
    assert str(caught.value) == (f"liberty must be a Liberty library (.lib or .lib.gz), "
                                 f"not {str(path)!r} ({reason})")


@pytest.mark.parametrize("function", ["A)", "(A", "A &", "& A", "A @ B", "D", "lambda", "",
                                      3000 * "(" + "A" + 3000 * ")"])
def test_functions_that_are_none_are_refused(function):
    with pytest.raises(ValueError, match=r"^liberty must have Boolean functions of A, B, not '"):
        compile_function(function, ("A", "B"))


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("area : 3;", "area : 1.2.3;", "area of cell NB, not '1.2.3'"),
    ("area : 3;", "area : 1e999;", "area of cell NB, not '1e999'"),
    ("area : 3;", "area : \u0663;", "area of cell NB, not '\u0663'"),
    ("capacitance : 1.5", "capacitance : nan", "capacitance of pin A, not 'nan'"),
])
def test_numbers_that_are_none_are_named(tmp_path, old, new, reason):
    (tmp_path / "x.lib").write_text(SMALL.replace(old, new), encoding="utf-8")
    with pytest.raises(ValueError, match=r"^liberty must have a number as ") as caught:
        liberty.read(tmp_path / "x.lib")
    assert str(caught.value).endswith(reason)


@pytest.mark.parametrize("unit", ["0ps", "1.2.3ps", "\u0663ps", "1parsec", "", f"{400 * '9'}ps"])
def test_units_that_are_none_are_named(unit):
    library = Library(SMALL.replace("10ps", unit))
    with pytest.raises(ValueError, match=r"^liberty must have units as a number above 0 and one "):
        assert library.time_ps


def test_units_may_leave_out_their_number():
    assert Library(SMALL.replace("10ps", "ps")).time_ps == 1


def test_a_library_without_an_inverter_is_refused():
    with pytest.raises(ValueError, match=r"^liberty must have a two-input NAND, an inverter and a"):
        assert Library(SMALL).inverter


def test_groups_do_not_go_deeper_than_any_library(tmp_path):
    (tmp_path / "x.lib").write_text(f"library (x) {{ {3000 * 'a () {'} {3001 * '}'}")
    with pytest.raises(ValueError, match=r"^liberty must have at most 32 groups inside each other"):
        liberty.read(tmp_path / "x.lib")


def test_a_name_on_two_lines_is_told_on_one(tmp_path):
    (tmp_path / "x.lib").write_text(SMALL.replace("cell (NB)", "cell (N\nB)").replace(
        "area : 3;", "area : x;"))
    with pytest.raises(ValueError, match=r"^liberty must have a number as area of cell N B, not "):
        liberty.read(tmp_path / "x.lib")


@pytest.mark.parametrize(("table", "reason"), [
    ('values ("1, x");', "a number as values of cell_rise t, not 'x'"),
    ('values ("1, 2, 3");', r"2 x 1 values in cell_rise \(t\), not 3"),
    ("", r"2 x 1 values in cell_rise \(t\), not 0"),
    ('index_1 ("1, 1"); values ("1, 2");', r"ascending indices in cell_rise \(t\), not \[1"),
])
def test_tables_that_are_none_are_refused(table, reason):
    text = SMALL.replace('function : "!A | !B";', f"""function : "!A | !B";
        timing () {{ related_pin : "A"; cell_rise (t) {{ {table} }} }}""")
    with pytest.raises(ValueError, match=f"^liberty must have {reason}"):
        Tables(Library(text)).cell("NB")


def test_paths_without_tables_are_refused():
    text = CELLS.read_text()
    start = text.index("  cell (NAND2_X1)")
    old = text.index('related_pin : "B"; timing_type', start)
    tables = Tables(Library(text[:old] + text[old:].replace('"B"', '"A"', 1)))
    with pytest.raises(ValueError, match=r"^liberty must have tables of delay and transition to Y "
                                         r"of NAND2_X1 from B, not none$"):
        tables.cell("NAND2_X1")
    tables = Tables(Library(text.replace("rising_edge", "clear")))
    with pytest.raises(ValueError, match=r"^liberty must .* to Q of DFF_X1, not none$"):
        tables.cell("DFF_X1")


@pytest.mark.parametrize(("old", "new"), [
    ("nom_voltage : 1", "nom_voltage : x"), ("cell_leakage_power : 5", "cell_leakage_power : x")])
def test_powers_that_are_none_are_refused(old, new):
    library = Library(CELLS.read_text().replace(old, new))
    with pytest.raises(ValueError, match=r"^liberty must have a number as .*, not 'x"):
        Power(Tables(library)).cell("INV_X1")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^liberty must be .*nothing\.lib.*No such file"):
        liberty.read(tmp_path / "nothing.lib")


def test_damaged_compressed_files_are_named(tmp_path):
    whole = gzip.compress(CELLS.read_bytes())
    path = tmp_path / "cells.lib.gz"
    for content in (whole[:500], whole[:12] + b"\xff" * 9 + whole[12:], whole[:-3]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"^liberty must be .*cells\.lib\.gz'"):
            liberty.read(path)
        with pytest.raises(ValueError, match=r"^lef must be .*cells\.lib\.gz'"):
            lef.read([path])
