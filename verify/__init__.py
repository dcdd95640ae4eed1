"""Assurance: proofs, mutants and random inputs for what the other packages make."""

import hw.command.early  # noqa: F401 - signals, from here on
