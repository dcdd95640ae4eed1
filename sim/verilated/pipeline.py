"""A compressor or decompressor as a fast Python object: Verilator without a bench around it."""

import ctypes
from pathlib import Path

import numpy as np

from hw.config import Design
from sim.simulators.runner import simulated
from sim.simulators.verilator import NO_PROBES, Probes
from sim.vectors.tokens import Beats
from sim.verilated.library import Library


__all__ = ["Pipeline"]


class _Stream(ctypes.Structure):
    """``struct Stream`` of the harness."""

    _fields_ = (("data", ctypes.c_void_p), ("user", ctypes.c_void_p), ("last", ctypes.c_void_p),
                ("data_bytes", ctypes.c_uint64), ("user_bytes", ctypes.c_uint64),
                ("count", ctypes.c_uint64), ("done", ctypes.c_uint64))

    @classmethod
    def of(cls, data: np.ndarray, user: np.ndarray, last: np.ndarray) -> "_Stream":
        """Stream over rows of bytes."""
        return cls(data.ctypes.data, user.ctypes.data, last.ctypes.data, data.shape[1],
                   user.shape[1], len(data), 0)


def _bytes(bits: np.ndarray) -> np.ndarray:
    return np.packbits(bits, axis=1, bitorder="little")


class Pipeline(Library):
    """A design with one stream in and one out, in simulation, as :class:`Library` has it.

    Parameters
    ----------
    name : str
        ``compressor`` or ``decompressor``.
    design : Design
    text : str, optional
        Verilog in the place of what is generated, with the same ports and more.
    harness : Path, optional
        Harness in the place of ``pipeline.cpp``, which drives those that are more.
    probes : Probes
        What the model shows beyond its ports.

    Attributes
    ----------
    manifest : dict
        The description that is generated with the design.

    Raises
    ------
    BuildError
        If the design could not be compiled.
    """

    def __init__(self, name: str, design: Design, text: str = "",
                 harness: str | Path = "pipeline.cpp", *, probes: Probes = NO_PROBES):
        own, self.manifest = simulated(name, design, probes)
        self._widths = {port["name"]: port["width"] for port in self.manifest["ports"]}
        super().__init__(text or own, f"nm_{name}", harness, probes=probes)

    def run(self, beats: Beats, count: int, *, limit: int, stall: float = 0.0, seed: int = 1,
            channel: np.ndarray | None = None, shift: int = 0, tensor: int = 0
            ) -> tuple[Beats, int]:
        """Feed the input stream and take ``count`` beats of the output stream.

        Parameters
        ----------
        beats : Beats
            Input.
        count : int
            Beats to take; fewer than belong to the input leave the others inside.
        limit : int
            Cycles after which to give up.
        stall : float
            Chance that a stream pauses in a cycle, from 0 to below 1.
        seed : int
            Seed of the pauses, not 0.
        channel : ndarray, optional
            bool, [blocks, bits of s_axis_coef_tdata]: parameters loaded before the first beat.
        shift : int
            What the port ``shift`` carries, where there is one.
        tensor : int
            What the port ``tensor`` carries, where there is one: bits of bf16.

        Returns
        -------
        tuple of Beats and int
            Output, and the cycles that the run took.

        Raises
        ------
        TimeoutError
            If the output does not come within the limit.
        """
        coef = np.zeros((0, 8), bool) if channel is None else channel
        coef_last = np.arange(len(coef)) == len(coef) - 1
        arrays = [
            (_bytes(coef), np.zeros((len(coef), 0), np.uint8), coef_last),
            (_bytes(beats.data), _bytes(beats.user), beats.last),
            (*(np.zeros((count, -(-self._widths.get(f"m_axis_{part}", 0) // 8)), np.uint8)
               for part in ("tdata", "tuser")), np.zeros(count, bool)),
        ]
        streams = [_Stream.of(*array) for array in arrays]
        cycles = self.call("run", *map(ctypes.byref, streams), ctypes.c_uint64(limit),
                           ctypes.c_uint32(int(stall * 2**32)), ctypes.c_uint64(seed),
                           ctypes.c_uint32(shift & 0xFF), ctypes.c_uint32(tensor))
        if streams[2].done < count:
            raise TimeoutError(f"{streams[2].done} of {count} beats came within {cycles} cycles, "
                               f"{streams[1].done} of {len(beats.data)} were taken (seed {seed})")
        data, user, last = arrays[2]
        data, user = (np.unpackbits(rows, axis=1, bitorder="little").astype(bool)
                      for rows in (data, user))
        return Beats(data, last, user[:, :self._widths.get("m_axis_tuser", 0)]), cycles
