"""Unknown values: what a design says after reset, when nothing else was ever set."""

import json
import re

import pytest

from hw.config import RESETS, Design, Pattern
from hw.generate import generate
from synth.flow import yosys


DESIGN = {"rows": 1, "columns": 1, "tile": 1, "max_k": 4, "batch_tokens": 1}


@pytest.mark.parametrize(("name", "bus", "reset"), [
    *((name, "stream", reset) for name in ("compressor", "accelerator") for reset in RESETS),
    ("accelerator", "axi4", "active_low")])
def test_reset_alone_makes_every_handshake_known(name, bus, reset, tmp_path):
    """Yosys simulates with unknown flip-flops, memories and data: X before reset, not after."""
    design = Design(Pattern(1, 2), reset=reset, bus=bus,
                    **(DESIGN if name == "accelerator" else {"statistics": True, "max_k": 4}))
    generate(name, design, tmp_path, module="dut")
    ports = json.loads((tmp_path / "dut.json").read_text())["ports"]
    outputs = [port["name"] for port in ports if port["direction"] == "out"
               and re.search(r"valid$|ready$|irq$", port["name"])]
    (tmp_path / "tb.v").write_text(bench(ports, outputs))
    yosys.run(["read_verilog dut.v tb.v", "hierarchy -check -top tb", "proc", "flatten",
               "memory_collect", "opt", "opt_clean -purge",
               "sim -q -clock clk -reset rst -rstlen 2 -n 6 -vcd out.vcd"], tmp_path, timeout=200)
    first, last = values((tmp_path / "out.vcd").read_text(), outputs)
    assert "x" in first.values()
    assert set(last.values()) <= {"0", "1"}, last


def bench(ports, outputs):
    """A module around the design: inputs are unknown, nothing is offered or taken."""
    wires = {"clk": "clk", "rst": "rst", "rst_n": "~rst"} | {name: name for name in outputs}
    for port in ports:
        if port["direction"] == "in":
            bit = "0" if re.search("valid$|ready$", port["name"]) else "x"
            wires.setdefault(port["name"], f"{{{port['width']}{{1'b{bit}}}}}")
    named = {port["name"] for port in ports}
    connected = ", ".join(f".{name}({wire})" for name, wire in wires.items() if name in named)
    return (f"module tb(input clk, input rst, {', '.join(f'output {name}' for name in outputs)});"
            f"\n  dut dut({connected});\nendmodule\n")


def values(text, names):
    """Values of one-bit signals of the top at the beginning and at the end of a VCD."""
    declared, _, changes = text.partition("$enddefinitions")
    signs = {name: sign for sign, name in reversed(
        re.findall(r"\$var \w+ 1 (\S+) (\S+) \$end", declared))}
    found = {name: re.findall(rf"^b([01x]) {re.escape(signs[name])}$", changes, re.M)
             for name in names}
    return tuple({name: seen[place] for name, seen in found.items()} for place in (0, -1))
