"""The constraints, as OpenSTA reads them."""

import json
import re
import shutil
import subprocess

import pytest

from hw.config import Design, Pattern
from hw.generate import generate
from hw.generate.package import Packaging
from synth.flow import CELLS
from tests.hw.generate.package.shells import shell


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


def opensta(folder, top, constraints):
    """What it says of a design that has a path from every input and to every output."""
    if not shutil.which("sta"):
        pytest.fail("OpenSTA must be installed: the Debian package opensta brings the program sta")
    manifest = json.loads((folder / f"{top}.json").read_text())
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


@pytest.mark.parametrize(("top", "period"), [("mine", "8.00"), ("other", "2.50"),
                                             ("nm_selector", "3.00")])
def test_every_port_is_constrained(project, top, period, tmp_path):
    if top == "nm_selector":  # combinational
        generate("selector", Design(Pattern(2, 4)), tmp_path, packaging=Packaging(3.0))
    else:
        for end in (".json", ".sdc"):
            shutil.copy(project / f"{top}{end}", tmp_path)
    text = (tmp_path / f"{top}.sdc").read_text()
    said = opensta(tmp_path, top, text)
    assert re.fullmatch(rf"Clock +Period +Waveform\n-+\nclk +{period} .*\n", said), said
    assert not re.search("false_path|multicycle|clock_groups", text)
    # A port without its delay is seen.
    shorter = re.sub(r"set_output_delay.*?\]\n", "", text, flags=re.S)
    assert "unconstrained endpoint" in opensta(tmp_path, top, shorter)
