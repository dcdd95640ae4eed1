"""What a design takes from its supply: simulation of gates with delays, and tables of power."""

DESIGNS = ("pe", "array", "compressor", "accelerator")
"""What can be measured."""
