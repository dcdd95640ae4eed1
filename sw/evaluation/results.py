"""Results of evaluations: files, table and plot."""

import csv
import fcntl
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from hw.command.table import Table
from hw.formats import QUANTIZED, SELECTIONS
from sw.files import write
from sw.methods.corrections import CORRECTIONS
from sw.methods.criteria import CRITERIA
from sw.methods.method import Method, parse_pattern
from sw.methods.names import FORMAT_CORRECTIONS


__all__ = ["KEY", "Results", "mean_and_error"]


KEY = ("pattern", "criterion", "corrections", "integer", "format", "selection")
"""Fields that name a row. One without the last two is of no format."""

FIELDS = (*KEY, "score", "loss", "loss_error", "gain", "gain_error", "layer_snr_db", "energy_kept")

SHARES = ("layers_sparse", "parameters_sparse")
"""Fields of results.csv that tell what of the model was sparse."""

Row = dict[str, Any]


def mean_and_error(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and its standard error (NaN for one value)."""
    error = stdev(values) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return fmean(values), error


def _name(row: Row) -> str:
    """Method of a row, such as ``act d-pts+var int8`` or ``act mxfp4 before``."""
    parts = (row["criterion"], row["corrections"], "int8" if row["integer"] else "",
             f"{row['format']} {row['selection']}" if row["format"] != "none" else "")
    return " ".join(part for part in parts if part)


def _order(row: Row) -> tuple[Any, ...]:
    """Place of a row: methods in the order of the documentation, then patterns by size."""
    pattern = None if "=" in row["pattern"] else parse_pattern(row["pattern"])
    size = (2, row["pattern"]) if pattern is None else \
        (1, pattern) if isinstance(pattern, int) else (0, pattern.m, pattern.n)
    known = (*CORRECTIONS, *FORMAT_CORRECTIONS)
    names = [known.index(name) for name in row["corrections"].split("+") if name]
    criterion = (*CRITERIA, "weight").index(row["criterion"])
    form = ("none", *QUANTIZED).index(row["format"]), SELECTIONS.index(row["selection"])
    return row["integer"], form, bool(names), criterion, names, size


def _patterns(rows: list[Row]) -> list[str]:
    ordered = sorted(rows, key=lambda row: _order(row)[-1])
    return list(dict.fromkeys(row["pattern"] for row in ordered))


def _title(pattern: str) -> str:
    """Pattern as the head of a column: ``8:16``, ``70 %`` where unstructured, code if of layers."""
    if "=" in pattern:
        return f"`{pattern}`"
    return pattern if ":" in pattern else f"{parse_pattern(pattern)} %"


def _cell(row: Row, digits: int) -> str:
    """Score, gain and error for a table; the error of the loss where there is no other row."""
    score = f"{row['score']:.{digits}f}"
    if math.isnan(row["gain"]) or _name(row) == "act":
        return f"{score} ({row['loss_error']:.3f})"
    return f"{score} ({row['gain']:+.3f}, {row['gain_error']:.3f})"


def _shares(row: Row) -> dict[str, float]:
    """Shares of the linear layers and of the parameters that were sparse, 0 to 1."""
    if "coverage" not in row:
        return {}
    layers = row["coverage"]["layers"]
    return {"layers_sparse": layers["sparse"] / sum(layers.values()),
            "parameters_sparse": row["coverage"]["share"]}


def _coverage(rows: list[Row]) -> list[str]:
    """One line for all rows, or where they differ one for each kind, with those it is of."""
    kinds: dict[str, list[str]] = {}
    for row in rows:
        if "coverage" in row:
            kinds.setdefault(row["coverage"]["summary"], []).append(
                f"{_title(row['pattern'])} {_name(row)}")
    return [summary if len(kinds) == 1 else f"{', '.join(names)}: {summary}"
            for summary, names in kinds.items()]


def _three_digits(key: str) -> Callable[[Row], str]:
    return lambda row: f"{row[key]:.3f}"


def _table(title: str, rows: list[Row], cell: Callable[[Row], str],
           dense: str | None = None) -> list[str]:
    """Lines of a table: methods down, patterns across; a cell without a row is empty."""
    patterns = _patterns(rows)
    lines = ["", " | ".join((f"| {title}", *map(_title, patterns))) + " |",
             "|" + "---|" * (len(patterns) + 1)]
    if dense is not None:
        lines.append(" | ".join(("| dense", *(dense for _ in patterns))) + " |")
    for name in dict.fromkeys(map(_name, rows)):
        cells = {row["pattern"]: cell(row) for row in rows if _name(row) == name}
        lines.append(" | ".join((f"| {name}", *(cells.get(p, "") for p in patterns))) + " |")
    return lines


class Results:
    """Rows of one folder, which a later run goes on from.

    Parameters
    ----------
    folder : Path
        Holds results.json, written after every row; ``report`` adds results.csv, results.md and
        results.png.
    header : dict
        What must be the same for rows to belong together.

    Raises
    ------
    ValueError
        If the folder has results of something else.
    """

    def __init__(self, folder: Path, header: dict[str, Any]):
        self.path = folder / "results.json"
        self.header, self.rows, self.dense, self.left_out = header, [], {}, []
        self.refresh()

    rows: list[Row]
    left_out: list[str]
    """Lines about rows that were asked for and cannot be."""

    dense: Row
    """Of the dense model: ``score``, ``losses`` of every window or sentence, ``tasks``."""

    def refresh(self) -> None:
        """Take over what is in the file, of this run and of others."""
        if not self.path.exists():
            return
        try:
            held = json.loads(self.path.read_text(encoding="utf-8"))
            rows, dense, left_out = held.pop("rows"), held.pop("dense"), held.pop("left_out", [])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise ValueError(f"{self.path} must hold results of this command, not something "
                             "else") from None
        if held != self.header:
            raise ValueError(f"{self.path} must be of the same model, text and versions, not of "
                             f"{held}")
        self.rows = [{"format": "none", "selection": "before", **row} for row in rows]
        self.dense, self.left_out = dense, left_out

    def find(self, key: tuple[Any, ...]) -> Row | None:
        """Return the row of values of ``KEY``, if there is one."""
        return next((row for row in self.rows if tuple(row[f] for f in KEY) == key), None)

    def has(self, method: Method) -> bool:
        """Whether there is a row of a method."""
        return self.find((method.pattern, method.criterion, "+".join(method.corrections),
                          method.integer, method.format, method.selection)) is not None

    def save(self, row: Row | None = None, *, dense: Row | None = None) -> None:
        """Add a row, or that of the dense model, to those in the file.

        What is there stays: other runs may write into the same folder at the same time.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self._locked():
            self.refresh()
            self.dense = self.dense or dense or {}
            if row is not None and self.find(tuple(row[field] for field in KEY)) is None:
                self.rows.append(row)
            self._write()

    def _write(self) -> None:
        content = {**self.header, "dense": self.dense, "rows": self.rows,
                   **({"left_out": self.left_out} if self.left_out else {})}
        write(self.path, json.dumps(content, indent=1) + "\n")

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other runs from writing into the folder; the lock ends with the process."""
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def _complete(self, row: Row) -> Row:
        """Add the losses over the dense model, and the gains over plain magnitude.

        Both are paired: the differences are of the same windows or sentences.
        """
        loss, error = mean_and_error(
            [a - b for a, b in zip(row["losses"], self.dense["losses"], strict=True)])
        plain = self.find((row["pattern"], "act", "", False, "none", "before"))
        gain, gain_error = (math.nan, math.nan) if plain is None else mean_and_error(
            [a - b for a, b in zip(plain["losses"], row["losses"], strict=True)])
        return {**{key: row[key] for key in FIELDS if key in row}, **row.get("tasks", {}),
                **_shares(row),
                "loss": loss, "loss_error": error, "gain": gain, "gain_error": gain_error}

    def report(self, left_out: Sequence[str] = ()) -> None:
        """Write results.csv, results.md and results.png, and print the table.

        ``left_out`` are lines to add to those about rows that cannot be.
        """
        with self._locked():
            self.refresh()
            more = [line for line in left_out if line not in self.left_out]
            if more:
                self.left_out += more
                self._write()
            rows = [self._complete(row) for row in sorted(self.rows, key=_order)]
            fields = [*FIELDS, *self.dense.get("tasks", {})]
            text = io.StringIO()
            writer = csv.DictWriter(text, [*fields, *SHARES], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            write(self.path.with_suffix(".csv"), text.getvalue())
            notes = [self._basis(), *_coverage(self.rows), *self.left_out]
            write(self.path.with_suffix(".md"), "".join(
                [self._markdown(rows), *(f"\n{line}\n" for line in notes)]))
            write(self.path.with_suffix(".png"), self._plot(rows))
        values = fields[len(KEY):]
        table = Table(f"{self.header['model']}: {self.header['measure']}, "
                      f"dense {self.dense['score']:.4f}", ("pattern", "method"),
                      [self.header["measure"] if field == "score" else field.replace("_", " ")
                       for field in values])
        for row in rows:
            table.row(row["pattern"], _name(row), *(
                f"{row[f]:.4f}" if isinstance(row[f], float) else str(row[f]) for f in values))
        table.print()
        for line in notes:
            print(line)

    def _basis(self) -> str:
        """One line that says what the figures depend on beside the methods."""
        known = {**self.header, **self.header.get("versions", {})}
        return ", ".join(f"{key} {value}" for key, value in known.items()
                         if key != "versions" and value not in (None, []))

    def _unit(self) -> str:
        return "nats a token" if self.header["measure"] == "perplexity" else "1 - cosine"

    def _markdown(self, rows: list[Row]) -> str:
        """Tables of the measure, of the loss, and of every task: a line for each method."""
        measure, unit = self.header["measure"], self._unit()
        digits = 2 if measure == "perplexity" else 3
        about = (f"{measure}, dense {self.dense['score']:.{digits}f}; in brackets the gain over "
                 f"act ({unit}) and its standard error, for act the standard error of its loss")
        lines = [about,
                 *_table(measure, rows, lambda row: _cell(row, digits)),
                 *_table(f"loss over dense, {unit}", rows,
                         lambda row: f"{row['loss']:.3f} ({row['loss_error']:.3f})")]
        for task, value in self.dense.get("tasks", {}).items():
            lines += _table(task, rows, _three_digits(task), f"{value:.3f}")
        return "\n".join(lines) + "\n"

    def _plot(self, rows: list[Row]) -> bytes:
        """PNG: losses over the dense model with their errors, a line for each method."""
        import matplotlib
        matplotlib.use("Agg")
        from matplotlib import pyplot

        methods = list(dict.fromkeys(map(_name, rows)))
        figure, axes = pyplot.subplots(figsize=(8, 1.5 + 0.25 * len(methods)),
                                       layout="constrained")
        for pattern in _patterns(rows):
            points = [(row["loss"], methods.index(_name(row)), row["loss_error"])
                      for row in rows if row["pattern"] == pattern]
            losses, places, errors = zip(*points, strict=True)
            axes.errorbar(losses, places, xerr=errors, fmt="o", markersize=4, capsize=2,
                          label=_title(pattern))
        if all(row["loss"] > 0 for row in rows):
            axes.set_xscale("log")
        axes.set_yticks(range(len(methods)), methods)
        axes.invert_yaxis()
        axes.grid(alpha=0.3)
        axes.set(xlabel=f"loss over dense, {self._unit()}")
        figure.legend(ncols=10, loc="outside upper center")
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=120)
        pyplot.close(figure)
        return image.getvalue()
