"""Operands of energies as .npz."""

from io import BytesIO

import numpy as np
from hypothesis import strategies as st

from synth.energy.operands import load
from verify.fuzz.damage import damaged_bytes
from verify.fuzz.files import written
from verify.fuzz.target import Target, outcome


__all__ = ["TARGET"]


def _packed(arrays: dict[str, np.ndarray]) -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


_ARRAYS = st.builds(
    lambda shape, dtype: np.ones(shape, dtype),
    st.lists(st.integers(0, 4), max_size=3), st.sampled_from(("int8", "uint8", "f4", "c8", "U3")))
_FILES = st.dictionaries(
    st.sampled_from(("activations0", "weights0", "activations1", "weights1", "x")), _ARRAYS)
_RIGHT = _packed({f"{name}{k}": np.full((rows, 8), k + 1, np.int8)
                  for k in range(2) for name, rows in (("activations", 3), ("weights", 2))})
_SETS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 40),
                           st.integers(-128, 127)), min_size=1, max_size=3)


def _sets(drawn: list[tuple[int, int, int, int]]) -> bytes:
    """Sets of operands whose rows and columns go together."""
    return _packed({f"{name}{k}": np.full((rows, columns), value, np.int8)
                    for k, (tokens, outputs, columns, value) in enumerate(drawn)
                    for name, rows in (("activations", tokens), ("weights", outputs))})


_CASES = st.one_of(damaged_bytes(_RIGHT), _SETS.map(_sets), _FILES.map(_packed),
                   st.binary(max_size=30))


def _check(content: bytes) -> str:
    """What is taken has rows and columns of int8 that go together."""
    def take() -> None:
        with written("operands.npz", content) as path:
            sets = load(path)
        assert sets
        for one in sets:
            assert one.activations.dtype == one.weights.dtype == np.int8
            assert one.activations.shape[1] == one.weights.shape[1] > 0

    return outcome(take)


TARGET = Target("operands", "operands of energies as .npz, damaged", _CASES, _check)
