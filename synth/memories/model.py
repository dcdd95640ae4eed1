"""SRAM macros of any size between those of a table: area, energy and leakage, fitted."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from synth.memories.table import Macro


__all__ = ["Fit", "Model", "fit"]


_TERMS = 4
"""A constant, one for words, one for bits, and their product."""


@dataclass(frozen=True)
class Fit:
    """One figure of a macro: ``c0 + c1 words + c2 bits + c3 words bits``, none of them negative.

    Words times bits are the cells, words the drivers of their rows, bits the amplifiers below their
    columns, and the rest is control.

    Attributes
    ----------
    coefficients : tuple of float
        c0 to c3.
    mean, worst : float
        Of the relative errors at the points of the table, without sign.
    points : int
        How many there are.
    """

    coefficients: tuple[float, ...]
    mean: float
    worst: float
    points: int

    def __call__(self, words: int, bits: int) -> float:
        """The figure of a macro of this size."""
        return float(_terms(words, bits) @ np.array(self.coefficients))


@dataclass(frozen=True)
class Model:
    """Macros with the same ports.

    Attributes
    ----------
    words, bits : tuple of int
        Least and most of the table: smaller and larger macros are not made.
    area : Fit
    read, write, leakage : Fit or None
        None where the table has no such figures.
    """

    words: tuple[int, int]
    bits: tuple[int, int]
    area: Fit
    read: Fit | None
    write: Fit | None
    leakage: Fit | None


def _terms(words, bits) -> np.ndarray:
    ones = np.ones_like(np.asarray(words, float))
    return np.stack([ones, ones * words, ones * bits, ones * words * bits], axis=-1)


def _candidates(count: int) -> Iterator[tuple[int, ...]]:
    """Terms that so many points can settle; a few points say nothing against those of the cells."""
    for number in range(1, min(_TERMS, count) + 1):
        for chosen in combinations(range(_TERMS), number):
            if count >= _TERMS or _TERMS - 1 in chosen:
                yield chosen


def _fit(points: Sequence[tuple[int, int, float]]) -> Fit:
    """Least squares of relative errors over all sets of terms whose coefficients are not negative.

    So few terms can be tried one set after the other, which is exact.
    """
    words, bits, values = (np.array(column, float) for column in zip(*points, strict=True))
    rows = _terms(words, bits) / values[:, None]
    best: tuple[float, np.ndarray] | None = None
    for chosen in _candidates(len(points)):
        found, *_ = np.linalg.lstsq(rows[:, chosen], np.ones(len(points)), rcond=None)
        errors = rows[:, chosen] @ found - 1
        square = float(errors @ errors)
        if (found >= 0).all() and (best is None or square < best[0]):
            whole = np.zeros(_TERMS)
            whole[list(chosen)] = found
            best = square, whole
    assert best is not None, "the number of cells alone always fits"
    errors = np.abs(rows @ best[1] - 1)
    return Fit(tuple(map(float, best[1])), float(errors.mean()), float(errors.max()), len(points))


def fit(macros: Sequence[Macro]) -> dict[int, Model]:
    """Models of a table's macros by their number of ports.

    A figure is fitted to the macros that have it.
    """
    models = {}
    for ports in sorted({macro.ports for macro in macros}):
        own = [macro for macro in macros if macro.ports == ports]
        fits = {}
        for name in ("area", "read_pj", "write_pj", "leakage_nw"):
            points = [(macro.words, macro.bits, getattr(macro, name)) for macro in own
                      if getattr(macro, name) is not None]
            fits[name] = _fit(points) if points else None
        area = fits["area"]
        assert area is not None, "every macro has an area"
        models[ports] = Model(
            (min(macro.words for macro in own), max(macro.words for macro in own)),
            (min(macro.bits for macro in own), max(macro.bits for macro in own)),
            area, fits["read_pj"], fits["write_pj"], fits["leakage_nw"])
    return models
