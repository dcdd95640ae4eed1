"""Benches on generated designs, run by pytest."""
