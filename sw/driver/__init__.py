"""Runs linear layers on an accelerator: RTL in simulation, or any other that has its registers."""
