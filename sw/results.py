"""Results of evaluations: files, table and plot."""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from rich.console import Console
from rich.table import Table

from sw.files import write


__all__ = ["KEY", "Results", "mean_and_error"]


KEY = ("pattern", "criterion", "corrections", "integer")
"""Fields that name a row."""

FIELDS = (*KEY, "score", "loss", "loss_error", "gain", "gain_error", "layer_snr_db", "energy_kept")

Row = dict[str, Any]


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error (NaN for one value)."""
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return fmean(values), error


class Results:
    """Rows of one folder, which a later run goes on from.

    Parameters
    ----------
    folder : Path
        Holds results.json, written after every row; ``report`` adds results.csv and results.png.
    header : dict
        What must be the same for rows to belong together.

    Raises
    ------
    ValueError
        If the folder has results of something else.
    """

    def __init__(self, folder: Path, header: dict[str, Any]):
        self.path = folder / "results.json"
        self.header, self.rows, self.dense = header, [], {}
        if self.path.exists():
            try:
                held = json.loads(self.path.read_text())
                self.rows, self.dense = held.pop("rows"), held.pop("dense")
            except (ValueError, KeyError, TypeError, AttributeError):
                raise ValueError(f"{self.path} must hold results of this command, not something "
                                 "else") from None
            if held != header:
                raise ValueError(f"{self.path} must be of the same model and text, not of {held}")

    rows: list[Row]
    dense: Row
    """Of the dense model: ``score``, ``losses`` of every window or sentence, ``tasks``."""

    def find(self, key: tuple[Any, ...]) -> Row | None:
        """Return the row of pattern, criterion, corrections and integer, if there is one."""
        return next((row for row in self.rows if tuple(row[f] for f in KEY) == key), None)

    def save(self, row: Row | None = None) -> None:
        """Add a row, and write the file."""
        if row is not None:
            self.rows.append(row)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        content = {**self.header, "dense": self.dense, "rows": self.rows}
        write(self.path, json.dumps(content, indent=1) + "\n")

    def _complete(self, row: Row) -> Row:
        """Add the losses over the dense model, and the gains over plain magnitude.

        Both are paired: the differences are of the same windows or sentences.
        """
        loss, error = mean_and_error(
            [a - b for a, b in zip(row["losses"], self.dense["losses"], strict=True)])
        plain = self.find((row["pattern"], "act", "", False))
        gain, gain_error = (math.nan, math.nan) if plain is None else mean_and_error(
            [a - b for a, b in zip(plain["losses"], row["losses"], strict=True)])
        return {**{key: row[key] for key in FIELDS if key in row}, **row.get("tasks", {}),
                "loss": loss, "loss_error": error, "gain": gain, "gain_error": gain_error}

    def report(self) -> None:
        """Write results.csv and results.png, and print the table."""
        rows = [self._complete(row) for row in self.rows]
        fields = [*FIELDS, *self.dense.get("tasks", {})]
        text = io.StringIO()
        writer = csv.DictWriter(text, fields, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        write(self.path.with_suffix(".csv"), text.getvalue())
        write(self.path.with_suffix(".png"), self._plot())
        table = Table(title=f"{self.header['model']}: {self.header['measure']}, "
                            f"dense {self.dense['score']:.4f}")
        for field in fields:
            table.add_column(self.header["measure"] if field == "score" else field)
        for row in rows:
            table.add_row(*(f"{row[f]:.4f}" if isinstance(row[f], float) else str(row[f])
                            for f in fields))
        Console(width=160).print(table)

    def _plot(self) -> bytes:
        """PNG: the measure against the pattern, a line for each method."""
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
        lines: dict[str, list[tuple[str, float]]] = {}
        for row in self.rows:
            parts = [row["criterion"], row["corrections"], "int8" if row["integer"] else ""]
            lines.setdefault(" ".join(filter(None, parts)), []).append(
                (row["pattern"], row["score"]))
        for name, points in lines.items():
            axes.plot(*zip(*points, strict=True), marker="o", label=name)
        axes.axhline(self.dense["score"], color="black", linewidth=0.8, label="dense")
        axes.set(xlabel="pattern", ylabel=self.header["measure"])
        axes.legend(fontsize=7)
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=120)
        pyplot.close(figure)
        return image.getvalue()
