"""Simulation: cocotb benches for every design, and a Verilator backend for long runs."""

import hw.command.early  # noqa: F401 - signals, from here on
