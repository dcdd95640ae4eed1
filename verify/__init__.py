"""Assurance: proofs, mutants and random inputs for what the other packages make."""
