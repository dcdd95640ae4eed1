"""What is run: units of random blocks, each the same whenever and in whatever order it is run."""

import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hw.command.faults import Fault
from hw.config import Design, Pattern
from sim.runs.soak.jobs import accelerators, soak_jobs
from sim.runs.soak.streams import designs, soak
from sim.vectors.stimulus import generator


__all__ = ["Unit", "plan", "run_unit"]


STREAMED, JOBS = 20_000, 5000
"""Blocks of a unit of a compressor or decompressor, and of an accelerator."""

LEAST = 1000
"""Blocks of the last unit at least."""

STALLS = (0.0, 0.1, 0.3, 0.6)
"""Chances of pauses of a stream."""

RESETS = 4
"""In a stream at most."""


@dataclass(frozen=True)
class Unit:
    """A part of the plan.

    Attributes
    ----------
    name : str
        ``compressor``, ``decompressor`` or ``accelerator``.
    number : int
        Chooses its random numbers, among the units of that name.
    design : Design
    blocks : int
        To go through it, or a few more.
    """

    name: str
    number: int
    design: Design
    blocks: int

    def __str__(self) -> str:
        """The unit in a line of the journal."""
        options = f" {self.design.options}" if self.design.options else ""
        return f"{self.name} {self.number}: {self.blocks} blocks, {self.design.pattern}{options}"


def plan(patterns: Sequence[Pattern], blocks: int, job_blocks: int) -> list[Unit]:
    """Units of random blocks.

    ``blocks`` go through compressors, as many through decompressors, and ``job_blocks`` of tokens
    through accelerators. Units of a name take the designs of the patterns in turn, and names are
    mixed: whatever part of the plan has run is of everything. More blocks add units, and change
    none but the last one.
    """
    compressors = [design for pattern in patterns for design in designs(pattern)]
    decompressors = [design for design in compressors
                     if design.shift == "none" and not design.coefficients]
    chosen = {"compressor": (compressors, blocks, STREAMED),
              "decompressor": (decompressors, blocks, STREAMED),
              "accelerator": ([design for pattern in patterns for design in accelerators(pattern)],
                              job_blocks, JOBS)}
    placed = []
    for name, (of_name, wanted, size) in chosen.items():
        count = -(-wanted // size)
        placed += [((number + 0.5) / count,
                    Unit(name, number, of_name[number % len(of_name)],
                         size if number < count - 1 else max(LEAST, wanted - number * size)))
                   for number in range(count)]
    return [unit for _, unit in sorted(placed, key=lambda one: one[0])]


def run_unit(unit: Unit) -> dict[str, Any]:
    """Run a unit; what the journal tells of it, with ``wrong`` only if something was.

    Whatever a unit raises is wrong with it, but for what the machine did not do, which would stop
    every other one as well.

    Raises
    ------
    Fault
        If a model could not be built.
    OSError, MemoryError
        If the machine gives no more files, or no more memory.
    """
    begin, told = time.monotonic(), {"unit": str(unit), "name": unit.name}
    try:
        told |= _run(unit)
    except (Fault, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:  # no error of the bus
            raise
        kind = "" if isinstance(error, AssertionError) else f"{type(error).__name__}: "
        told["wrong"] = f"{kind}{error}"
    # The memory that this process has ever had at once, in MiB.
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    return told | {"seconds": round(time.monotonic() - begin, 3), "peak": peak}


def _run(unit: Unit) -> dict[str, Any]:
    """Blocks and cycles of a unit that is right."""
    if unit.name == "accelerator":
        blocks, cycles = soak_jobs(unit.design, unit.blocks, number=unit.number)
        return {"blocks": blocks, "cycles": cycles}
    rng = generator("soak", unit.name, unit.number)
    cycles = soak(unit.name, unit.design, unit.blocks, number=unit.number,
                  stall=float(rng.choice(STALLS)), resets=int(rng.integers(RESETS + 1)))
    return {"blocks": unit.blocks, "cycles": cycles}
