"""A mapped design as one flat graph: its modules gathered into arrays, instance by instance.

Nets are numbers; number 0 stands for constants. A node is an edge of a net, ``2 * net + edge``.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from synth.library.tables import Tables


__all__ = ["Flat", "Netlist", "Parts"]


Bits = dict[str, list[int]]


@dataclass(frozen=True)
class Child:
    """An instance in a module: its name, its module's name, its ports and their directions."""

    name: str
    alias: str
    ports: Bits
    directions: dict[str, str]


class Netlist:
    """A mapped module, its arcs gathered into arrays once.

    Parameters
    ----------
    module : dict
        The module as Yosys writes it to JSON.
    tables : Tables
        Delay tables of the library.
    """

    def __init__(self, module: dict, tables: Tables):
        self.ports: Bits = {name: _nets(port["bits"]) for name, port in module["ports"].items()}
        self.directions = {name: port["direction"] for name, port in module["ports"].items()}
        self.names = {bit: name + (f"[{k}]" if len(net["bits"]) > 1 else "")
                      for name, net in module["netnames"].items() if not net.get("hide_name")
                      for k, bit in enumerate(_nets(net["bits"]))}
        self.children, loads, arcs, launch, setup, clocks = [], [], [], [], [], []
        for name, cell in module["cells"].items():
            pins = {pin: _nets(bits) for pin, bits in cell["connections"].items()}
            kind = cell["type"]
            if kind not in tables.library.cells:
                self.children.append(Child(name, kind, pins, cell["port_directions"]))
                continue
            nets = {pin: bits[0] for pin, bits in pins.items()}
            timing, facts = tables.cell(kind), tables.library.cells[kind]
            output = next((nets[pin] for pin in facts.functions if pin in nets), 0)
            loads += [(nets[pin], facts.capacitance[pin]) for pin in facts.inputs if pin in nets]
            arcs += [(2 * nets[arc.source] + arc.source_edge, 2 * nets[arc.target]
                      + arc.target_edge, arc.delay, arc.slew) for arc in timing.logic
                     if nets.get(arc.source) and nets.get(arc.target)]
            launch += [(2 * nets[arc.target] + arc.target_edge, arc.delay, arc.slew)
                       for arc in timing.launch if nets.get(arc.target)]
            clocks += [(nets[arc.source],) for arc in timing.launch if nets.get(arc.source)]
            setup += [(2 * nets[pin] + edge, table, output)
                      for pin, edge, table in timing.setup if nets.get(pin)]
        self.arcs = np.array(arcs, int).reshape(-1, 4)
        self.launch = np.array(launch, int).reshape(-1, 3)
        self.setup = np.array(setup, int).reshape(-1, 3)
        self.clocks = np.array(clocks, int).reshape(-1, 1)
        self.loads = np.array(loads).reshape(-1, 2)
        self.size = 1 + max(
            (bit for item in (*module["ports"].values(), *module["netnames"].values())
             for bit in _nets(item["bits"])), default=0)


def _nets(bits: list[int | str]) -> list[int]:
    """Numbers of nets; constants are net 0."""
    return [bit if isinstance(bit, int) else 0 for bit in bits]


Parts = Mapping[str, tuple[Netlist, Mapping[str, str]]]
"""For the name of every module: the module, and what names its children have in this design."""


class Flat:
    """All instances of a design side by side, with numbers of nets of their own."""

    def __init__(self, top: str, parts: Parts):
        self.parts = parts
        self.count = 1
        self.placed: list[tuple[str, Netlist, np.ndarray]] = []
        self.inputs: dict[int, str] = {}
        self.outputs: dict[int, str] = {}
        self.merged: dict[int, int] = {}
        netlist = parts[top][0]
        ports = {name: self._new(len(bits)) for name, bits in netlist.ports.items()}
        self._outside("", ports, netlist.directions, inside_drives="output")
        self._place("", top, ports)
        root = np.arange(self.count)
        for net in self.merged:
            root[net] = self._root(net)
        self.placed = [(path, part, root[nets]) for path, part, nets in self.placed]
        self.inputs = {int(root[net]): name for net, name in self.inputs.items()}
        self.outputs = {int(root[net]): name for net, name in self.outputs.items()}

    def _new(self, count: int) -> list[int]:
        self.count += count
        return list(range(self.count - count, self.count))

    def _root(self, net: int) -> int:
        while net in self.merged:
            net = self.merged[net]
        return net

    def _outside(self, path: str, ports: Bits, directions: Mapping[str, str],
                 inside_drives: str) -> None:
        """Note nets that leave what is analysed, and nets that come from there."""
        for name, nets in ports.items():
            ends = self.outputs if directions[name] == inside_drives else self.inputs
            ends.update({net: f"{path}{name}" for net in nets if net})

    def _place(self, path: str, module: str, ports: Bits) -> None:
        netlist, names = self.parts[module]
        nets = np.zeros(netlist.size, int)
        for name, bits in netlist.ports.items():
            for bit, net in zip(bits, ports.get(name, []), strict=False):
                # One net of the module at two of its ports: what is outside becomes one net, too.
                if bit and nets[bit] and net and self._root(nets[bit]) != self._root(net):
                    self.merged[self._root(net)] = self._root(int(nets[bit]))
                elif bit and not nets[bit]:
                    nets[bit] = net
        nets[1:][nets[1:] == 0] = self._new(int((nets[1:] == 0).sum()))
        self.placed.append((path, netlist, nets))
        for child in netlist.children:
            inner = {name: [int(nets[bit]) for bit in bits] for name, bits in child.ports.items()}
            if names[child.alias] in self.parts:
                self._place(f"{path}{child.name}.", names[child.alias], inner)
            else:
                self._outside(f"{path}{child.name}.", inner, child.directions,
                              inside_drives="input")

    def gather(self, name: str, *columns: int) -> np.ndarray:
        """One array of all modules together; ``columns`` hold nodes, -1 a net in the last one."""
        parts = []
        for _, netlist, nets in self.placed:
            part = getattr(netlist, name).copy()
            for column in columns:
                local = part[:, column].astype(int)
                part[:, column] = (nets[local] if column < 0 or name == "loads"
                                   else 2 * nets[local // 2] + local % 2)
            parts.append(part)
        return np.concatenate(parts)

    def name(self, net: int) -> str:
        """The highest name of a net."""
        for path, netlist, nets in self.placed:
            for bit in np.flatnonzero(nets == net):
                if int(bit) in netlist.names:
                    return f"{path}{netlist.names[int(bit)]}"
        return "a net without a name"
