"""Tables for a terminal."""

import pytest

from hw.command.table import Table


def shown(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    table = Table("a title", ("pattern", "layer"), ("array cycles", "SNR dB", "cosine", "seconds"))
    table.row("8:16", "up", "1,234,567", "16.79", "0.98840", "1.0")
    table.row("8:16", "[both]", "2,234,567")
    table.section()
    table.row("16:32", "up", "1,234,568", "17.79", "0.98841", "2.0")
    table.print()
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_nothing_is_cut_and_nothing_overflows(capsys, monkeypatch, columns):
    lines = shown(capsys, monkeypatch, columns)
    assert max(map(len, lines)) <= columns
    cells = {cell.strip() for line in lines if line.startswith("│") for cell in line.split("│")}
    assert {"8:16", "16:32", "up", "[both]", "1,234,567", "2,234,567", "1,234,568", "16.79",
            "0.98840", "0.98841", "1.0", "2.0"} <= cells


def test_narrow_terminals_get_several_tables_each_with_the_keys(capsys, monkeypatch):
    wide, narrow = (shown(capsys, monkeypatch, columns) for columns in (80, 40))
    assert sum(line.startswith("┏") for line in wide) == 1
    tables = sum(line.startswith("┏") for line in narrow)
    assert tables > 1
    assert sum(line.startswith("│ 16:32") for line in narrow) == tables
    assert sum("a title" in line for line in narrow) == 1


def test_a_cell_wider_than_the_terminal_is_whole(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "20")
    table = Table("", ("name",), ("value",))
    table.row("a name of thirty letters or so", "1234567890")
    table.print()
    assert "a name of thirty letters or so" in capsys.readouterr().out
