"""Corrections of the hardware, and the parameters of a design that they need."""

__all__ = ["CORRECTIONS", "LEARNED", "NEEDED"]


NEEDED = {"d-pts": ("shift", "median"), "d-pts-mean": ("shift", "mean"),
          "s-pts": ("shift", "scalar"), "l-pts": ("shift", "channel"), "var": ("statistics", True)}
"""Parameter of the design that a correction needs, and its value; others need none."""

LEARNED = ("l-pts", "ls", "shift")
"""Corrections of the hardware whose values are learned."""

CORRECTIONS = (*NEEDED, "ls", "shift")
"""All corrections of the hardware."""
