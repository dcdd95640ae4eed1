"""The program of the core: the driver in C and a main, compiled for a bare RISC-V."""

import ctypes
import tempfile
from pathlib import Path

from hw.command.children import call
from hw.config import Design
from hw.header import c_header
from sim.core.tools import tool
from sim.simulators.verilator import BuildError


__all__ = ["BASE", "PROGRAM_BYTES", "TASK", "TRAPPED", "Task", "compiled"]


BASE = 0x4000_0000
"""Address of the memory, where the program begins."""

TASK = BASE + 0x8000
"""Address of the task."""

PROGRAM_BYTES = 0x9000
"""Bytes of program, stack and task; buffers are behind them."""

TRAPPED = 0xFF
"""Status of a program that did what the core cannot do."""

SOURCES = Path(__file__).with_name("firmware")
DRIVER = Path(__file__).parent.parent.parent / "driver"

# CSRs belong to the base of this version of the standard: the compiler's own library, which divides
# 64 bits, is found by a name without them. Loops over the bytes of a result are unrolled: the core
# takes a cycle for each bit of a shift.
OPTIONS = ("-std=c99", "-Wall", "-Wextra", "-Werror", "-O3", "-march=rv32im", "-misa-spec=2.2",
           "-mabi=ilp32", "-ffreestanding", "-fno-tree-loop-distribute-patterns", "-nostdlib",
           "-Wl,--no-warn-rwx-segments")


class Task(ctypes.LittleEndianStructure):
    """``nm_task`` of ``firmware/main.c``: what the program is asked, and what it came to."""

    _fields_ = tuple((name, ctypes.c_uint32) for name in (
        "tokens", "features", "outputs", "corrections", "job_pattern", "decode", "x", "w", "queue",
        "act", "weight", "coef", "result", "y", "status", "cause", "place", "began", "laid_out",
        "submitted", "told", "read"))


def compiled(design: Design) -> bytes:
    """The program for an accelerator, as it lies at :data:`BASE`.

    Raises
    ------
    BuildError
        If there is no compiler, or it has something to say.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "nm_accelerator.h").write_text(c_header(design))
        linked, image = folder / "firmware.elf", folder / "firmware.bin"
        _run([tool("gcc"), *OPTIONS, f"-I{DRIVER}", f"-I{folder}", "-T", SOURCES / "link.ld",
              SOURCES / "start.S", SOURCES / "main.c", DRIVER / "nm_driver.c", "-lgcc",
              "-o", linked])
        _run([tool("objcopy"), "-O", "binary", linked, image])
        return image.read_bytes()


def _run(command: list) -> None:
    done = call(command)
    if done.returncode:
        raise BuildError(f"{Path(command[0]).name} must build the program, not fail: {done.stderr}")
