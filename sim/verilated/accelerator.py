"""The accelerator's RTL as a fast Python object: Verilator without a bench around it."""

import ctypes

import numpy as np

from hw.config import Design
from hw.registers import offset_of
from sim.simulators.runner import generated
from sim.verilated.library import Library
from sw.driver.beats import Beats


__all__ = ["INPUTS", "Accelerator"]


INPUTS = ("act", "weight", "coef", "token", "channel")
"""Input streams, ``s_axis_<name>``, in the order of the harness."""


class _Stream(ctypes.Structure):
    """``struct Stream`` of the harness."""

    _fields_ = (("data", ctypes.c_void_p), ("last", ctypes.c_void_p),
                ("bytes", ctypes.c_uint64), ("count", ctypes.c_uint64), ("done", ctypes.c_uint64))

    @classmethod
    def of(cls, beats: Beats) -> "_Stream":
        """Stream over the memory of ``beats``."""
        return cls(beats.data.ctypes.data, beats.last.ctypes.data, beats.data.shape[1],
                   len(beats.last), 0)


class Accelerator(Library):
    """One accelerator in simulation, after reset, as :class:`sim.verilated.library.Library` has it.

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
        super().__init__(text, "nm_accelerator", "accelerator.cpp",
                         *["-DNM_EPILOGUE"] * bool(design.epilogue_lanes),
                         *["-DNM_COEF"] * bool(design.channel_bits))

    def write(self, register: str | int, value: int) -> None:
        """Write a register, by name or offset; OSError if the bus answers with an error."""
        response = self.call("write", _offset(register), ctypes.c_uint32(value))
        _check(response, f"writing register {register}")

    def read(self, register: str | int) -> int:
        """Read a register, by name or offset; OSError if the bus answers with an error."""
        value = ctypes.c_uint32()
        response = self.call("read", _offset(register), ctypes.byref(value))
        _check(response, f"reading register {register}")
        return value.value

    def run(self, inputs: dict[str, Beats], results: int, *, limit: int) -> tuple[Beats, int]:
        """Feed the input streams of a job and take its results.

        Parameters
        ----------
        inputs : dict of str to Beats
            Beats of each stream of :data:`INPUTS`; a stream that is not named stays silent.
        results : int
            Beats to take from the result stream.
        limit : int
            Cycles after which to give up.

        Returns
        -------
        tuple of Beats and int
            Result beats, and the cycles that the run took.

        Raises
        ------
        TimeoutError
            If the results do not come within the limit.
        RuntimeError
            If inputs are left over.
        """
        width = -(-self.design.columns * self.design.accumulator_width // 8)
        taken = Beats(np.zeros((results, width), np.uint8), np.zeros(results, bool))
        none = Beats(np.zeros((0, 1), np.uint8), np.zeros(0, bool))
        held = [_owned(inputs.get(name, none)) for name in INPUTS]
        streams = [_Stream.of(beats) for beats in (*held, taken)]
        cycles = self.call("run", *map(ctypes.byref, streams), ctypes.c_uint64(limit),
                           ctypes.c_uint32(self._stall), ctypes.c_uint64(self._seed))
        progress = ", ".join(f"{stream.done} of {stream.count} {name}" for stream, name in
                             zip(streams, (*INPUTS, "result"), strict=True) if stream.count)
        progress += f" beats (seed {self._seed})"
        if streams[-1].done < results:
            raise TimeoutError(f"no more results after {cycles} cycles: {progress}")
        if any(stream.done < stream.count for stream in streams):
            raise RuntimeError(f"inputs are left over: {progress}")
        return taken, cycles


def _owned(beats: Beats) -> Beats:
    """The same beats where the harness can walk through them."""
    return Beats(np.ascontiguousarray(beats.data, np.uint8), np.ascontiguousarray(beats.last, bool))


def _offset(register: str | int) -> int:
    return offset_of(register) if isinstance(register, str) else register


def _check(response: int, action: str) -> None:
    if response:
        reason = "no answer" if response < 0 else f"response {response}"
        raise OSError(f"{action} failed: {reason}")
