"""The space of a sweep, as a TOML file describes it."""

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from hw.command.checks import choice, integer, number
from hw.command.faults import reason
from hw.config import DESIGNS, Design, Pattern
from hw.config.parameter import check
from synth.command import variant
from synth.scripts import CELLS, GOALS
from synth.sweep.point import Cells, Simulation
from synth.sweep.targets import TARGETS


__all__ = ["OWN", "Space", "read"]


OWN = "nmforge"
"""Name of the project's own cells in a list of libraries."""

_PARAMETERS = {described.name: described for described in Design.parameters()}
_AXES = {"selectors": "selector", "gathers": "gather", "formats": "format"}
"""Axes that are lists of a parameter."""


@dataclass(frozen=True)
class Space:
    """What is crossed with what.

    Attributes
    ----------
    patterns : tuple of Pattern
    designs : tuple of str
    parameters : dict
        Values of each parameter that is given, in their order.
    shapes : tuple of (int, int)
        Rows and columns; none where they are the default.
    options : tuple of dict
        Parameters that are set together, as in ``shift=mean+statistics``; an empty one is a design
        without.
    libraries : tuple of Cells
    goals, targets : tuple of str
    baselines : bool
        Whether dense baselines are added, which overheads are measured against.
    wires : bool
        Whether designs are placed.
    energy : Simulation or None
        How energies are measured, if they are.
    """

    patterns: tuple[Pattern, ...]
    designs: tuple[str, ...] = DESIGNS
    parameters: dict[str, tuple] = field(default_factory=dict)
    shapes: tuple[tuple[int, int], ...] = ()
    options: tuple[dict[str, Any], ...] = ({},)
    libraries: tuple[Cells, ...] = field(default_factory=lambda: (Cells(CELLS),))
    goals: tuple[str, ...] = ("area",)
    targets: tuple[str, ...] = ("asic",)
    baselines: bool = True
    wires: bool = False
    energy: Simulation | None = None


KEYS = ("patterns", "designs", *_AXES, "shapes", "parameters", "options", "libraries", "goals",
        "targets", "baselines", "wires", "energy")
"""Keys of the file."""


def read(path: Path) -> Space:
    """Read a space.

    Raises
    ------
    ValueError
        If there is no such file, it is no TOML, a key is unknown, or a value is out of its range;
        with the line.
    """
    try:
        text = path.read_bytes().decode()
        given = tomllib.loads(text)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"space must be a readable file, not {str(path)!r} ({error})") from None
    except (ValueError, RecursionError) as error:  # also numbers of thousands of digits
        raise ValueError(f"space must be TOML, not {str(path)!r} ({reason(error)})") from None
    _known(text, path, given, KEYS)
    if "patterns" not in given:
        raise ValueError(f"patterns must be given in {path.name}, not left out")
    chosen: dict[str, Any] = {"parameters": {}}
    for key, value in given.items():
        try:
            _take(key, value, chosen, path.parent)
        except ValueError as error:
            line = _line(text, error.key if isinstance(error, _Inside) else key)
            raise ValueError(f"{error} in line {line} of {path.name}") from None
    for key, where in _idle(chosen):
        raise ValueError(f"{key} must be left out {where}, not given in line {_line(text, key)} "
                         f"of {path.name}")
    return Space(**chosen)


