"""The reader of Liberty files."""

import gzip

import pytest

from synth.flow import CELLS
from synth.library import liberty
from synth.library.function import compile_function
from synth.library.liberty import Library
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
