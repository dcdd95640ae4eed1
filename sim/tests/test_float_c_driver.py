"""The driver in C on accelerators in floats: layouts of Python, and exact results."""

import numpy as np
import pytest

from sim.runs.float_program import float_job_of
from sim.tests.float_memories import FLOAT_BUS_DESIGNS, FloatBench
from sim.tests.memories import BASE
from sim.tests.programs import QUEUE, memory
from sim.verilated.c_driver import Driver
from sw.driver.floats import FloatLayer


pytestmark = pytest.mark.usefixtures("wheel")


def made(driver, task):
    """The job of a task; nothing but the driver writes its buffers."""
    registers, sizes = task.placed.registers, task.placed.job.sizes
    addresses = {name: registers[f"{name.upper()}_LOW"] | registers[f"{name.upper()}_HIGH"] << 32
                 for name in sizes}
    for name, address in addresses.items():
        memory(driver, address, sizes[name])[:] = 0xA5
    job = float_job_of(driver, driver.device.design, FloatLayer(*task.layer), task.placed.job,
                       addresses)
    assert all(driver.job(f"{name}_size", job) == size for name, size in sizes.items())
    return job


@pytest.mark.parametrize("name", [
    name if k == 0 else pytest.param(name, marks=pytest.mark.long)
    for k, name in enumerate(FLOAT_BUS_DESIGNS)])
def test_jobs_of_the_program_are_exact(name, tmp_path):
    """Buffers are those of Python, byte for byte; some jobs decode, where that is there."""
    bench = FloatBench(FLOAT_BUS_DESIGNS[name], f"c {name}", latency=6, stall=0.1, mixes=True)
    driver = Driver(bench.device, BASE, tmp_path)
    assert driver.probe() == 0
    assert driver.configure(QUEUE, 2) == 0
    for round_ in range(3):
        tasks = [bench.task(start=10_000 * k, tokens=k + 1) for k in range(4)]
        bench.device.allow(BASE, 1 << 17)
        jobs = [made(driver, task) for task in tasks]
        for task, job in zip(tasks, jobs, strict=True):
            for part, image in task.placed.job.buffers.items():
                held = memory(driver, getattr(job, part), image.size)
                assert np.array_equal(held, image.reshape(-1)), part
            job.decode = bench.design.decode and job.tokens <= bench.design.decode_tokens \
                and job.k_blocks <= bench.design.max_blocks
            assert driver.call("submit", job) == 0
        assert driver.wait() == (0, 4 * (round_ + 1))
        for task, job in zip(tasks, jobs, strict=True):
            found = [[driver.job("result", job, driver.pointer(job.result), token, output)
                      for output in range(task.y.shape[1])] for token in range(len(task.y))]
            assert found == task.y.tolist()
    assert not bench.device.violations
    assert not bench.device.pending
