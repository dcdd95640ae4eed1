"""Simulation: cocotb benches for every design, and a Verilator backend for long runs."""
