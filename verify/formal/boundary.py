"""A module between its registers, as logic without a clock that ABC reads.

What a module is given are its inputs, what its flip-flops hold and what the modules in it drive;
what it gives are its outputs, what the flip-flops take over at the next edge and what the modules
in it are driven with. Two modules are the same where all that they give is, for all that they are
given.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product

from synth.flow.registers import next_state
from synth.library.function import compile_function
from synth.library.liberty import Cell, Library


__all__ = ["PRIMITIVES", "Bit", "Boundary"]


PRIMITIVES = Library("""library (primitives) {
  cell ("$_AND_") { pin (A) { direction : input; } pin (B) { direction : input; }
    pin (Y) { direction : output; function : "A B"; } }
  cell ("$_NOT_") { pin (A) { direction : input; }
    pin (Y) { direction : output; function : "!A"; } }
  cell ("$_DFF_P_") { ff (IQ, IQN) { clocked_on : "C"; next_state : "D"; }
    pin (C) { direction : input; } pin (D) { direction : input; }
    pin (Q) { direction : output; function : "IQ"; } }
}""").cells
"""Cells of RTL that Yosys has taken apart, as a library has them."""

Bit = int | str
"""A net as Yosys writes it: its number, or the value of a constant."""


class Boundary:
    """A module in the form in which Yosys writes JSON, taken apart at its registers.

    Parameters
    ----------
    module : dict
        The module.
    cells : mapping of str to Cell
        Its library; what is not in it is a module inside.

    Attributes
    ----------
    given, gives : dict of str to (int or str)
        Nets by the name of what they carry, flip-flops apart.
    states : dict of int to str
        Nets of flip-flops, and what the net is called that each takes over.
    """

    def __init__(self, module: dict, cells: Mapping[str, Cell]):
        self.module, self.cells = module, cells
        self.given: dict[str, Bit] = {}
        self.gives: dict[str, Bit] = {}
        self.states: dict[Bit, Bit] = {}
        for name, port in module["ports"].items():
            ends = self.given if port["direction"] == "input" else self.gives
            ends.update(_bits(name, port["bits"]))
        for name, cell in module["cells"].items():
            if cell["type"] not in cells:
                for port, bits in cell["connections"].items():
                    drives = cell["port_directions"][port] == "output"
                    (self.given if drives else self.gives).update(_bits(f"{name}:{port}", bits))
            elif cells[cell["type"]].sequential:
                for output in cells[cell["type"]].functions:
                    nets = cell["connections"].get(output, [])
                    self.states |= {net: f"next{net}" for net in nets}

    def names(self) -> dict[str, Bit]:
        """Net of every bit of every wire that has a name."""
        return {bit: net for name, wire in self.module["netnames"].items()
                if not wire["hide_name"] for bit, net in _bits(name, wire["bits"]).items()}

    def nodes(self) -> Iterator[tuple[Bit, tuple[Bit, ...], Callable[..., int]]]:
        """Every net that a gate drives, or a flip-flop takes over: of which nets, and how."""
        for instance in self.module["cells"].values():
            if (cell := self.cells.get(instance["type"])) is None:
                continue
            pins = {pin: bits[0] for pin, bits in instance["connections"].items() if bits}
            for output in (pin for pin in cell.functions if pin in pins):
                # What a flip-flop takes over may depend on what it holds.
                read = tuple(pin for pin in (*cell.inputs, *[output] * cell.sequential)
                             if pin in pins)
                net = self.states[pins[output]] if cell.sequential else pins[output]
                yield (net, tuple(pins[pin] for pin in read),
                       _function(next_state(cell, output), read))

    def blif(self, given: Mapping[str, Sequence[Bit]], gives: Mapping[str, Bit],
             fixed: Mapping[Bit, Bit]) -> str:
        """The logic from what is given, each to some nets, to what it gives.

        Nets that are fixed are constants.
        """
        lines = [".model module", ".inputs " + " ".join(map(_plain, given)),
                 ".outputs " + " ".join(map(_plain, gives)),
                 ".names n0", ".names n1", "1", ".names nx", ".names nz"]
        for name, nets in given.items():
            for net in nets:
                lines += [f".names {_plain(name)} n{net}", "1 1"]
        for net, constant in fixed.items():
            lines += [f".names n{constant} n{net}", "1 1"]
        for net, read, function in self.nodes():
            lines.append(f".names {' '.join(f'n{pin}' for pin in read)} n{net}")
            lines += [f"{''.join(map(str, values))} 1"
                      for values in product((0, 1), repeat=len(read)) if function(*values) & 1]
        for name, net in gives.items():
            lines += [f".names n{net} {_plain(name)}", "1 1"]
        return "\n".join([*lines, ".end", ""])


@cache
def _function(text: str, inputs: tuple[str, ...]) -> Callable[..., int]:
    return compile_function(text, inputs)


def _bits(name: str, bits: list[Bit]) -> dict[str, Bit]:
    return {f"{name}:{k}": bit for k, bit in enumerate(bits)}


def _plain(name: str) -> str:
    """A name without what ABC takes for something else."""
    return "p_" + "".join(sign if sign.isalnum() or sign in "_.:" else f"<{ord(sign)}>"
                          for sign in name)
