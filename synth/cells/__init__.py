"""The project's own cells, without a PDK."""
