"""Designs as fast objects of the Python process: Verilator with a C++ harness, no bench."""

from sim.verilated.accelerator import Accelerator


__all__ = ["Accelerator"]
