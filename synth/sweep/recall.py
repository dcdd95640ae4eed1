"""What the store holds of a point, without generating or mapping anything."""

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from synth import energy
from synth.store import Store, digest
from synth.sweep.point import Point
from synth.sweep.targets import TARGETS


__all__ = ["Entry", "address", "entries", "missing", "no_energy", "recall"]


class Entry(NamedTuple):
    """An entry of the store; its kind is the name of the part."""

    kind: str
    key: str
    value: Any


def entries(point: Point, store: Store) -> Iterator[Entry]:
    """Netlist, result, wires and energy of a point: those that there are and that it asks for."""
    text = store.get("netlist", point.netlist)
    if text is None:
        return
    yield Entry("netlist", point.netlist, text)
    result = TARGETS[point.target].address(point, text)
    keys = {"result": result}
    if point.wires:
        keys["wires"] = point.placed(result)
    if point.energy:
        keys["energy"] = point.simulated(result)
    for kind, key in keys.items():
        if (value := store.get(kind, key)) is not None:
            yield Entry(kind, key, value)


def recall(point: Point, store: Store) -> dict[str, Any]:
    """The same by part, without the netlist."""
    return {entry.kind: entry.value for entry in entries(point, store) if entry.kind != "netlist"}


def missing(point: Point, parts: Collection[str]) -> list[str]:
    """Parts that a point asks for and that are not among ``parts``."""
    wanted = ["result", *["wires"] * (point.wires > 0), *["energy"] * (point.energy is not None)]
    return [part for part in wanted if part not in parts]


def address(point: Point) -> str:
    """Digest of everything that the parts of a point depend on."""
    base = TARGETS[point.target].address(point, point.netlist)
    return digest(base, point.wires and point.placed(base),
                  point.energy and point.simulated(base))


def no_energy(point: Point, store: Store) -> str | None:
    """Why the energy of a point cannot be measured; None if it can."""
    if point.name not in energy.DESIGNS:
        return f"energy must be of {', '.join(energy.DESIGNS)}, not {point.name}"
    if point.cells is None:
        return f"energy must be of a target of cells, not {point.target}"
    facts = point.cells.facts(store)
    if not facts["powered"]:
        return f"liberty must have power tables for energies, not none in {facts['name']}"
    return None
