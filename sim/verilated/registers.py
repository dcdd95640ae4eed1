"""A design with registers, and streams that pause at random, as a fast Python object."""

import ctypes
from typing import Any

from hw.registers import offset_of
from sim.verilated.library import Library


__all__ = ["WithRegisters", "check_pauses"]


def check_pauses(stall: float, seed: int) -> None:
    """Raise ValueError unless a chance of pauses is from 0 to below 1, and its seed not 0."""
    if not 0 <= stall < 1:
        raise ValueError(f"stall must be from 0 to below 1, not {stall!r}")
    if type(seed) is not int or seed == 0:
        raise ValueError(f"seed must be an integer other than 0, not {seed!r}")


class WithRegisters(Library):
    """A library whose harness exports the accesses of ``axi_lite.h``.

    ``_around`` is what stands around the model, as its harness takes it.
    """

    _around: Any

    def write(self, register: str | int, value: int, *, strobe: int = 0xF) -> None:
        """Write the bytes of ``strobe`` of a register, by name or offset.

        OSError if the bus answers with an error.
        """
        response = self.call("write", self._around, _offset(register), ctypes.c_uint32(value),
                             ctypes.c_uint32(strobe))
        _check(response, f"writing register {register}")

    def read(self, register: str | int) -> int:
        """Read a register, by name or offset; OSError if the bus answers with an error."""
        value = ctypes.c_uint32()
        response = self.call("read", self._around, _offset(register), ctypes.byref(value))
        _check(response, f"reading register {register}")
        return value.value


def _offset(register: str | int) -> int:
    return offset_of(register) if isinstance(register, str) else register


def _check(response: int, action: str) -> None:
    if response:
        reason = "no answer" if response < 0 else f"response {response}"
        raise OSError(f"{action} failed: {reason}")
