"""cocotb benches. They drive and compare; stimuli and expected results come as vectors."""

import faulthandler
import os

import numpy as np


__all__ = ["load", "words"]


WALL_CLOCK_SECONDS = 600

# Benches bound their simulated time; this ends a simulator that hangs within one time step.
if "VECTORS" in os.environ:
    faulthandler.dump_traceback_later(WALL_CLOCK_SECONDS, exit=True)


def load() -> dict[str, np.ndarray]:
    """Return the vectors that the test has made for this run."""
    with np.load(os.environ["VECTORS"]) as file:
        return dict(file)


def words(rows: np.ndarray) -> list[int]:
    """Each row of an array as one number, element 0 in the low bits.

    Booleans take one bit each, other types their size.
    """
    if rows.dtype == bool:
        rows = np.packbits(rows, axis=-1, bitorder="little")
    return [int.from_bytes(np.ascontiguousarray(row).tobytes(), "little") for row in rows]
