"""The accelerator's RTL as a fast Python object: Verilator without a bench around it."""

import ctypes
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hw.config import Design
from sim.simulators.runner import simulated
from sim.simulators.verilator import NO_PROBES, Probes
from sim.verilated.registers import WithRegisters, check_pauses
from sw.driver.beats import Beats


__all__ = ["INPUTS", "Accelerator"]


INPUTS = ("act", "weight", "coef", "token", "channel")
"""Input streams, ``s_axis_<name>``, in the order of the harness."""


class _Stream(ctypes.Structure):
    """``struct Stream`` of the harness."""

    _fields_ = (("data", ctypes.c_void_p), ("last", ctypes.c_void_p),
                *((name, ctypes.c_uint64)
                  for name in ("bytes", "count", "done", "wait", "offered")))

    def hold(self, beats: Beats, *, wait: int = 0) -> None:
        """Become a stream over the memory of ``beats``, of which none was transferred."""
        self.data, self.last = beats.data.ctypes.data, beats.last.ctypes.data
        self.bytes, self.count, self.done = beats.data.shape[1], len(beats.last), 0
        self.wait = wait


class _Bench(ctypes.Structure):
    """``struct Bench`` of the harness."""

    _fields_ = (*((name, _Stream) for name in (*INPUTS, "result")),
                ("random", ctypes.c_uint64), ("stall", ctypes.c_uint64))


class Accelerator(WithRegisters):
    """One accelerator in simulation, after reset, as :class:`sim.verilated.library.Library` has it.

    Parameters
    ----------
    design : Design
        Parameters of the accelerator.
    stall : float
        Chance that a stream pauses in a cycle, from 0 to below 1.
    seed : int
        Seed of the pauses, not 0.
    probes : Probes
        What the model shows beyond its ports.
    text : str, optional
        Verilog in place of what is generated.
    harness : str or Path
        As for the library.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    BuildError
        If the design could not be compiled.
    """

    def __init__(self, design: Design, *, stall: float = 0.0, seed: int = 1,
                 probes: Probes = NO_PROBES, text: str = "",
                 harness: str | Path = "accelerator.cpp"):
        self.design, self._bench = design, _Bench()
        self.pause(stall, seed)
        self._around = ctypes.byref(self._bench)
        self._beats: dict[str, Beats] = {}  # what the streams of the harness point to
        super().__init__(text or simulated("accelerator", design, probes)[0], "nm_accelerator",
                         harness,
                         *["-DNM_EPILOGUE"] * design.corrects, *["-DNM_BIAS"] * design.biases,
                         *["-DNM_COEF"] * bool(design.channel_bits), probes=probes)

    def pause(self, stall: float, seed: int = 1) -> None:
        """Let streams pause from now on, as the parameters of the class say."""
        check_pauses(stall, seed)
        self._seed = self._bench.random = seed
        self._bench.stall = int(stall * 2**32)

    def reset(self) -> None:
        """Hold the reset for two cycles; beats that were queued are gone."""
        super().reset()
        self.discard()

    def offer(self, inputs: Mapping[str, Beats],
              after: Mapping[str, int] | None = None) -> None:
        """Queue beats, which are offered from now on in every cycle, register accesses included.

        Parameters
        ----------
        inputs : mapping of str to Beats
            Beats of streams of :data:`INPUTS`.
        after : mapping of str to int, optional
            Cycles for which a stream first stays silent.
        """
        for name, beats in inputs.items():
            stream, queued = getattr(self._bench, name), self._beats.get(name)
            if queued is not None and stream.done < stream.count:
                beats = Beats(np.concatenate([queued.data[stream.done:], beats.data]),
                              np.concatenate([queued.last[stream.done:], beats.last]))
            self._beats[name] = _owned(beats)
            stream.hold(self._beats[name], wait=(after or {}).get(name, 0))

    def discard(self) -> None:
        """Forget all beats that are queued, and what is on offer."""
        for name in INPUTS:
            setattr(self._bench, name, _Stream())
        self._beats.clear()

    def pending(self) -> dict[str, int]:
        """Beats that are queued and were not taken, by stream; none that has all taken."""
        streams = {name: getattr(self._bench, name) for name in INPUTS}
        return {name: stream.count - stream.done for name, stream in streams.items()
                if stream.done < stream.count}

    def take(self, results: int, *, limit: int) -> tuple[Beats, int]:
        """Take results, until ``results`` of them have come or ``limit`` cycles have passed.

        Returns the beats that came, and the cycles it took.
        """
        width = -(-self.design.columns * self.design.result_bits // 8)
        taken = Beats(np.zeros((results, width), np.uint8), np.zeros(results, bool))
        self._bench.result.hold(taken)
        cycles = self.call("run", self._around, ctypes.c_uint64(limit))
        done = self._bench.result.done
        return Beats(taken.data[:done], taken.last[:done]), cycles

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
        self.offer(inputs)
        taken, cycles = self.take(results, limit=limit)
        streams = {name: getattr(self._bench, name) for name in (*INPUTS, "result")}
        progress = ", ".join(f"{stream.done} of {stream.count} {name}"
                             for name, stream in streams.items() if stream.count)
        progress += f" beats (seed {self._seed})"
        left = self.pending()
        self.discard()
        if len(taken.last) < results:
            raise TimeoutError(f"no more results after {cycles} cycles: {progress}")
        if left:
            raise RuntimeError(f"inputs are left over: {progress}")
        return taken, cycles


def _owned(beats: Beats) -> Beats:
    """The same beats where the harness can walk through them."""
    return Beats(np.ascontiguousarray(beats.data, np.uint8), np.ascontiguousarray(beats.last, bool))
