"""Names of criteria and corrections; nothing is imported, so that a command line can list them."""

from collections.abc import Sequence


__all__ = ["CORRECTIONS", "CRITERIA", "FORMAT_CORRECTIONS", "SHIFTS", "TRAINED", "split_names"]


CRITERIA = ("act", "clact", "amber", "wina", "variance")
"""ACT (magnitude), CLACT, Amber-Pruner, WINA, variance-weighted."""

SHIFTS = ("d-pts", "d-pts-mean", "s-pts", "l-pts")
"""``y = (S(x - eta) + eta) W^T``; at most one of them."""

CORRECTIONS = (*SHIFTS, "shift", "ls", "var", "r-sparse", "smooth", "larosa")
"""Names that ``sw.methods.sparsify.sparsify`` takes."""

FORMAT_CORRECTIONS = ("sharq",)
"""Corrections of a number format. SharQ: what is dropped is quantised by itself and multiplied too,
on the dense path."""

TRAINED = ("l-pts", "shift", "ls", "r-sparse")
"""Corrections with learned parameters. Untrained, all but R-Sparse do nothing."""


def split_names(names: Sequence[str]) -> list[tuple[str, ...]]:
    """Read combinations such as ``"d-pts+var"``; ``"none"`` is no correction."""
    return [() if name == "none" else tuple(name.split("+")) for name in names]
