"""A linear layer by the driver in C: what a program does with an accelerator and its memory."""

import tempfile
from pathlib import Path

import torch
from torch import Tensor

from hw.config import Design, Pattern
from hw.registers import DESCRIPTOR_BYTES
from sim.runs.system import APART, LIMIT, Memory, Outcome, decodes, outcome
from sim.verilated.bus import BusAccelerator
from sim.verilated.c_driver import Driver, Job
from sw.driver.memory import MemoryJob, memory_job
from sw.exact.linear import nm_linear


__all__ = ["call", "run_program", "start", "submit"]


def run_program(design: Design, memory: Memory, x: Tensor, weight: Tensor,
                pattern: Pattern | None = None, decode: bool | None = None) -> Outcome:
    """Run a linear layer as :func:`sim.runs.system.run_layer` does, with the driver as master.

    The driver finds the accelerator, lays out tokens and weights, queues one job, is told of its
    end by the interrupt, and reads the results. Cycles are those from the write that submits the
    job to the interrupt, the fetch of its descriptor among them.

    Raises
    ------
    RuntimeError
        As ``run_layer``, and if a call of the driver fails.
    """
    decode = decodes(design, x) if decode is None else decode
    asked = memory_job(design, x, weight, decode=decode, pattern=pattern)
    device, driver, addresses = start(design, memory, asked)
    job = _job(driver, asked.registers, addresses, x, weight)
    job.decode = decode
    cycles, results = submit(driver, device, job, len(x), len(weight))
    exact = torch.equal(results, nm_linear(x, weight, pattern or design.pattern).long())
    return outcome(device, exact, cycles)


def start(design: Design, memory: Memory, asked: MemoryJob
          ) -> tuple[BusAccelerator, Driver, dict[str, int]]:
    """An accelerator that the driver has set up, and places in memory for a job's buffers.

    Raises
    ------
    RuntimeError
        If a call of the driver fails.
    """
    addresses, end = {}, DESCRIPTOR_BYTES
    for name, size in asked.sizes.items():
        addresses[name] = -(-end // APART) * APART
        end = addresses[name] + size
    device = BusAccelerator(design, size=end + design.bus_bytes, latency=memory.latency,
                            bandwidth=memory.bandwidth)
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(device, 0, Path(folder))
    call(driver, "probe", driver.probe())
    call(driver, "configure", driver.configure(0, 0))
    return device, driver, addresses


def submit(driver: Driver, device: BusAccelerator, job: Job, tokens: int, outputs: int
           ) -> tuple[int, Tensor]:
    """Run a job; cycles from its submission to the interrupt, and results, int64 [T, O].

    Raises
    ------
    RuntimeError
        If a call of the driver fails, or the job breaks a rule of the bus.
    """
    device.allow(job.result, driver.job("result_size", job))
    call(driver, "submit", driver.call("submit", job))
    cycles = device.run(LIMIT)
    call(driver, "wait", driver.wait(1)[0])
    if device.violations or device.pending:
        raise RuntimeError(f"a job must leave the bus clean, not {device.violations!r}")
    buffer = driver.pointer(job.result)
    return cycles, torch.tensor([[driver.job("result", job, buffer, token, output)
                                  for output in range(outputs)] for token in range(tokens)])


def _job(driver: Driver, registers: dict[str, int], addresses: dict[str, int], x: Tensor,
         weight: Tensor) -> Job:
    """The job as the program makes it, with its buffers in memory."""
    job = Job()
    call(driver, "shape", driver.job("shape", job, len(x), x.shape[1], len(weight)))
    job.corrections = registers["CORRECTIONS"]
    job.job_pattern = registers.get("JOB_PATTERN", 0)
    for name, address in addresses.items():
        setattr(job, name, address)
    if job.coef:
        driver.job("put_coefficients", job, driver.pointer(job.coef), None, None, x.shape[1])
    tokens, weights = (part.contiguous().numpy() for part in (x, weight))
    driver.job("put_tokens", job, driver.pointer(job.act), tokens, x.shape[1])
    driver.job("put_weights", job, driver.pointer(job.weight), weights, *weight.shape)
    return job


def call(driver: Driver, name: str, status: int) -> None:
    """Raise RuntimeError if a call of the driver has failed."""
    if status:
        raise RuntimeError(f"nm_{name} must succeed, not fail: {driver.text(status)}")
