"""The LiteX module: a system with it, elaborated by LiteX and read by Verilator."""

import json
import re
import subprocess
import sys

from tests.hw.generate.package.shells import with_memory, write


SYSTEM = """
import sys
sys.path.insert(0, sys.argv[1])
from litex.build.generic_platform import Pins
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration.soc import SoCRegion
from litex.soc.integration.soc_core import SoCMini
from litex.soc.interconnect import wishbone
from bus_litex import Bus
from mine_litex import Mine
from other_litex import Other

class System(SoCMini):
    def __init__(self, platform):
        SoCMini.__init__(self, platform, clk_freq=int(1e6))
        self.crg = CRG(platform.request("sys_clk"))
        self.mine = Mine(platform)
        self.bus.add_slave("mine", self.mine.s_axil, SoCRegion(
            origin=0x30000000, size=0x1000, cached=False))
        self.bus.add_master("host", wishbone.Interface())
        self.memory = Bus(platform)
        self.bus.add_slave("memory", self.memory.s_axil, SoCRegion(
            origin=0x30001000, size=0x1000, cached=False))
        self.bus.add_master("memory", self.memory.m_axi)
        self.other = Other(platform)
        self.comb += self.other.m_axis.ready.eq(1)

platform = SimPlatform("SIM", [("sys_clk", 0, Pins(1))])
system = System(platform)
system.finalize()
print(platform.get_verilog(system))
print("SOURCES", *(source[0] for source in platform.sources))
"""


def system(folder, environment):
    """Verilog of the system, and what Verilator has against its connections to the designs."""
    done = subprocess.run([sys.executable, "-c", SYSTEM, folder], cwd=folder, check=True,
                          capture_output=True, text=True)
    text, _, sources = done.stdout.rpartition("SOURCES ")
    (folder / "system.v").write_text(text[text.index("`timescale"):])
    linted = subprocess.run(
        ["verilator_bin", "--lint-only", "-Wno-fatal", "--top-module", "top",
         "--timescale", "1ns/1ps", "system.v", *sources.split()],
        cwd=folder, env=environment, capture_output=True, text=True, check=False)
    return text, [line for line in linted.stderr.splitlines()
                  if re.search("%Error|%Warning-PIN|port connection", line)]


def test_a_system_with_registers_streams_and_a_master(project, tmp_path, verilator):
    manifests = [with_memory(), *(json.loads((project / name).read_text())
                                  for name in ("mine.json", "other.json"))]
    for manifest in manifests:
        write(manifest, tmp_path)
    text, said = system(tmp_path, verilator)
    assert said == []
    for manifest in manifests:
        connections = re.search(rf"^{manifest['top']} \w+\((.*?)^\);", text, re.M | re.S)[1]
        assert set(re.findall(r"\.(\w+) +\([^)]", connections)) == {
            port["name"] for port in manifest["ports"]}
