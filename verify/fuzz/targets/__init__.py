"""Targets, one in each file: what is drawn, and what must be true of it."""
