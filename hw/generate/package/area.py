"""Area of a design, from a report of ``python -m synth.report``."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hw.command.faults import reason
from hw.config import Design


__all__ = ["Area", "read_area"]


@dataclass(frozen=True)
class Area:
    """The row of a design in a report, and what the report says of its library."""

    library: dict[str, Any]
    goal: str
    row: dict[str, Any]


def read_area(path: Path, name: str, design: Design) -> Area:
    """Find a design in ``report.json``.

    Parameters
    ----------
    path : Path
        The report.
    name : str
        What the design is, one of :data:`hw.config.DESIGNS`.
    design : Design
        Its parameters.

    Raises
    ------
    ValueError
        If the file is no such report, or has no design with the same parameters.
    """
    try:
        report = json.loads(path.read_bytes())
        area = [Area(report["library"], report["goal"], row) for row in report["designs"]
                if row["design"] == name and _same(row["parameters"], name, design)]
        needed = [(one.row["modules"], one.row["instances"]) for one in area]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError("area must be a report.json of python -m synth.report, not "
                         f"{str(path)!r} ({reason(error)})") from None
    if not needed:
        raise ValueError(f"area must be a report that has this {name} with these parameters, not "
                         f"{str(path)!r}")
    return area[0]


def _same(parameters: dict[str, Any], name: str, design: Design) -> bool:
    """Whether a row has all parameters that the design has, and the pattern."""
    own = asdict(design)
    return parameters["pattern"] == str(design.pattern) and all(
        parameters[described.name] == own[described.name] for described in design.parameters()
        if name in described.metadata["designs"])
