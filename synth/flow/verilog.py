"""A mapped design as Verilog: what its cells do, by the functions that the library gives them.

Every module keeps its name and its ports. A gate is an assignment of its function, a flip-flop a
register without an initial value, so that nothing but the netlist and the library says what the
design does. Delays are none.
"""

from collections.abc import Mapping

from hw.generate.names import check_name
from synth.flow.gates import HIGH, LOW, Modules
from synth.flow.registers import clock_of, next_state
from synth.library.function import expression
from synth.library.liberty import Cell


__all__ = ["netlist"]


_CONSTANTS = {"0": LOW, "1": HIGH}

Bit = int | str
"""A net as Yosys writes it: its number, or the value of a constant."""


def netlist(modules: Modules, cells: Mapping[str, Cell]) -> str:
    """Verilog-2005 of mapped modules.

    Parameters
    ----------
    modules : mapping
        For the name of every module the module as Yosys writes it in JSON, and what its children
        are called.
    cells : mapping of str to Cell
        Cells of the library.

    Raises
    ------
    ValueError
        If a module holds a latch, or a flip-flop that anything but a rising edge changes.
    """
    return "\n".join(_Writer(module, aliases, cells).text(name)
                     for name, (module, aliases) in modules.items())


class _Writer:
    """Writes one module."""

    def __init__(self, module: dict, aliases: Mapping[str, str], cells: Mapping[str, Cell]):
        self.module, self.aliases, self.cells = module, aliases, cells
        self.ports = module["ports"]
        self.inputs = {bit: f"{_name(called)}[{k}]" if len(port["bits"]) > 1 else _name(called)
                       for called, port in self.ports.items() if port["direction"] == "input"
                       for k, bit in enumerate(port["bits"])}

    def text(self, name: str) -> str:
        registers, statements = set(), []
        for called, cell in self.module["cells"].items():
            pins = cell["connections"]
            if (kind := cell["type"]) not in self.cells:
                statements.append(self._instance(called, kind, pins))
                continue
            for output in self.cells[kind].functions:
                if pins.get(output):
                    statements.append(self._gate(self.cells[kind], output, pins))
                    registers |= {pins[output][0]} if self.cells[kind].sequential else set()
        return "\n".join([
            f"module {_name(name)}({', '.join(map(_name, self.ports))});",
            *(f"  {port['direction']} {_range(port['bits'])}{_name(called)};"
              for called, port in self.ports.items()),
            *(f"  {'reg' if net in registers else 'wire'} {self._net(net)};"
              for net in sorted(self._nets())),
            *statements,
            *(f"  assign {_name(called)} = {self._joined(port['bits'])};"
              for called, port in self.ports.items() if port["direction"] == "output"),
            "endmodule", ""])

    def _nets(self) -> set[int]:
        """Nets that are no inputs."""
        ends = [*(port["bits"] for port in self.ports.values()),
                *(bits for cell in self.module["cells"].values()
                  for bits in cell["connections"].values())]
        return {bit for bits in ends for bit in bits
                if isinstance(bit, int) and bit not in self.inputs}

    def _instance(self, called: str, kind: str, pins: Mapping[str, list[Bit]]) -> str:
        ends = ", ".join(f".{_name(port)}({self._joined(bits)})" for port, bits in pins.items())
        return f"  {_name(self.aliases[kind])} {_name(called)}({ends});"

    def _gate(self, cell: Cell, output: str, pins: Mapping[str, list[Bit]]) -> str:
        # What a flip-flop takes over may depend on what it holds.
        read = (*cell.inputs, *[output] * cell.sequential)
        names = {pin: self._net(pins[pin][0]) for pin in read if pins.get(pin)}
        out = self._net(pins[output][0])
        if not cell.sequential:
            return f"  assign {out} = {expression(next_state(cell, output), names)};"
        clock = clock_of(cell, {pin: _number(bits[0]) for pin, bits in pins.items() if bits})
        following = expression(next_state(cell, output), names)
        return f"  always @(posedge {names[clock]}) {out} <= {following};"

    def _net(self, bit: Bit) -> str:
        if isinstance(bit, str):
            return f"1'b{bit}"
        return self.inputs.get(bit, f"_{bit}_")

    def _joined(self, bits: list[Bit]) -> str:
        nets = ", ".join(map(self._net, reversed(bits)))
        return f"{{{nets}}}" if len(bits) > 1 else nets


def _number(bit: Bit) -> int:
    """Net of a bit as :mod:`synth.flow.gates` counts them; what is unknown is low there."""
    return bit if isinstance(bit, int) else _CONSTANTS.get(bit, LOW)


def _range(bits: list[Bit]) -> str:
    return f"[{len(bits) - 1}:0] " if len(bits) > 1 else ""


def _name(name: str) -> str:
    """A name as Verilog takes it, escaped where it must be."""
    try:
        return check_name(name)
    except ValueError:
        return f"\\{name} "
