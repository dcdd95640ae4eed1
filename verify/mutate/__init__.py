"""Mutants of the hardware: what the project's own checks notice of them, and what they do not."""
