"""What simulations take from the environment; it imports nothing that is slow."""

import os

from hw.command.checks import choice, integer, plain
from sim.simulators.cache import check_cache
from sim.simulators.verilator import check_tools


__all__ = ["asked_simulator", "check_environment", "seed"]


def asked_simulator() -> str | None:
    """Return SIM, ``verilator`` or ``icarus``, or None; ValueError if it asks for another."""
    name = os.environ.get("SIM") or None
    return name and choice("SIM", name, ("verilator", "icarus"))


def seed() -> int:
    """Seed of all random stimuli: SEED, or 1; ValueError if SEED is no seed."""
    return integer("SEED", plain(os.environ.get("SEED", "1")), 1, (1 << 31) - 1)


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
    seed()
    check_tools()
    check_cache()
