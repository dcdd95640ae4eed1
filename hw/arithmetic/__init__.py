"""Arithmetic that designs are made of: carry-propagate and carry-save adders, normalisation."""
