"""Buffers for nets that load their driver more than the library allows."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from synth.flow.gates import FIRST, Gate, Gates
from synth.library.liberty import Library
from synth.placement.place import Placement


__all__ = ["MODULE", "buffered"]


MODULE = "buffers"
"""Module that inserted buffers belong to."""


def buffered(gates: Gates, load: np.ndarray, placement: Placement, library: Library
             ) -> tuple[Gates, int]:
    """Insert buffers where a net loads its driver with more than its ``max_capacitance``.

    Sinks are parted by where they stand until each part is at most half of what a buffer may drive;
    its wires are the other half. Inputs count as driven by the library's smallest buffer, which is
    also what is inserted. Nets of clocks are left alone: a clock tree is another matter.

    Parameters
    ----------
    gates : Gates
        The design; it is not changed.
    load : ndarray
        Load of every net, wires included, in the library's unit.
    placement : Placement
        Where its gates stand.
    library : Library
        Limits of the cells, and the buffer.

    Returns
    -------
    tuple of Gates and int
        The design with buffers, and how many were inserted. Nets keep their numbers.
    """
    limit = library.buffer.limit.get(next(iter(library.buffer.functions)), np.inf)
    allowed, sinks = np.full(gates.size, limit), defaultdict(list)
    for k, gate in enumerate(gates.gates):
        cell = library.cells[gate.cell]
        for pin, net in gate.pins.items():
            if pin in cell.functions:
                allowed[net] = cell.limit.get(pin, np.inf)
            elif net >= FIRST:
                sinks[net].append((k, pin))
            if cell.state is not None and pin in cell.state.attributes.get("clocked_on", ""):
                allowed[net] = np.inf
    result = replace(gates, gates=[replace(gate, pins=dict(gate.pins)) for gate in gates.gates])
    source, target = library.buffer.inputs[0], next(iter(library.buffer.functions))
    for net in np.flatnonzero(load > allowed).tolist():
        parts = _parts(sinks[net], gates, placement, library, limit / 2)
        if len(parts) == 1 and len(parts[0]) == 1:
            continue  # a single far sink: one buffer more would drive the same wire
        for part in parts:
            output = result.new()
            for k, pin in part:
                result.gates[k].pins[pin] = output
            number = len(result.gates) - len(gates.gates)
            result.gates.append(Gate(f"{MODULE}.b{number}", library.buffer.name, MODULE,
                                     {source: net, target: output}))
    return result, len(result.gates) - len(gates.gates)


def _parts(sinks: list[tuple[int, str]], gates: Gates, placement: Placement, library: Library,
           most: float) -> list[list[tuple[int, str]]]:
    """Halve sinks along the longer side of their box until no part has more than ``most``."""
    total = sum(library.cells[gates.gates[k].cell].capacitance[pin] for k, pin in sinks)
    if total <= most or len(sinks) == 1:
        return [sinks]
    x, y = (np.array([where[k] for k, _ in sinks]) for where in (placement.x, placement.y))
    order = np.argsort(x if np.ptp(x) > np.ptp(y) else y, kind="stable")
    half = len(sinks) // 2
    return [part for members in (order[:half], order[half:])
            for part in _parts([sinks[k] for k in members], gates, placement, library, most)]
