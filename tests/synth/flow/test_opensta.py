"""The longest path against OpenSTA, a timing analyser of its own (Debian's ``opensta``)."""

import re
import shutil
import subprocess

import numpy as np
import pytest

from hw.config import Design, Pattern
from hw.generate import verilog
from synth.flow import CELLS, Flow
from synth.flow.gates import FIRST
from synth.flow.timing import Wires
from synth.library import liberty
from synth.placement.placed import timed


PERIOD = 0.001
"""So short that every path is late: its delay is the period less the slack."""

SCRIPT = """
read_liberty cells.lib
read_verilog design.v
link_design top
create_clock -period {period} [get_ports clk]
set_input_delay 0 -clock clk [all_inputs]
set_output_delay 0 -clock clk [all_outputs]
set_driving_cell -lib_cell {buffer} [all_inputs]
set_load {load} [all_outputs]
{wires}
report_checks -path_delay max -format full -digits 6
exit
"""


def net(number):
    return f"n{number}" if number >= FIRST else f"1'b{number}"


def netlist(gates):
    """The design as Verilog without hierarchy; bits of ports are ports."""
    ends = [(way, port, k, number) for way, group in (("input", gates.inputs),
                                                      ("output", gates.outputs))
            for port, bits in group.items() for k, number in enumerate(bits)]
    names = ["clk" if port == "clk" else f"{port}_{k}" for _, port, k, _ in ends]
    lines = [f"module top ({', '.join(names)});"]
    for name, (way, _, _, number) in zip(names, ends, strict=True):
        sides = (net(number), name) if way == "input" else (name, net(number))
        lines += [f"{way} {name};", f"assign {sides[0]} = {sides[1]};"]
    lines += [f"wire n{number};" for number in range(FIRST, gates.size)]
    for k, gate in enumerate(gates.gates):
        pins = ", ".join(f".{pin}({net(number)})" for pin, number in gate.pins.items())
        lines.append(f"{gate.cell} g{k} ({pins});")
    return "\n".join([*lines, "endmodule", ""])


HEAD = """*SPEF "IEEE 1481-1998"
*DESIGN "top"
*DATE "none"
*VENDOR "none"
*PROGRAM "none"
*VERSION "1"
*DESIGN_FLOW "none"
*DIVIDER /
*DELIMITER :
*BUS_DELIMITER [ ]
*T_UNIT 1 NS
*C_UNIT 1 FF
*R_UNIT 1 OHM
*L_UNIT 1 HENRY
"""


def spef(gates, load, library):
    """The load of every wire at the pin that drives it, and next to no resistance from there."""
    drivers, sinks = {}, {}
    for k, gate in enumerate(gates.gates):
        for pin, number in gate.pins.items():
            if pin in library.cells[gate.cell].functions:
                drivers[number] = f"g{k}:{pin}"
            else:
                sinks.setdefault(number, []).append(f"g{k}:{pin}")
    lines = []
    for number, driver in drivers.items():
        reached = sinks.get(number, [])
        lines += [f"*D_NET n{number} {load[number]:.6f}", "*CONN", f"*I {driver} O",
                  *(f"*I {pin} I" for pin in reached), "*CAP", f"1 {driver} {load[number]:.6f}",
                  "*RES", *(f"{k} {driver} {pin} 0.001" for k, pin in enumerate(reached, 1)),
                  "*END"]
    return HEAD + "\n".join([*lines, ""])


def opensta(folder, gates, flow, load=None):
    """The longest path as OpenSTA finds it, in the library's unit of time."""
    if not shutil.which("sta"):
        pytest.fail("OpenSTA must be installed: the Debian package opensta brings the program sta")
    # Wires are given or left out, not guessed from the area.
    lines = [line for line in CELLS.read_text().splitlines() if "default_wire_load" not in line]
    (folder / "cells.lib").write_text("\n".join(lines))
    (folder / "design.v").write_text(netlist(gates))
    if load is not None:
        (folder / "wires.spef").write_text(spef(gates, load, flow.library))
    (folder / "script.tcl").write_text(SCRIPT.format(
        period=PERIOD, buffer=flow.library.buffer.name, load=flow.port_load,
        wires="" if load is None else "read_spef wires.spef"))
    shown = subprocess.run(["sta", "-exit", "script.tcl"], cwd=folder, capture_output=True,
                           text=True, timeout=300, check=True).stdout
    slack = re.search(r"^\s*(-?[\d.]+)\s+slack", shown, re.M)
    assert slack, shown
    return PERIOD - float(slack[1])


@pytest.mark.long
@pytest.mark.parametrize("name", ["pe", "compressor"])
def test_longest_path_is_that_of_opensta(tmp_path, name):
    flow = Flow(liberty.read(CELLS), workers=2)
    gates = flow.gates(verilog(name, Design(Pattern(8, 16))), f"nm_{name}")
    found = timed(gates, flow).longest().delay
    assert found == pytest.approx(opensta(tmp_path, gates, flow), rel=1e-4)
    # Wires as loads: what they resist is Elmore's delay here, and another model there.
    load = np.random.default_rng(1).uniform(0, 9, gates.size)
    load[[net for bits in gates.inputs.values() for net in bits]] = 0  # no gate drives them
    wired = timed(gates, flow, Wires(load, np.zeros(gates.size))).longest().delay
    assert wired == pytest.approx(opensta(tmp_path, gates, flow, load), rel=1e-4)
    assert wired > 1.5 * found
