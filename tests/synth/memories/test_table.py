"""Tables of macros: what is read, and what is refused."""

import re

import pytest

from synth.memories.table import SHIPPED, Macro, read


HEAD = "ports,words,bits,area,read_pj\n"


@pytest.mark.parametrize(("name", "count"), [("sg13g2", 28), ("sky130", 7)])
def test_the_tables_that_come_along(name, count):
    macros = read(SHIPPED[name])
    assert len(macros) == count
    assert len({(macro.ports, macro.words, macro.bits) for macro in macros}) == count
    for line in SHIPPED[name].read_text().splitlines():
        if line.endswith(","):
            assert line.startswith("#"), "every macro has its source"


def test_columns_may_be_in_any_order_and_energies_left_out(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("# mine\nmacro,area,bits,words,ports,read_pj,source\n"
                    'a, 1000.5,32,256,1,,"our own, measured"\n\nb,2e3,32,512,2,7,\n')
    assert read(path) == [Macro(1, 256, 32, 1000.5), Macro(2, 512, 32, 2000.0, read_pj=7.0)]


@pytest.mark.parametrize(("text", "message"), [
    ("", "memories must have a line of columns and at least one of a macro, not 0 lines"),
    (HEAD, "memories must have a line of columns and at least one of a macro, not 1 lines"),
    ("ports,words,area\n1,2,3\n", "memories must have the column bits once, not 0 times"),
    ("ports,words,bits,area,area\n1,2,3,4,5\n", ("memories must have the column area once, not 2 "
                                               "times")),
    ("ports,words,bits,area,height\n1,2,3,4,5\n", ("memories must have columns among ports, words, "
     "bits, area, read_pj, write_pj, leakage_nw, macro, source, not 'height'")),
    (HEAD + "1,256,32,1000\n", "memories must have 5 values in line 2, not 4"),
    (HEAD + "1,256,32,1000,\n3,256,32,1000,\n", ("memories must have an integer from 1 to 2 in "
                                               "line 3, column ports, not '3'")),
    (HEAD + "1,1,32,1000,\n", ("memories must have an integer from 2 to 16777216 in line 2, column "
                             "words, not '1'")),
    (HEAD + "# a note\n1,64,0.5,1000,\n", ("memories must have an integer from 1 to 4096 in line "
                                         "3, column bits, not '0.5'")),
    (HEAD + "1,64,8,-1,\n", "memories must have a number above 0 in line 2, column area, not '-1'"),
    (HEAD + "1,64,8,,\n", "memories must have a number above 0 in line 2, column area, not ''"),
    (HEAD + "1,64,8,9,nan\n", ("memories must have a number above 0 in line 2, column read_pj, not "
                             "'nan'")),
])
def test_a_bad_table_is_named_by_line_column_and_range(text, message, tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        read(path)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00"])
def test_a_file_that_cannot_be_read_is_named(content, tmp_path):
    path = tmp_path / "none.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^memories must be a CSV table of SRAM macros, not '"):
        read(path)
