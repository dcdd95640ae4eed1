"""A mapped design as one list of gates, its modules dissolved: what is placed and simulated."""

from collections.abc import Mapping
from dataclasses import dataclass, field


__all__ = ["FIRST", "HIGH", "LOW", "Gate", "Gates", "Modules", "dissolve"]


LOW, HIGH, FIRST = 0, 1, 2
"""Nets of the constants, and the first other one."""

Bits = dict[str, list[int]]


@dataclass
class Gate:
    """An instance of a cell.

    Attributes
    ----------
    name : str
        Its path in the design.
    cell : str
        Its cell in the library.
    module : str
        The module that it stands in.
    pins : dict
        Net of every pin that is connected.
    around : tuple of str
        Modules around that one, from the top module on.
    """

    name: str
    cell: str
    module: str
    pins: dict[str, int]
    around: tuple[str, ...] = ()


@dataclass
class Gates:
    """All gates of a design.

    Attributes
    ----------
    gates : list of Gate
    inputs, outputs : dict
        Nets of the design's ports, lowest bit first, and of those of modules that are no gates
        (memories): what such a module drives is an input, called by its path.
    names : dict
        Name of every net that has one, the highest in the hierarchy.
    outside : dict
        Module of every path of a module that is no gates.
    size : int
        Nets are below it; :data:`LOW` and :data:`HIGH` are constants.
    """

    gates: list[Gate] = field(default_factory=list)
    inputs: Bits = field(default_factory=dict)
    outputs: Bits = field(default_factory=dict)
    names: dict[int, str] = field(default_factory=dict)
    size: int = FIRST
    outside: dict[str, str] = field(default_factory=dict)

    def new(self) -> int:
        """Return the number of a further net."""
        self.size += 1
        return self.size - 1

    def module(self) -> dict:
        """As one module in the form in which Yosys writes JSON."""
        ports = {port: {"direction": direction, "bits": _yosys(nets)}
                 for direction, group in (("input", self.inputs), ("output", self.outputs))
                 for port, nets in group.items()}
        cells = {gate.name: {"type": gate.cell,
                             "connections": {pin: _yosys([net]) for pin, net in gate.pins.items()}}
                 for gate in self.gates}
        names = {self.names.get(net, f"${net}"): {"bits": [net], "hide_name": net not in self.names}
                 for net in range(FIRST, self.size)}
        return {"ports": ports, "cells": cells, "netnames": names}


def _yosys(nets: list[int]) -> list[int | str]:
    return [net if net >= FIRST else str(net) for net in nets]


Modules = Mapping[str, tuple[dict, Mapping[str, str]]]
"""For the name of every module: the module as Yosys writes it, and what its children are called."""


class _Nets:
    """Numbers of nets, some of which turn out to be the same one."""

    def __init__(self) -> None:
        self.parent = [LOW, HIGH]

    def new(self) -> int:
        self.parent.append(len(self.parent))
        return len(self.parent) - 1

    def root(self, net: int) -> int:
        while self.parent[net] != net:
            self.parent[net] = net = self.parent[self.parent[net]]
        return net

    def join(self, one: int, other: int) -> None:
        """Make two nets one; a constant stays what it is."""
        low, high = sorted((self.root(one), self.root(other)))
        self.parent[high] = low


def dissolve(top: str, modules: Modules, cells: Mapping[str, object]) -> Gates:
    """Put the gates of all instances of all modules into one list.

    Parameters
    ----------
    top : str
        Name of the top module.
    modules : mapping
        Every module but those that are left outside, as memories are.
    cells : mapping
        Cells of the library.
    """
    nets, found = _Nets(), Gates()

    def place(path: str, name: str, ports: Bits, around: tuple[str, ...]) -> None:
        module, aliases = modules[name]
        known: dict[int | str, int] = {"0": LOW, "1": HIGH, "x": LOW, "z": LOW}
        for port, inner in module["ports"].items():
            for bit, net in zip(inner["bits"], ports.get(port, []), strict=False):
                nets.join(known.setdefault(bit, net), net)
        for instance, cell in module["cells"].items():
            pins = {pin: [known[bit] if bit in known else known.setdefault(bit, nets.new())
                          for bit in bits] for pin, bits in cell["connections"].items()}
            kind, inside = cell["type"], f"{path}{instance}"
            if kind in cells:
                found.gates.append(Gate(
                    inside, kind, name, {pin: bits[0] for pin, bits in pins.items() if bits},
                    around))
            elif aliases[kind] in modules:
                place(f"{inside}.", aliases[kind], pins, (*around, name))
            else:
                found.outside[inside] = aliases[kind]
                for port, bits in pins.items():
                    ends = (found.inputs if cell["port_directions"][port] == "output"
                            else found.outputs)
                    ends[f"{inside}.{port}"] = bits
        for net, kept in module["netnames"].items():
            if not kept.get("hide_name"):
                for k, bit in enumerate(kept["bits"]):
                    if bit in known:
                        index = f"[{k}]" if len(kept["bits"]) > 1 else ""
                        found.names.setdefault(known[bit], f"{path}{net}{index}")

    ports = {name: [nets.new() for _ in port["bits"]]
             for name, port in modules[top][0]["ports"].items()}
    for name, port in modules[top][0]["ports"].items():
        ends = found.inputs if port["direction"] == "input" else found.outputs
        ends[name] = ports[name]
    place("", top, ports, ())
    return _renumbered(found, nets)


def _renumbered(found: Gates, nets: _Nets) -> Gates:
    """Number nets from :data:`FIRST` on without gaps, in the order in which they are found."""
    numbers = {LOW: LOW, HIGH: HIGH}

    def number(net: int) -> int:
        root = nets.root(net)
        if root not in numbers:
            numbers[root] = found.new()
        return numbers[root]

    for ends in (found.inputs, found.outputs):
        for port, bits in ends.items():
            ends[port] = [number(bit) for bit in bits]
    for gate in found.gates:
        gate.pins = {pin: number(net) for pin, net in gate.pins.items()}
    named: dict[int, str] = {}
    for net, name in sorted(found.names.items(), key=lambda item: item[1].count(".")):
        if nets.root(net) in numbers and number(net) >= FIRST:
            named.setdefault(number(net), name)
    found.names = named
    return found
