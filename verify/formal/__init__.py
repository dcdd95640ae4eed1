"""Proofs: rules that hold for all inputs at all times, found by a solver."""
