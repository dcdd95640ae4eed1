"""What a core needs beside Verilator: its Verilog, and a compiler for it."""

import shutil
from importlib.util import find_spec
from pathlib import Path

from sim.simulators.verilator import BuildError


__all__ = ["check_core", "core_source", "tool"]


PACKAGE = "pythondata_cpu_vexriscv"
PREFIX = "riscv64-unknown-elf"
TOOLS = ("gcc", "objcopy")


def core_source() -> Path:
    """Verilog of the core, in its package; BuildError if that is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise BuildError(f"{PACKAGE} must be installed for a core, not missing: "
                         "pip install 'nmforge[core]'")
    return Path(spec.origin).parent / "verilog" / "VexRiscv_Lite.v"


def tool(name: str) -> str:
    """Path of one of ``TOOLS`` for RISC-V; BuildError if it is not installed."""
    found = shutil.which(f"{PREFIX}-{name}")
    if found is None:
        raise BuildError(f"{PREFIX}-{name} must be installed for a core, not missing: Debian has "
                         f"it in gcc-{PREFIX}")
    return found


def check_core() -> None:
    """Raise BuildError if the core, or what compiles for it, is missing."""
    core_source()
    for name in TOOLS:
        tool(name)
