"""Operands that designs are simulated with: activations and weights, int8."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from hw.command.faults import reason
from hw.config import Design, choice


__all__ = ["INPUTS", "RECORDED", "Operands", "check_format", "load", "make"]


RECORDED = Path(__file__).parent / "recorded"
"""Operands of trained models, as ``python -m sw.operands`` writes them."""

TOKENS, OUTPUTS, FEATURES = 16, 16, 384
"""Size of what is drawn at random; 384 are the features of MiniLM."""

LARGEST = 127
"""Largest magnitude of an operand: quantisation is symmetric."""


@dataclass(frozen=True)
class Operands:
    """A layer's activations [T, K] and weights [O, K], int8."""

    activations: np.ndarray
    weights: np.ndarray

    def __post_init__(self) -> None:
        for name in ("activations", "weights"):
            value = getattr(self, name)
            if value.dtype != np.int8 or value.ndim != 2 or not value.size:
                raise ValueError(f"operands must have {name} of int8 with two axes, not "
                                 f"{value.dtype} {list(value.shape)}")
        if self.activations.shape[1] != self.weights.shape[1]:
            raise ValueError(f"operands must have activations and weights of equally many "
                             f"features, not {self.activations.shape[1]} and "
                             f"{self.weights.shape[1]}")


def check_format(design: Design) -> None:
    """Raise ValueError if a design takes other operands than int8."""
    for field, number in (("format", design.number), ("weight_format", design.weight)):
        if not number.integer or number.bits != 8:
            raise ValueError(f"{field} must be int8 for energies, not {getattr(design, field)}")


def _quantised(real: np.ndarray) -> np.ndarray:
    """One scale for every row, so that its largest magnitude is 127, as the driver has it."""
    return np.rint(real * (LARGEST / np.abs(real).max(axis=1, keepdims=True))).astype(np.int8)


def _gaussian(rng: np.random.Generator, rows: int) -> np.ndarray:
    return _quantised(rng.normal(size=(rows, FEATURES)))


def _uniform(rng: np.random.Generator, rows: int) -> np.ndarray:
    return rng.integers(-LARGEST, LARGEST, (rows, FEATURES), np.int8, endpoint=True)


_DRAWN: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "gaussian": _gaussian, "uniform": _uniform}
INPUTS = ("minilm", "decoder", *_DRAWN)
"""Names of operands: recorded from a trained model, or drawn at random."""


def make(name: str, count: int) -> list[Operands]:
    """Return ``count`` sets of operands, the same ones on every call.

    Parameters
    ----------
    name : str
        One of :data:`INPUTS`, or a file that :func:`load` reads.
    count : int
        How many sets. A recording is repeated where it holds fewer.

    Raises
    ------
    ValueError
        If the name is unknown, or the file holds no operands.
    """
    if name in _DRAWN:
        generators = [np.random.default_rng([seed, len(name)]) for seed in range(count)]
        return [Operands(_DRAWN[name](rng, TOKENS), _DRAWN[name](rng, OUTPUTS))
                for rng in generators]
    path = Path(name)
    if path.suffix != ".npz":
        path = RECORDED / f"{choice('inputs', name, INPUTS)}.npz"
    sets = load(path)
    return [sets[k % len(sets)] for k in range(count)]


def load(path: Path) -> list[Operands]:
    """Read sets of operands: arrays ``activations0``, ``weights0`` and so on of an ``.npz`` file.

    Raises
    ------
    ValueError
        If there is no such file, or no operands in it.
    """
    try:
        with open(path, "rb") as source, np.load(source, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, ValueError, EOFError, TypeError, RuntimeError, BadZipFile,
            zlib.error) as error:  # RuntimeError: encrypted, or packed in an unknown way
        raise ValueError(f"inputs must be one of {', '.join(INPUTS)} or a .npz file, not "
                         f"{str(path)!r} ({reason(error)})") from None
    sets: list[Operands] = []
    while {f"activations{len(sets)}", f"weights{len(sets)}"} <= arrays.keys():
        sets.append(Operands(arrays[f"activations{len(sets)}"], arrays[f"weights{len(sets)}"]))
    if not sets:
        raise ValueError(f"inputs must be a .npz file with activations0 and weights0, not "
                         f"{str(path)!r} with {', '.join(arrays) or 'nothing'}")
    return sets
