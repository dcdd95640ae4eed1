"""A core, an accelerator and their memory as a fast Python object."""

import ctypes

from hw.config import Design
from sim.core.firmware import BASE
from sim.core.tools import core_source
from sim.simulators.runner import simulated
from sim.verilated.bus import BusAccelerator


__all__ = ["CoreSystem", "system_verilog"]


WISHBONE = {"CYC": "output", "STB": "output", "WE": "output", "ADR": "output [29:0]",
            "DAT_MOSI": "output [31:0]", "SEL": "output [3:0]", "ACK": "input", "ERR": "input",
            "DAT_MISO": "input [31:0]"}
"""Ports of the core's buses that the memory answers."""


STRAYED = 2
"""What the harness calls an access with an error."""


class CoreSystem(BusAccelerator):
    """A VexRiscv core (RV32IM) with an accelerator, in one model, and the memory of both.

    The core begins at the first byte of the memory with the first cycle after reset. Its fetches
    and data are answered a cycle later, whatever latency and bandwidth the accelerator has; it has
    a cache for instructions, none for data. The interrupt of the accelerator is its external
    interrupt 0. Addresses beyond the memory: ``sim/verilated/core.h``.

    Registers may be accessed from Python as well, while the program does not.

    Parameters
    ----------
    design : Design
        Of an accelerator with the bus ``axi4``.
    **memory
        Size and behaviour, as of :class:`sim.verilated.bus.BusAccelerator`.

    Raises
    ------
    BuildError
        Also if the package with the core is not installed.
    """

    def __init__(self, design: Design, **memory):
        super().__init__(design, base=BASE, **memory)

    def model(self, design: Design) -> tuple[str, str]:
        """Verilog of the system, and the name of its top."""
        text, manifest = simulated("accelerator", design)
        parts = text, core_source().read_text(), system_verilog(manifest["ports"])
        return "\n".join(parts), "nm_system"

    def run_program(self, limit: int) -> None:
        """Run until the program of the core says that it has ended.

        Raises
        ------
        RuntimeError
            If it reads or writes where nothing is, or a register that may not be written.
        TimeoutError
            If it does not end within ``limit`` cycles.
        """
        outcome = self.call("run_core", self._around, ctypes.c_uint64(limit))
        if outcome == STRAYED:
            raise RuntimeError("the program must access what is there, not other addresses")
        if not outcome:
            raise TimeoutError(f"the program must end within {limit} cycles, not run on")


def system_verilog(ports: list[dict]) -> str:
    """A module with a core and an accelerator.

    Its ports are those of the accelerator, as its manifest has them, and the core's buses.
    """
    own = {port["name"]: f"{port['direction']}put [{port['width'] - 1}:0]" for port in ports}
    buses = {f"{bus}Wishbone_{name}": kind for bus in ("iBus", "dBus")
             for name, kind in WISHBONE.items()}
    reset = "rst" if "rst" in own else "~rst_n"
    return "\n".join((
        f"module nm_system({', '.join((*own, *buses))});",
        *(f"  {kind} {name};" for name, kind in (own | buses).items()),
        f"  nm_accelerator accelerator({_same(own)});",
        f"  VexRiscv core(.clk(clk), .reset({reset}), .externalResetVector(32'd{BASE}),",
        "    .timerInterrupt(1'b0), .softwareInterrupt(1'b0),",
        f"    .externalInterruptArray({{31'b0, irq}}), {_same(buses)});",
        "endmodule", ""))


def _same(names) -> str:
    """Connections to signals of the same name."""
    return ", ".join(f".{name}({name})" for name in names)
