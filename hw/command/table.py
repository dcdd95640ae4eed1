"""Tables for a terminal: as wide as it is, and nothing cut."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field

# First of all, so that it is missed before there is a table to print.
from rich.console import Console
from rich.table import Table as Rich
from rich.text import Text


__all__ = ["Table"]


@dataclass
class Table:
    """Rows under headings, printed by ``rich``.

    Where a row is wider than the terminal (80 columns where there is none), the columns behind the
    keys are dealt out to several tables, one below the other, each with the keys.

    Attributes
    ----------
    title : str
    keys : sequence of str
        Headings of the columns that name a row, to the left.
    values : sequence of str
        Headings of the others, to the right. Headings wrap between words where they must.
    """

    title: str
    keys: Sequence[str]
    values: Sequence[str]
    _rows: list[list[str]] = field(default_factory=list)
    _ends: set[int] = field(default_factory=set)

    def row(self, *cells: str) -> None:
        """Add a row; cells that are left out at its end are empty."""
        count = len(self.keys) + len(self.values)
        self._rows.append([*cells, *[""] * (count - len(cells))])

    def section(self) -> None:
        """Draw a line behind the last row."""
        self._ends.add(len(self._rows))

    def print(self) -> None:
        """Print the table on standard output."""
        width = shutil.get_terminal_size().columns
        for number, columns in enumerate(self._layouts(width)):
            self._print(columns, width, self.title if not number else "")

    def _layouts(self, width: int) -> list[list[int]]:
        """Columns of each table."""
        keys = list(range(len(self.keys)))
        room = width - 1 - sum(self._width(column) + 3 for column in keys)
        layouts, left = [[*keys]], room
        for column in range(len(keys), len(keys) + len(self.values)):
            needed = self._width(column) + 3
            if needed > left and len(layouts[-1]) > len(keys):
                layouts.append([*keys])
                left = room
            layouts[-1].append(column)
            left -= needed
        return layouts

    def _heading(self, column: int) -> str:
        return [*self.keys, *self.values][column]

    def _width(self, column: int) -> int:
        """Of the longest cell, or word of the heading."""
        return max(map(len, [*(row[column] for row in self._rows),
                             *self._heading(column).split(" "), ""]))

    def _print(self, columns: list[int], width: int, title: str) -> None:
        shown = Rich(title=Text(title) if title else None)
        widths = {column: self._width(column) for column in columns}
        whole = {column: max(widths[column], len(self._heading(column))) for column in columns}
        if 1 + sum(column + 3 for column in whole.values()) <= width:
            widths = whole
        for column in columns:
            shown.add_column(Text(_wrapped(self._heading(column), widths[column])),
                             justify="left" if column < len(self.keys) else "right",
                             min_width=widths[column], no_wrap=True)
        for number, row in enumerate(self._rows, start=1):
            shown.add_row(*(Text(row[column]) for column in columns),
                          end_section=number in self._ends)
        # As wide as it must be: a single row may be wider than the terminal.
        needed = 1 + sum(column + 3 for column in widths.values())
        Console(width=max(needed, width), highlight=False).print(shown)


def _wrapped(heading: str, width: int) -> str:
    """Break a heading between words so that it is no wider than ``width``."""
    lines = [""]
    for word in heading.split(" "):
        joined = f"{lines[-1]} {word}".strip()
        lines[-1:] = [joined] if len(joined) <= width else [lines[-1], word]
    return "\n".join(line for line in lines if line)
