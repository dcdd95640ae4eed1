"""What simulations take from the environment; it imports nothing that is slow."""

import os

from hw.command.checks import choice, integer, plain


__all__ = ["asked_simulator", "check_environment", "seed"]


def asked_simulator() -> str | None:
    """Return SIM, ``verilator`` or ``icarus``, or None; ValueError if it asks for another."""
    name = os.environ.get("SIM") or None
    return name and choice("SIM", name, ("verilator", "icarus"))


def seed() -> int:
    """Seed of all random stimuli: SEED, or 1; ValueError if SEED is no seed."""
    return integer("SEED", plain(os.environ.get("SEED", "1")), 1, (1 << 31) - 1)


def check_environment() -> None:
    """Refuse what no simulation can take, before anything is imported; ValueError."""
    asked_simulator()
    seed()
