"""Tables of SRAM macros, those that come along and the user's own."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hw.command.checks import plain


__all__ = ["COLUMNS", "SHIPPED", "Macro", "read"]


SHIPPED = {name: Path(__file__).parent / f"{name}.csv" for name in ("sg13g2", "sky130")}
"""Tables that come along, by technology."""

_NEEDED = {"ports": (1, 2), "words": (2, 1 << 24), "bits": (1, 4096)}
_MEASURED = ("area", "read_pj", "write_pj", "leakage_nw")
_TEXT = ("macro", "source")

COLUMNS = (*_NEEDED, *_MEASURED, *_TEXT)
"""Columns of a table, in any order. Only the first four must be there, and filled in every line."""


@dataclass(frozen=True)
class Macro:
    """One macro.

    Attributes
    ----------
    ports : int
        1: reads and writes take turns. 2: one read and one write in every cycle.
    words, bits : int
        From 2 to 2 ** 24 words of 1 to 4096 bits.
    area : float
        In the unit of the table, as of the standard cells beside it.
    read_pj, write_pj : float or None
        Energy of an access in pJ; None where it is not known.
    leakage_nw : float or None
        Power without an access in nW.
    """

    ports: int
    words: int
    bits: int
    area: float
    read_pj: float | None = None
    write_pj: float | None = None
    leakage_nw: float | None = None


def read(path: Path) -> list[Macro]:
    """Read a table: CSV with :data:`COLUMNS` in its first line; lines that begin with # are notes.

    Raises
    ------
    ValueError
        If it cannot be read or is no such table; the message names line, column, range and value.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise ValueError(f"memories must be a CSV table of SRAM macros, not {str(path)!r} "
                         f"({error})") from None
    lines = [(number, row) for number, row in _rows(text) if any(row)]
    if len(lines) < 2:
        raise ValueError("memories must have a line of columns and at least one of a macro, not "
                         f"{len(lines)} lines")
    columns = _columns(lines[0][1])
    return [_macro(number, columns, row) for number, row in lines[1:]]


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines that are no notes, with their numbers; a value stays in its line."""
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("#"):
            try:
                yield number, [cell.strip() for row in csv.reader([line], strict=True)
                               for cell in row]
            except csv.Error as error:
                raise ValueError(f"memories must be CSV, not {line!r} in line {number} "
                                 f"({error})") from None


def _columns(names: list[str]) -> list[str]:
    for name in names:
        if name not in COLUMNS:
            raise ValueError(f"memories must have columns among {', '.join(COLUMNS)}, not {name!r}")
    for name in (*_NEEDED, "area"):
        if names.count(name) != 1:
            raise ValueError(f"memories must have the column {name} once, not "
                             f"{names.count(name)} times")
    if len(set(names)) < len(names):
        raise ValueError(f"memories must have every column once, not {', '.join(names)}")
    return names


def _macro(line: int, columns: list[str], row: list[str]) -> Macro:
    if len(row) != len(columns):
        raise ValueError(f"memories must have {len(columns)} values in line {line}, not {len(row)}")
    values: dict = {}
    for column, text in zip(columns, row, strict=True):
        if column in _NEEDED:
            low, high = _NEEDED[column]
            number = plain(text)
            if type(number) is not int or not low <= number <= high:
                raise ValueError(f"memories must have an integer from {low} to {high} in line "
                                 f"{line}, column {column}, not {text!r}")
            values[column] = number
        elif column in _MEASURED and (text or column == "area"):
            number = plain(text)
            if isinstance(number, str) or not 0 < number < float("inf"):
                raise ValueError(f"memories must have a number above 0 in line {line}, column "
                                 f"{column}, not {text!r}")
            values[column] = float(number)
    return Macro(**values)
