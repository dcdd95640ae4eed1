"""Timing constraints in SDC."""

from collections.abc import Sequence

from hw.generate.package.description import Description
from hw.stream.axi import Port


__all__ = ["constraints"]


OUTSIDE = 0.2
"""Part of the period that is spent before an input and behind an output."""


def constraints(about: Description) -> str:
    """Clock, input and output delays, of every port; no path is left out.

    A combinational design gets a clock without a port, and all of its period.
    """
    part = OUTSIDE if about.clock else 0
    source = "[get_ports clk]" if about.clock else ""
    ports = [port for port in about.ports if port != about.clock]
    return "\n".join([
        f"# Timing constraints of {about.top}, in ns, by nmforge {about.version}.",
        f"# {_why(about)}",
        f"set period {about.clock_ns:.12g}",
        f"set input_delay [expr {{{part:g} * $period}}]",
        f"set output_delay [expr {{{part:g} * $period}}]",
        "",
        f"create_clock -name clk -period $period {source}".rstrip(),
        *_delays("input", [port for port in ports if port.direction == "in"]),
        *_delays("output", [port for port in ports if port.direction == "out"]), ""])


def _why(about: Description) -> str:
    if about.clock:
        return "Every path counts, that of the synchronous reset too: there is one clock."
    return "The design has no clock: from input to output it may take the period."


def _delays(direction: str, ports: Sequence[Port]) -> list[str]:
    names = [f"  {port.name}[*]" if port.width > 1 else f"  {port.name}" for port in ports]
    return ["", f"set_{direction}_delay ${direction}_delay -clock clk [get_ports {{", *names,
            "}]"]
