"""Runs jobs on an accelerator with a bus, and looks at memory and bus after each of them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from hw.bus.job_settings import job_registers
from hw.config import Design, Pattern
from hw.registers import BusError
from sim.tests.jobs import CORRECTED, DESIGNS, PLAIN, expected
from sim.vectors.layers import Layer, random_layer
from sim.vectors.memory import Placed, place
from sim.vectors.stimulus import generator
from sim.verilated.bus import BusAccelerator
from sw.driver.beats import result_tensor
from sw.driver.memory import memory_job
from sw.driver.reference import ReferenceAccelerator


__all__ = ["ACTIVE", "BASE", "BUS_DESIGNS", "ENDED", "Bench", "Task", "control", "put_on_bus"]


BASE = 3 << 33
ACTIVE, ENDED = 1, 2
START, ABORT, ACKNOWLEDGE, RESUME, QUEUE, INTERRUPT, OKAY = (1 << bit for bit in range(7))


def put_on_bus(design: Design, width: int, burst: int, outstanding: int) -> Design:
    """The same accelerator behind a bus."""
    return replace(design, bus="axi4", bus_width=width, burst=burst, outstanding=outstanding,
                   address_width=40)


BUS_DESIGNS = {
    "corrected": replace(put_on_bus(CORRECTED, 64, 4, 3), columns=4, decode=True),
    "plain": put_on_bus(PLAIN, 512, 256, 1),
    "mean": put_on_bus(DESIGNS["mean"], 128, 1, 8),
    "odd": put_on_bus(Design(Pattern(3, 7), rows=3, columns=3, tile=2, max_k=21, batch_tokens=5,
                             accumulator_width=33, shift="scalar"), 128, 16, 4),
}
"""Words and elements of many ratios; the first one is the one that plain tests build."""


def control(*names: str) -> int:
    """Word of BUS_CONTROL."""
    return sum(globals()[name] for name in names)


@dataclass(frozen=True)
class Task:
    """A layer in memory, of integers or of floats, and its results."""

    layer: Any
    placed: Placed
    y: torch.Tensor


class Bench:
    """An accelerator, its memory and the reference."""

    def __init__(self, design: Design, name: str, **memory):
        self.design = design
        self.rng = generator("bus", name)
        self.device = BusAccelerator(design, base=BASE, size=1 << 18, **memory)
        self.reference = ReferenceAccelerator(design)
        self.device.write("BUS_CONTROL", INTERRUPT)

    def task(self, start: int = 0, kept: bool = False, features: int = 0) -> Task:
        """A random layer, put into memory from about ``start`` on; only its results may change."""
        layer = random_layer(self.design, self.rng, kept, features)
        return self.put(layer, start)

    def put(self, layer: Layer, start: int = 0, **more: int) -> Task:
        """Put a layer into memory; ``more`` registers belong to its job."""
        job = memory_job(self.design, layer.x, layer.w, layer.corrections)
        job = replace(job, registers=layer.job.registers | more)
        begin = BASE + start + int(self.rng.integers(0, 8192))
        placed, _ = place(job, self.device.memory, BASE, begin, self.rng)
        self.device.allow(placed.address, job.result_size)
        beats = expected(self.reference, layer)
        tokens, features = layer.x.shape
        y = result_tensor(beats, tokens, features, len(layer.w), self.design)
        return Task(layer, placed, y)

    def start(self, task: Task, **changed: int) -> None:
        """Start a job by its registers."""
        registers = {register.name: 0 for register in job_registers(self.design)}
        registers |= task.placed.registers | changed
        for name, value in registers.items():
            self.device.write(name, value)
        self.device.write("BUS_CONTROL", START | INTERRUPT)

    def finish(self, limit: int = 400_000) -> int:
        """Wait for the interrupt; return the error. Nothing may be left on the bus."""
        self.device.run(limit)
        status = self.device.read("BUS_STATUS")
        assert status & (ACTIVE | ENDED) == ENDED, f"BUS_STATUS {status:#x}"
        assert not self.device.violations
        assert not self.device.pending
        self.device.write("BUS_CONTROL", ACKNOWLEDGE | RESUME | INTERRUPT)
        assert self.device.read("BUS_STATUS") & 0x3FF == 0
        return status >> 2 & 0xFF

    def stream(self) -> int:
        """The stream of the last error that has one."""
        return self.device.read("BUS_STATUS") >> 10

    def exact(self, task: Task) -> bool:
        """Whether the results of a job are in memory."""
        return torch.equal(task.placed.results(self.device.memory, BASE, self.design), task.y)

    def run(self, task: Task) -> None:
        """Run a job that is exact."""
        self.start(task)
        assert not self.finish()
        assert self.exact(task)

    def run_or_fail(self, task: Task) -> int:
        """Run a job that is exact, unless the memory failed; return the error."""
        before = self.device.failed
        self.start(task)
        error = self.finish()
        if self.device.failed == before:
            assert not error
            assert self.exact(task)
        else:
            assert error in (BusError.READ, BusError.WRITE)
        return error

    def image(self, task: Task) -> np.ndarray:
        """The memory without the results of a job, as a copy."""
        copy = self.device.memory.copy()
        copy[task.placed.address - BASE:][:task.placed.job.result_size] = 0
        return copy
