"""A study: everything that its page, tables and figures are made of, and nothing else.

``study.json`` holds it. Whatever is shown is a function of that file, so a study is drawn again
without synthesis (``--from``), and several become one.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from hw.command.faults import reason


__all__ = ["PARTS", "Row", "Study", "merged", "read"]


Row = dict[str, Any]

PARTS = ("accuracy", "area", "energy", "accelerators", "tokens")
"""What a study is made of, in the order in which it appears."""

NEEDED: dict[str, dict[str, tuple]] = {
    "designs": {"design": (str,), "pattern": (str,), "technology": (str,), "target": (str,),
                "goal": (str,), "format": (str,), "selector": (str,), "options": (str,),
                "status": (str,), "parts": (dict,)},
    "fpga": {"design": (str,), "pattern": (str,), "target": (str,), "selector": (str,),
             "status": (str,), "stage": (str,)},
    "accuracy": {"model": (str,), "metric": (str,), "pattern": (str,), "method": (str,),
                 "format": (str,), "source": (str,), "value": (int, float, type(None)),
                 "lost": (int, float, type(None))},
    "tokens": {"model": (str,), "phase": (str,), "pattern": (str,)},
}
"""Fields that every row has, and their types."""


@dataclass
class Study:
    """Rows of a study.

    Attributes
    ----------
    versions : dict
        Of the generator and of what measured, by name.
    libraries : dict
        By technology: file and its SHA-256, units, gate equivalent.
    designs : list of dict
        A design each: what it is (:data:`NEEDED`), its area, delay and parts, and where they are
        known its memories, energy and wires; :mod:`synth.study.designs` says more.
    fpga : list of dict
        A design each on a family of FPGAs: what it is, and what it takes; see
        :mod:`synth.study.fpga`.
    accuracy : list of dict
        What a pattern and a method make of a model, with its source.
    tokens : list of dict
        Time and energy of a token of a model, for a phase and a design.
    missing : dict
        Parts that are not there, and why.
    """

    versions: dict[str, str] = field(default_factory=dict)
    libraries: dict[str, Row] = field(default_factory=dict)
    designs: list[Row] = field(default_factory=list)
    fpga: list[Row] = field(default_factory=list)
    accuracy: list[Row] = field(default_factory=list)
    tokens: list[Row] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> str:
        """The file: a row a line, keys in their order, so that two studies can be compared."""
        lines = []
        for name, value in asdict(self).items():
            if isinstance(value, list):
                rows = ",\n  ".join(json.dumps(row, sort_keys=True, allow_nan=False)
                                    for row in value)
                lines.append(f' "{name}": [\n  {rows}\n ]' if value else f' "{name}": []')
            else:
                lines.append(f' "{name}": {json.dumps(value, sort_keys=True)}')
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @property
    def technologies(self) -> list[str]:
        """Technologies of the designs, in their order."""
        return list(dict.fromkeys(row["technology"] for row in self.designs))


def read(path: Path) -> Study:
    """A study from its file.

    Raises
    ------
    ValueError
        If it cannot be read, or holds something else; the message names the row and the field.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(held, dict):
            raise ValueError("no object")
        for described in fields(Study):
            kind = list if described.name in NEEDED else dict
            if not isinstance(held.get(described.name), kind):
                raise ValueError(f"{described.name} is no {kind.__name__}")
        for name, needed in NEEDED.items():
            for number, row in enumerate(held[name]):
                _check(f"{name}[{number}]", row, needed)
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"from must be study.json of a study, not {str(path)!r} "
                         f"({reason(error)})") from None
    return Study(**{described.name: held[described.name] for described in fields(Study)})


def _check(place: str, row: Any, needed: dict[str, tuple]) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"{place} is no object")
    for name, kinds in needed.items():
        if name not in row:
            raise ValueError(f"{place} has no {name}")
        if not isinstance(row[name], kinds) or isinstance(row[name], bool):
            raise ValueError(f"{place} has {name} {row[name]!r}")


def merged(studies: Iterable[Study]) -> Study:
    """One study of several; what stands in two of them stands once, as the last has it.

    An energy, or wires, that the last has not measured are those of the one before.
    """
    whole = Study()
    keys = {"designs": _design_key, "fpga": _design_key, "accuracy": _accuracy_key,
            "tokens": _token_key}
    for study in studies:
        whole.versions |= study.versions
        whole.libraries |= study.libraries
        for name, key in keys.items():
            rows = {key(row): row for row in getattr(whole, name)}
            for row in getattr(study, name):
                old = rows.get(key(row), {})
                rows[key(row)] = row | {kept: old[kept] for kept in ("energy", "wires")
                                        if old.get(kept) and row.get(kept) is None}
            setattr(whole, name, list(rows.values()))
        whole.missing |= {part: _joined(part, whole.missing.get(part), why)
                          for part, why in study.missing.items()}
    whole.missing = {part: why for part, why in whole.missing.items() if not _has(whole, part)}
    return whole


def _joined(part: str, one: str | None, other: str) -> str:
    """Why a part is missing: of formats, what is not there in any of the studies."""
    if part != "formats" or not one:
        return other
    return "; ".join(dict.fromkeys([*one.split("; "), *other.split("; ")]))


def _has(study: Study, part: str) -> bool:
    if part == "formats":
        return False
    if part == "area":
        return bool(study.designs or study.fpga)
    if part == "energy":
        return any(row.get("energy") for row in study.designs)
    if part == "accelerators":
        return any(row["design"] == "accelerator" and row.get("energy") for row in study.designs)
    return bool(getattr(study, part))


def _design_key(row: Row) -> str:
    return json.dumps([row["technology"], row["target"], row["goal"], row["design"],
                       row["pattern"], row["selector"], row["format"], row["options"],
                       row.get("parameters")], sort_keys=True)


def _accuracy_key(row: Row) -> str:
    return json.dumps([row[name] for name in ("model", "metric", "pattern", "method", "format")])


def _token_key(row: Row) -> str:
    return json.dumps([row["model"], row["phase"], row["pattern"], row.get("technology"),
                       row.get("design")])
