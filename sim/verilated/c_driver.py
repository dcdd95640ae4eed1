"""The driver in C on an accelerator in simulation: its registers, and pointers into its memory."""

import ctypes
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from hw.command.children import call
from hw.config import Design
from hw.header import c_header
from sim.simulators.verilator import BuildError
from sim.verilated.bus import BusAccelerator


__all__ = ["Driver", "Job", "Terms"]


SOURCES = Path(__file__).parent.parent.parent / "driver"

_READ = ctypes.CFUNCTYPE(ctypes.c_uint32, ctypes.c_void_p, ctypes.c_uint32)
_WRITE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint32)
_PAUSE = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Port(ctypes.Structure):
    _fields_ = (("context", ctypes.c_void_p), ("read", _READ), ("write", _WRITE),
                ("pause", _PAUSE))


class _Device(ctypes.Structure):
    _fields_ = (("port", _Port), ("queue", ctypes.c_void_p), ("size", ctypes.c_uint32),
                ("submitted", ctypes.c_uint32), ("control", ctypes.c_uint32))


class Job(ctypes.Structure):
    """``nm_job``."""

    _fields_ = (*((name, ctypes.c_uint32) for name in (
        "k_blocks", "tokens", "column_tiles", "output", "corrections", "static_shift",
        "job_pattern", "threshold", "activate", "tensor_scale")),
        *((name, ctypes.c_uint64) for name in (
            "act", "weight", "coef", "token", "channel", "result")),
        *((name, ctypes.c_uint32) for name in (
            "act_stride", "result_stride", "interrupt", "decode")))


class Terms(ctypes.Structure):
    """``nm_terms``."""

    _fields_ = (("scale", ctypes.c_uint16), ("shift", ctypes.c_uint8), ("bias", ctypes.c_int32))


def _compile(design: Design, folder: Path) -> Path:
    """The driver with the header of an accelerator, as a library in ``folder``."""
    name = os.environ.get("CC", "cc")
    compiler, library = shutil.which(name), folder / "driver.so"
    if compiler is None:
        raise BuildError(f"CC must name a C compiler, not {name!r}, which is not installed")
    (folder / "nm_accelerator.h").write_text(c_header(design))
    done = call([compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-O2",
                 "-shared", "-fPIC", f"-I{SOURCES}", f"-I{folder}", SOURCES / "nm_driver.c",
                 "-o", library])
    if done.returncode:
        raise BuildError(f"{name} must compile the driver, not fail: {done.stderr}")
    return library


class Driver:
    """The driver, compiled, for an accelerator in simulation and its memory.

    Parameters
    ----------
    device : BusAccelerator
    base : int
        Address of the first byte of its memory.
    folder : Path
        Where header and library are put.
    described : Design, optional
        Whose header it is, where that is not the accelerator's own.

    Raises
    ------
    BuildError
        If there is no C compiler, or it has something to say.
    """

    def __init__(self, device: BusAccelerator, base: int, folder: Path, *,
                 described: Design | None = None):
        self.device, self.base = device, base
        self.library = ctypes.CDLL(str(_compile(described or device.design, folder)))
        for name in ("act", "weight", "coef", "token", "channel", "result"):
            getattr(self.library, f"nm_{name}_size").restype = ctypes.c_uint64
        self.library.nm_result.restype = ctypes.c_int64
        self.library.nm_text.restype = ctypes.c_char_p
        self.state = _Device()
        self._port = _Port(None, _READ(lambda _, offset: device.read(offset)),
                           _WRITE(lambda _, offset, value: device.write(offset, value)),
                           _PAUSE(lambda _: device.run(400) and None))

    def call(self, name: str, *arguments: Any) -> int:
        """``nm_<name>`` of the device; structures are passed by reference."""
        return getattr(self.library, f"nm_{name}")(ctypes.byref(self.state),
                                                   *map(_argument, arguments))

    def job(self, name: str, job: Job, *arguments: Any) -> int:
        """``nm_<name>`` of a job; arrays are passed by reference."""
        return getattr(self.library, f"nm_{name}")(ctypes.byref(job), *map(_argument, arguments))

    def probe(self) -> int:
        """``nm_probe``."""
        return self.library.nm_probe(ctypes.byref(self.state), self._port)

    def pointer(self, address: int) -> ctypes.c_void_p:
        """Where the program sees an address of the bus."""
        return ctypes.c_void_p(self.device.memory.ctypes.data + address - self.base)

    def configure(self, address: int, size_log2: int) -> int:
        """``nm_configure``, with interrupts."""
        return self.call("configure", self.pointer(address), ctypes.c_uint64(address), size_log2, 1)

    def wait(self, polls: int = 2000) -> tuple[int, int]:
        """``nm_wait``: status, and jobs that have ended."""
        ended = ctypes.c_uint32()
        return self.call("wait", polls, ended), ended.value

    def text(self, status: int) -> str:
        """``nm_text``."""
        return self.library.nm_text(status).decode()


def _argument(value: Any) -> Any:
    """How ctypes passes it."""
    if isinstance(value, np.ndarray):
        return ctypes.c_void_p(value.ctypes.data)
    if isinstance(value, ctypes.Structure | ctypes.c_uint32):
        return ctypes.byref(value)
    return value