def _idle(chosen: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Keys that change nothing beside the others, and where that is so."""
    if not any(TARGETS[name].cells for name in chosen.get("targets", ("asic",))):
        for key in ("libraries", "goals"):
            if key in chosen:
                yield key, "without the target asic"
        for key in ("wires", "energy"):
            if chosen.get(key):
                yield key, "without the target asic"
    if not chosen.get("wires") and not chosen.get("energy") \
            and any(cells.lef for cells in chosen.get("libraries", ())):
        yield "lef", "without wires and energy"


class _Inside(ValueError):
    """What is wrong with a key, also of a table."""

    def __init__(self, key: str, what: str):
        super().__init__(what)
        self.key = key


def _unknown(key: str, allowed: tuple[str, ...]) -> _Inside:
    return _Inside(key, f"keys must be among {', '.join(allowed)}, not {key!r}")


def _known(text: str, path: Path, given: dict, allowed: tuple[str, ...]) -> None:
    for key in given:
        if key not in allowed:
            error = _unknown(key, allowed)
            raise ValueError(f"{error} in line {_line(text, key)} of {path.name}")


def _line(text: str, key: str) -> int:
    """First line in which a key stands."""
    quoted = rf"""(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')"""
    found = re.search(rf"^[^#\n]*?(?<![\w-]){quoted}\s*(?:=|\.|\])", text, re.M)
    return text.count("\n", 0, found.end() if found else 0) + 1


def _take(key: str, value: Any, chosen: dict[str, Any], folder: Path) -> None:
    """Check what stands under a key, and put it where it belongs."""
    if key in _AXES:
        chosen["parameters"][_AXES[key]] = _list(key, value, _parameter(_AXES[key]))
    elif key == "parameters":
        for name, values in _table(key, value, tuple(_PARAMETERS)).items():
            if name in chosen["parameters"]:
                raise _Inside(name, f"{name} must be given once, not twice")
            try:
                chosen["parameters"][name] = _list(name, values, _parameter(name), alone=True)
            except ValueError as error:
                raise _Inside(name, str(error)) from None
    elif key in ("baselines", "wires"):
        if type(value) is not bool:
            raise ValueError(f"{key} must be true or false, not {value!r}")
        chosen[key] = value
    elif key == "energy":
        chosen[key] = _energy(value, folder)
    elif key == "libraries":
        chosen[key] = _list(key, value, lambda given: _library(given, folder))
    else:
        chosen[key] = _list(key, value, _KINDS[key])


def _list(name: str, value: Any, read: Callable[[Any], Any], *, alone: bool = False) -> tuple:
    """Values of a list, each once; ``alone`` takes a value without a list."""
    if alone and not isinstance(value, list):
        value = [value]
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} must be a list that is not empty, not {value!r}")
    found: list = []
    for each in map(read, value):
        if each not in found:
            found.append(each)
    return tuple(found)


def _table(name: str, value: Any, allowed: tuple[str, ...]) -> dict:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table, not {value!r}")
    for key in value:
        if key not in allowed:
            raise _unknown(key, allowed)
    return value


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{name} must be texts, not {value!r}")
    return value


def _parameter(name: str) -> Callable[[Any], Any]:
    described: Field = _PARAMETERS[name]

    def read(value: Any) -> Any:
        check(described, value)
        return value

    return read


def _shape(value: Any) -> tuple[int, int]:
    found = re.fullmatch(r"([0-9]{1,9})\s*x\s*([0-9]{1,9})", _text("shapes", value))
    if not found:
        raise ValueError(f"shapes must be written ROWSxCOLUMNS, as in 4x4, not {value!r}")
    rows, columns = int(found[1]), int(found[2])
    check(_PARAMETERS["rows"], rows)
    check(_PARAMETERS["columns"], columns)
    return rows, columns


def _options(value: Any) -> dict[str, Any]:
    found = variant("options", value, every=True) if _text("options", value) else {}
    for name, given in found.items():
        check(_PARAMETERS[name], given)
    return found


def _library(value: Any, folder: Path) -> Cells:
    if isinstance(value, str):
        return Cells(CELLS if value == OWN else folder / value)
    table = _table("libraries", value, ("liberty", "lef", "name", "memories"))
    if "liberty" not in table:
        raise ValueError(f"liberty must be given in a table of libraries, not left out: {value!r}")
    sizes = _list("lef", table["lef"], lambda file: folder / _text("lef", file), alone=True) \
        if "lef" in table else ()
    return Cells(folder / _text("liberty", table["liberty"]), sizes,
                 _text("name", table.get("name", "")),
                 folder / _text("memories", table["memories"]) if "memories" in table else None)


def _energy(value: Any, folder: Path) -> Simulation | None:
    if type(value) is bool:
        return Simulation() if value else None
    given = dict(_table("energy", value, tuple(known.name for known in fields(Simulation))))
    for name, high in (("seeds", 16), ("cycles", 100_000)):
        if name in given:
            integer(name, given[name], 1, high)
    if "utilisation" in given:
        number("utilisation", given["utilisation"], 0.1, 1, below=True)
    if _text("inputs", given.get("inputs", "")).endswith(".npz"):
        given["inputs"] = str((folder / given["inputs"]).resolve())
    return Simulation(**given)


_KINDS: dict[str, Callable[[Any], Any]] = {
    "patterns": lambda value: Pattern.parse(_text("patterns", value)),
    "designs": lambda value: choice("designs", value, DESIGNS),
    "goals": lambda value: choice("goals", value, GOALS),
    "targets": lambda value: choice("targets", value, tuple(TARGETS)),
    "options": _options,
    "shapes": _shape,
}
"""What stands in the lists that are no parameter."""
