"""Builds designs with Verilator or Icarus, each once, and runs cocotb benches on them."""
