"""A design as a library of the Python process: Verilator without a bench around it."""

import ctypes
from pathlib import Path
from typing import Any

from sim.simulators.environment import seed
from sim.simulators.verilator import NO_PROBES, Probes, build


__all__ = ["Library"]


class Library:
    """One instance of a design in simulation, after reset.

    The model is built on first use and kept, see :mod:`sim.simulators.cache`.

    Parameters
    ----------
    text : str
        Verilog of the design.
    top : str
        Name of its top module.
    harness : str or Path
        C++ source, beside this file or elsewhere, which includes ``library.h`` and exports
        ``nm_reset`` and ``nm_run``; the latter returns cycles.
    options : str
        Further options of the compiler.
    probes : Probes
        What the model shows beyond its ports.

    Raises
    ------
    BuildError
        If the design could not be compiled.
    """

    def __init__(self, text: str, top: str, harness: str | Path, *options: str,
                 probes: Probes = NO_PROBES):
        path = build(text, top, Path(__file__).parent / harness, fast=True, probes=probes,
                     link=("-shared", *options, *["-DNM_COVERAGE"] * probes.coverage))
        self._functions = ctypes.CDLL(str(path))
        self._functions.nm_open.restype = ctypes.c_void_p
        self._functions.nm_run.restype = ctypes.c_uint64
        self._model = ctypes.c_void_p(self._functions.nm_open(seed()))
        self.reset()

    def __del__(self):
        """Free the model."""
        if hasattr(self, "_model"):
            self._functions.nm_close(self._model)

    def power_up(self) -> None:
        """Begin anew: registers and memories hold random bits until :meth:`reset`, or a write.

        SEED says which ones.
        """
        self._functions.nm_close(self._model)
        self._model = ctypes.c_void_p(self._functions.nm_open(seed()))

    def reset(self) -> None:
        """Hold the reset for two cycles."""
        self.call("reset")

    def poke(self, scope: str, register: str, value: int, *, low: int = 0,
             width: int = 32) -> None:
        """Set bits of a register of :class:`Probes`.

        Parameters
        ----------
        scope : str
            Place of the instance that holds it, as ``nm_top.part``.
        register : str
            Its name in the Verilog, an escaped one with its backslash and the space at its end.
        value : int
            What the bits are set to.
        low, width : int
            The lowest bit, and how many.

        Raises
        ------
        ValueError
            If there is none.
        """
        if self.call("poke", f"TOP.{scope}".encode(), register.encode(), ctypes.c_uint32(low),
                     ctypes.c_uint32(width), ctypes.c_uint64(value)):
            raise ValueError(f"register must be one of the model's probes, not {register!r} in "
                             f"{scope}")

    def write_coverage(self, path: Path) -> None:
        """Write what was counted since the model was made, as Verilator's coverage data."""
        self.call("coverage", str(path).encode())

    def call(self, function: str, *arguments: Any) -> int:
        """Call ``nm_<function>`` of the harness with the model and ``arguments``."""
        return getattr(self._functions, f"nm_{function}")(self._model, *arguments)
