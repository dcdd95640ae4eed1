"""What sparsity loses: from results of ``sw.evaluate``, and from figures of the paper."""

import hashlib
import json
import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from hw.command.faults import reason


__all__ = ["evaluated", "published"]


PUBLISHED = Path(__file__).parent / "published.json"
"""Figures of arXiv 2509.22166, each with its source."""

UNITS = {"perplexity": "nats a token", "cosine": "1 - cosine"}
"""Unit of the loss over dense, by what was measured."""

Row = dict[str, Any]


def published() -> list[Row]:
    """Rows of the paper: value and source; ``lost`` is None where no dense result is known."""
    return json.loads(PUBLISHED.read_text())["rows"]


def evaluated(path: Path) -> list[Row]:
    """Rows of a ``results.json`` that ``sw.evaluate`` wrote.

    Each has the model, what was measured, its value, and what it lost over the dense model with
    the standard error of that, in the mean over the same windows or sentences. Tasks of the
    harness are further rows. The source is the name of the folder with the SHA-256 of the file.

    Raises
    ------
    ValueError
        If it cannot be read, or holds something else.
    """
    try:
        text = path.read_bytes()
        held = json.loads(text)
        if not held["rows"]:
            raise ValueError("rows must be one or more, not none")
        return [row for one in held["rows"] for row in _rows(held, one, _source(path, text))]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
            RecursionError) as error:
        why = f"no {error}" if isinstance(error, KeyError) else reason(error)
        raise ValueError(f"accuracy must be results.json of sw.evaluate, not {str(path)!r} "
                         f"({why})") from None


def _source(path: Path, text: bytes) -> str:
    return f"sw.evaluate, {path.parent.name}/{path.name} {hashlib.sha256(text).hexdigest()[:12]}"


def _rows(held: Row, row: Row, source: str) -> list[Row]:
    """The measure of one method at one pattern, and its tasks."""
    dense = held["dense"]
    method = " ".join(filter(None, (_text(row["criterion"]), _text(row["corrections"]))))
    common = {"model": _text(held["model"]), "pattern": _text(row["pattern"]), "method": method,
              "format": _format(row), "source": source}
    lost = [sparse - base for sparse, base in zip(row["losses"], dense["losses"], strict=True)]
    measure = _text(held["measure"])
    found = [{**common, "metric": measure, "unit": UNITS.get(measure, ""),
              "value": _finite(row["score"]), "dense": _finite(dense["score"]),
              "lost": _finite(fmean(lost)), "error": _error(lost)}]
    for task, value in row.get("tasks", {}).items():
        base = dense["tasks"][task]
        found.append({**common, "metric": task, "unit": "accuracy", "value": _finite(value),
                      "dense": _finite(base), "lost": _finite(base - value), "error": None})
    return found


def _format(row: Row) -> str:
    """Number format of a row, with where selection stands, such as ``mxfp4 before``."""
    if row.get("format", "none") != "none":
        return f"{_text(row['format'])} {_text(row['selection'])}"
    return "int8" if row["integer"] else "float"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, not {value!r}")
    return value


def _error(values: Sequence[float]) -> float | None:
    """Standard error of the mean; None of one value, and of what is not finite."""
    if len(values) < 2 or not all(map(math.isfinite, values)):
        return None
    return _finite(stdev(values) / math.sqrt(len(values)))


def _finite(value: float) -> float | None:
    """A figure in six digits; None for one that JSON cannot hold, as of a model that is broken."""
    return float(f"{value:.6g}") if math.isfinite(value) else None
