"""An accelerator with an AXI4 master, and its memory, as a fast Python object."""

import ctypes
from collections.abc import Collection
from enum import IntFlag

import numpy as np

from hw.config import Design
from hw.layouts import STREAMS
from sim.simulators.runner import simulated
from sim.verilated.registers import WithRegisters, check_pauses


__all__ = ["BusAccelerator", "Violation"]


class Violation(IntFlag):
    """What a master must never do; as in the harness."""

    CROSSES_PAGE = 1
    TOO_LONG = 2
    WRONG_SIZE = 4
    WRITES_OUTSIDE = 8
    WRONG_LAST = 16
    NOT_READY = 32
    CHANGES = 64
    UNKNOWN_ID = 128
    TOO_MANY = 256


_IDS = 8


class _Memory(ctypes.Structure):
    """``struct Memory`` of the harness."""

    _fields_ = (("data", ctypes.c_void_p),
                *((name, ctypes.c_uint64) for name in (
                    "base", "size", "low", "high", "latency", "bandwidth", "stall", "mixes",
                    "error", "error_ids", "longest", "in_flight", "random", "violations",
                    "failed", "cycles")),
                ("read_beats", ctypes.c_uint64 * _IDS), ("written_beats", ctypes.c_uint64))


class BusAccelerator(WithRegisters):
    """One accelerator and its memory in simulation, after reset.

    Parameters
    ----------
    design : Design
        Parameters of the accelerator; its bus is ``axi4``.
    size : int
        Bytes of the memory.
    base : int
        Address of its first byte.
    latency : int
        Cycles from a request to its first answer.
    bandwidth : float
        Bytes per cycle, reads and writes together; 0: as many as the bus has.
    stall : float
        Chance that a channel pauses in a cycle, from 0 to below 1.
    mixes : bool
        Whether words for different IDs come in any order.
    seed : int
        Seed of pauses, orders and errors, not 0.

    Attributes
    ----------
    memory : ndarray
        Its bytes, uint8.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    BuildError
        If the design could not be compiled.
    """

    def __init__(self, design: Design, *, size: int = 1 << 16, base: int = 0, latency: int = 4,
                 bandwidth: float = 0.0, stall: float = 0.0, mixes: bool = False, seed: int = 1):
        if design.bus != "axi4":
            raise ValueError(f"bus must be axi4, not {design.bus!r}")
        check_pauses(stall, seed)
        self.design = design
        self.memory = np.zeros(size, np.uint8)
        self._state = _Memory(
            data=self.memory.ctypes.data, base=base, size=size, latency=latency,
            bandwidth=int(bandwidth * 2**16), stall=int(stall * 2**32), mixes=mixes,
            longest=design.burst_beats, in_flight=design.outstanding, random=seed)
        self._around = ctypes.byref(self._state)
        super().__init__(*self.model(design), "bus.cpp")

    def model(self, design: Design) -> tuple[str, str]:
        """Verilog that is simulated, and the name of its top."""
        return simulated("accelerator", design)[0], "nm_accelerator"

    def allow(self, address: int, size: int) -> None:
        """Say which bytes may be written; others are a violation."""
        self._state.low, self._state.high = address, address + size

    def fail(self, chance: float, streams: Collection[str] = STREAMS) -> None:
        """Let bursts of these streams be answered with an error, with this chance."""
        self._state.error = min(int(chance * 2**32), 2**32 - 1)
        self._state.error_ids = sum(1 << STREAMS.index(name) for name in streams)

    def run(self, limit: int) -> int:
        """Run until an interrupt, or for ``limit`` cycles; returns the cycles it took."""
        return self.call("run", self._around, ctypes.c_uint64(limit))

    @property
    def pending(self) -> bool:
        """Whether the bus has requests without an answer."""
        return bool(self.call("pending"))

    @property
    def violations(self) -> Violation:
        """What was done that must never be."""
        return Violation(self._state.violations)

    @property
    def failed(self) -> int:
        """Answers so far that were errors."""
        return self._state.failed

    @property
    def bytes_moved(self) -> dict[str, int]:
        """Bytes that went over the bus so far, by stream; whole beats."""
        return {name: self._state.read_beats[number] * self.design.bus_bytes
                for number, name in enumerate(STREAMS)} | {
                    "result": self._state.written_beats * self.design.bus_bytes}
