"""What simulations take from the environment; it imports nothing that is slow."""

import os
from pathlib import Path

from hw.command.checks import choice, integer, plain
from sim.simulators.cache import check_cache
from sim.simulators.verilator import check_tools


__all__ = ["OWN", "asked_cells", "asked_simulator", "check_environment", "seed"]


OWN = "own"
"""What CELLS calls the cells that come with the project."""


def asked_simulator() -> str | None:
    """Return SIM, ``verilator`` or ``icarus``, or None; ValueError if it asks for another."""
    name = os.environ.get("SIM") or None
    return name and choice("SIM", name, ("verilator", "icarus"))


def seed() -> int:
    """Seed of all random stimuli: SEED, or 1; ValueError if SEED is no seed."""
    return integer("SEED", plain(os.environ.get("SEED", "1")), 1, (1 << 31) - 1)


def asked_cells() -> str | None:
    """Return CELLS, :data:`OWN` or a Liberty file, or None; ValueError if there is no such file."""
    cells = os.environ.get("CELLS") or None
    if cells not in (None, OWN) and not Path(cells).is_file():
        raise ValueError(f"CELLS must be {OWN} or a Liberty file, not {cells!r}")
    return cells


def check_environment() -> None:
    """Refuse what no simulation can take, before anything slow is imported.

    Raises
    ------
    ValueError
        If SIM or SEED is none.
    Fault
        If Verilator or a compiler is missing, or nothing can be built in the working directory.
    """
    asked_simulator()
    asked_cells()
    seed()
    check_tools()
    check_cache()
