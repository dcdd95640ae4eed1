"""The accelerator's RTL as a fast Python object: Verilator without a bench around it."""

import ctypes
from pathlib import Path

import numpy as np

from hw.config import Design
from hw.registers import offset_of
from sim.runner import generated
from sim.verilator import build


__all__ = ["Accelerator"]


HARNESS = Path(__file__).with_name("accelerator.cpp")


class _Stream(ctypes.Structure):
    """``struct Stream`` of the harness."""

    _fields_ = (("data", ctypes.c_void_p), ("last", ctypes.c_void_p),
                ("bytes", ctypes.c_uint64), ("count", ctypes.c_uint64), ("done", ctypes.c_uint64))

    @classmethod
    def of(cls, beats: np.ndarray, last: np.ndarray) -> "_Stream":
        """Stream over ``beats`` uint8 [count, bytes] and ``last`` bool [count]."""
        return cls(beats.ctypes.data, last.ctypes.data, beats.shape[1], beats.shape[0], 0)


class Accelerator:
    """One accelerator in simulation, after reset.

    The model is built on first use and kept, see :mod:`sim.cache`.

    Parameters
    ----------
    design : Design
        Parameters of the accelerator.
    stall : float
        Chance that a stream pauses in a cycle, from 0 to below 1.
    seed : int
        Seed of the pauses, not 0.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    BuildError
        If the design could not be compiled.
    """

    def __init__(self, design: Design, *, stall: float = 0.0, seed: int = 1):
        if not 0 <= stall < 1:
            raise ValueError(f"stall must be from 0 to below 1, not {stall!r}")
        if type(seed) is not int or seed == 0:
            raise ValueError(f"seed must be an integer other than 0, not {seed!r}")
        self.design = design
        self._stall, self._seed = int(stall * 2**32), seed
        text, _ = generated("accelerator", design)
        path = build(text, "nm_accelerator", HARNESS, fast=True, link=("-shared",))
        self._library = ctypes.CDLL(str(path))
        self._library.nm_open.restype = ctypes.c_void_p
        self._library.nm_run.restype = ctypes.c_uint64
        self._model = ctypes.c_void_p(self._library.nm_open())
        self.reset()

    def __del__(self):
        """Free the model."""
        if hasattr(self, "_model"):
            self._library.nm_close(self._model)

    def reset(self) -> None:
        """Hold the reset for two cycles."""
        self._library.nm_reset(self._model)

    def write(self, register: str | int, value: int) -> None:
        """Write a register, by name or offset; OSError if the bus answers with an error."""
        response = self._library.nm_write(self._model, _offset(register), ctypes.c_uint32(value))
        _check(response, f"writing register {register}")

    def read(self, register: str | int) -> int:
        """Read a register, by name or offset; OSError if the bus answers with an error."""
        value = ctypes.c_uint32()
        response = self._library.nm_read(self._model, _offset(register), ctypes.byref(value))
        _check(response, f"reading register {register}")
        return value.value

    def run(self, act: np.ndarray, weight: np.ndarray, results: int, *,
            limit: int) -> tuple[np.ndarray, int]:
        """Feed both input streams of a job and take its results.

        Parameters
        ----------
        act : ndarray
            int8, [tokens, blocks, M].
        weight : ndarray
            int8, [tiles, blocks, columns * M]. ``tlast`` marks the last block of each token and
            of each tile.
        results : int
            Beats to take from the result stream.
        limit : int
            Cycles after which to give up.

        Returns
        -------
        tuple of ndarray and int
            Accumulators int64 [results, columns], and the cycles that the run took.

        Raises
        ------
        TimeoutError
            If the results do not come within the limit.
        RuntimeError
            If inputs are left over, or a result's ``tlast`` is not on each tile's last token.
        """
        width = -(-self.design.columns * self.design.accumulator_width // 8)
        beats = np.zeros((results, width), np.uint8)
        arrays = [self._beats(act), self._beats(weight), (beats, np.zeros(results, bool))]
        streams = [_Stream.of(*pair) for pair in arrays]
        cycles = self._library.nm_run(
            self._model, *map(ctypes.byref, streams), ctypes.c_uint64(limit),
            ctypes.c_uint32(self._stall), ctypes.c_uint64(self._seed))
        progress = ", ".join(f"{stream.done} of {stream.count} {name}" for stream, name in
                             zip(streams, ("act", "weight", "result"), strict=True))
        progress += f" beats (seed {self._seed})"
        if streams[2].done < results:
            raise TimeoutError(f"no more results after {cycles} cycles: {progress}")
        if any(stream.done < stream.count for stream in streams):
            raise RuntimeError(f"inputs are left over: {progress}")
        tile_ends = np.arange(1, results + 1) % len(act) == 0
        if not np.array_equal(arrays[2][1], tile_ends):
            raise RuntimeError("tlast of the results is not on each tile's last token")
        return self._accumulators(beats), cycles

    @staticmethod
    def _beats(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bytes of the beats, and where ``tlast`` is set."""
        last = np.zeros(blocks.shape[:2], bool)
        last[:, -1] = True
        data = np.ascontiguousarray(blocks, np.int8).reshape(-1, blocks.shape[2])
        return data.view(np.uint8), last.reshape(-1)

    def _accumulators(self, beats: np.ndarray) -> np.ndarray:
        """Sign-extended accumulators of result beats."""
        columns, width = self.design.columns, self.design.accumulator_width
        bits = np.unpackbits(beats, axis=1, bitorder="little")[:, :columns * width]
        bits = bits.reshape(len(beats), columns, width).astype(np.int64)
        weights = np.left_shift(np.int64(1), np.arange(width))
        weights[-1] = -weights[-1]
        return bits @ weights


def _offset(register: str | int) -> int:
    return offset_of(register) if isinstance(register, str) else register


def _check(response: int, action: str) -> None:
    if response:
        reason = "no answer" if response < 0 else f"response {response}"
        raise OSError(f"{action} failed: {reason}")
