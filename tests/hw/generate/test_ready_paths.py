"""No ``ready`` of a generated design follows a ``valid`` within the cycle.

Where it did, two designs that wait for each other in the same way would make a loop. A ready may
follow another one: stages without a register for it, such as the compressor's, pass it on. The
accelerator's do not even that.
"""

import json
import os
import subprocess
import sys

import pytest
from amaranth.back import rtlil

from hw.config import Design, Pattern
from hw.generate.tops import make_top


SCRIPT = """
read_rtlil design.il
proc
memory -nomap
flatten
opt_clean
simplemap
opt_clean
write_json design.json
"""
PROGRAM = """
from pyosys import libyosys
libyosys.run_pass("tee -q script design.ys")
"""

SMALL = {"rows": 1, "columns": 1, "tile": 1, "max_k": 8, "batch_tokens": 1}
VARIANTS = {
    "selector": [{"selector": "radix", "stages": 2}, {"selector": "serial"}],
    "compressor": [{}, {"coefficients": 4, "shift": "channel"}, {"shift": "scalar"},
                   {"shift": "mean", "statistics": True, "coefficients": 2}, {"shift": "median"},
                   {"encoding": "rank"}, {"selector": "serial"},
                   {"flexible": "all", "unstructured": True}],
    "decompressor": [{}, {"encoding": "index"}, {"encoding": "rank"}],
    "array": [{}],
    "accelerator": [{}, {"coefficients": 4, "shift": "channel", "statistics": True},
                    {"shift": "mean", "coefficients": 2}, {"shift": "median", "statistics": True},
                    {"flexible": "all", "unstructured": True}, {"epilogue_lanes": 0},
                    {"selector": "serial"},
                    {"epilogue_lanes": 0, "columns": 4, "bus": "axi4", "bus_width": 64,
                     "decode": True}],
}
CASES = [(name, variant) for name, variants in VARIANTS.items() for variant in variants]


class Netlist:
    """The flattened gates of a component, and which inputs an output follows within the cycle."""

    def __init__(self, component, folder):
        (folder / "design.il").write_text(rtlil.convert(component, name="top", emit_src=False))
        (folder / "design.ys").write_text(SCRIPT)
        subprocess.run([sys.executable, "-c", PROGRAM], cwd=folder, check=True, timeout=300,
                       capture_output=True, env={**os.environ, "TMPDIR": str(folder)})
        top = json.loads((folder / "design.json").read_text())["modules"]["top"]
        self.ports = top["ports"]
        self._inputs = {bit: name for name, port in self.ports.items()
                        if port["direction"] == "input" for bit in port["bits"]}
        self._sources = {}
        for cell in top["cells"].values():
            if _holds_state(cell):
                continue
            pins = {way: [bit for pin, bits in cell["connections"].items()
                          if cell["port_directions"][pin] == way for bit in bits]
                    for way in ("input", "output")}
            self._sources |= dict.fromkeys(pins["output"], pins["input"])

    def inputs_of(self, output):
        """Names of the inputs that an output follows within the cycle."""
        seen, left = set(), list(self.ports[output]["bits"])
        while left:
            bit = left.pop()
            if bit not in seen:
                seen.add(bit)
                left += self._sources.get(bit, [])
        return {self._inputs[bit] for bit in seen if bit in self._inputs}

    def readies(self):
        """Names of the outputs that say that a stream is ready."""
        return [name for name, port in self.ports.items()
                if port["direction"] == "output" and name.endswith("ready")]


def _holds_state(cell):
    """Whether a cell is a flip-flop or a memory, which all have clocked reads."""
    return "ff" in cell["type"].lower() or cell["type"].startswith("$mem")


@pytest.mark.parametrize(("name", "parameters"), CASES, ids=lambda case: str(case))
def test_ready_follows_no_valid(name, parameters, tmp_path):
    shape = {"array": SMALL, "accelerator": SMALL, "compressor": {"max_k": 32}}.get(name, {})
    design = Design(Pattern(2, 4), **shape | parameters).only(name)
    netlist = Netlist(make_top(name, design), tmp_path)
    assert netlist.readies() or name == "array"
    for output in netlist.readies():
        follows = netlist.inputs_of(output)
        assert not {one for one in follows if one.endswith("valid")}, f"{output} follows {follows}"
        assert name != "accelerator" or "m_axis_result_tready" not in follows, output


def test_a_path_is_seen(tmp_path):
    """The compressor passes ready on, so that there is one to find."""
    netlist = Netlist(make_top("compressor", Design(Pattern(2, 4)).only("compressor")), tmp_path)
    assert "m_axis_tready" in netlist.inputs_of("s_axis_tready")
    assert "s_axis_tdata" not in netlist.inputs_of("m_axis_tdata")
