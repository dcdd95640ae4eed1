"""What the store holds of a point, without generating or mapping anything."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from synth import energy
from synth.store import Store
from synth.sweep.point import Point
from synth.sweep.targets import TARGETS


__all__ = ["Entry", "entries", "missing", "no_energy", "recall"]


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
    address = TARGETS[point.target].address(point, text)
    keys = {"result": address}
    if point.wires:
        keys["wires"] = point.placed(address)
    if point.energy:
        keys["energy"] = point.simulated(address)
    for kind, key in keys.items():
        if (value := store.get(kind, key)) is not None:
            yield Entry(kind, key, value)


def recall(point: Point, store: Store) -> dict[str, Any]:
    """The same by part."""
    return {entry.kind: entry.value for entry in entries(point, store)}


def missing(point: Point, store: Store) -> list[str]:
    """Parts that a point asks for and the store does not hold."""
    wanted = ["result", *["wires"] * point.wires, *["energy"] * (point.energy is not None)]
    found = recall(point, store)
    return [part for part in wanted if part not in found]


def no_energy(point: Point, store: Store) -> str | None:
    """Why the energy of a point cannot be measured; None if it can."""
    if point.name not in energy.DESIGNS:
        return f"energy must be of {', '.join(energy.DESIGNS)}, not {point.name}"
    facts = point.cells.facts(store)
    if not facts["powered"]:
        return f"liberty must have power tables for energies, not none in {facts['name']}"
    return None
