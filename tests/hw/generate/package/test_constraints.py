"""The constraints, as OpenSTA reads them."""

import re
import shutil
import subprocess

import pytest

from hw.config import Design, Pattern
from hw.generate.package import Packaging, package
from synth.flow import CELLS
from tests.hw.generate.package.shells import ACCELERATOR, manifest_of, shell


SCRIPT = """
read_liberty cells.lib
read_verilog shell.v
link_design {top}
puts BEGIN
read_sdc {top}.sdc
check_setup -verbose
report_clock_properties
puts END
report_checks -format end
exit
"""


def bits(manifest, direction):
    return [f"{port['name']}[{k}]" if port["width"] > 1 else port["name"]
            for port in manifest["ports"] if port["direction"] == direction
            and port["name"] != "clk" for k in range(port["width"])]


def opensta(folder, manifest, constraints):
    """What it says of a design that has a path from every input and to every output."""
    if not shutil.which("sta"):
        pytest.fail("OpenSTA must be installed: the Debian package opensta brings the program sta")
    top = manifest["top"]
    inputs, outputs = bits(manifest, "in"), bits(manifest, "out")
    if any(port["name"] == "clk" for port in manifest["ports"]):
        body = [f"DFF_X1 i{k} (.D({bit}), .C(clk));" for k, bit in enumerate(inputs)]
        body += [f"DFF_X1 o{k} (.D({inputs[0]}), .C(clk), .Q({bit}));"
                 for k, bit in enumerate(outputs)]
    else:
        body = [f"INV_X1 o{k} (.A({inputs[k % len(inputs)]}), .Y({bit}));"
                for k, bit in enumerate(outputs)]
    (folder / "shell.v").write_text(shell(manifest, body))
    (folder / f"{top}.sdc").write_text(constraints)
    shutil.copy(CELLS, folder / "cells.lib")
    (folder / "script.tcl").write_text(SCRIPT.format(top=top))
    shown = subprocess.run(["sta", "-exit", "script.tcl"], cwd=folder, capture_output=True,
                           text=True, timeout=100, check=True)
    return re.search(r"BEGIN\n(.*)END\n", shown.stdout + shown.stderr, re.S)[1]


COMBINATIONAL = Design(Pattern(2, 4))
CLOCKED = Design(Pattern(2, 4), selector="serial", reset="active_low")


@pytest.mark.parametrize(("name", "design", "period"), [
    ("accelerator", ACCELERATOR, 8), ("selector", CLOCKED, 2.5), ("selector", COMBINATIONAL, 3),
], ids=["accelerator", "clocked", "combinational"])
def test_every_port_is_constrained(name, design, period, tmp_path):
    manifest = manifest_of(name, design, "mine")
    text = package(manifest, Packaging(period))["mine.sdc"]
    said = opensta(tmp_path, manifest, text)
    assert re.fullmatch(rf"Clock +Period +Waveform\n-+\nclk +{period:.2f} .*\n", said), said
    assert not re.search("false_path|multicycle|clock_groups", text)
    # A port without its delay is seen.
    shorter = re.sub(r"set_output_delay.*?\]\n", "", text, flags=re.S)
    assert "unconstrained endpoint" in opensta(tmp_path, manifest, shorter)
