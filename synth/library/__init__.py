"""Cells: Liberty files, the functions in them, and tables of delay."""
