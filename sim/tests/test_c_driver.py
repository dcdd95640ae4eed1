"""The driver in C, compiled, on the RTL: the same jobs, layouts and results as in Python."""

import ctypes

import numpy as np
import pytest
import torch

from hw.registers import DESCRIPTOR_BYTES, BusError, Error
from sim.tests.memories import BASE, BUS_DESIGNS, Bench
from sim.tests.programs import QUEUE, made, memory
from sim.verilated.c_driver import Driver, Job


pytestmark = pytest.mark.usefixtures("wheel")

DESIGN = BUS_DESIGNS["corrected"]
(NO_ACCELERATOR, OTHER_ACCELERATOR, BAD_QUEUE, BAD_SIZE, BAD_ADDRESS, BAD_STRIDE, OVERLAP, BUSY,
 FULL, _, TIMED_OUT) = range(128, 139)


@pytest.fixture
def bench(request):
    bench = Bench(DESIGN, request.node.name, latency=6, stall=0.1, mixes=True)
    bench.device.allow(BASE, 1 << 17)
    return bench


@pytest.fixture
def driver(bench, tmp_path):
    driver = Driver(bench.device, BASE, tmp_path, described=bench.design)
    assert driver.probe() == 0
    assert driver.configure(QUEUE, 2) == 0
    return driver


def results(driver, job, task):
    tokens, outputs = len(task.layer.x), len(task.layer.w)
    buffer = driver.pointer(job.result)
    return torch.tensor([[driver.job("result", job, buffer, token, output)
                          for output in range(outputs)] for token in range(tokens)])


def test_jobs_of_the_program_are_exact(bench, driver):
    """Buffers are those of Python, byte for byte; the ring is gone round several times."""
    for round_ in range(5):
        tasks = [bench.task(start=10_000 * k) for k in range(4)]
        bench.device.allow(BASE, 1 << 17)
        jobs = [made(driver, task) for task in tasks]
        for task, job in zip(tasks, jobs, strict=True):
            for name, image in task.placed.job.buffers.items():
                held = memory(driver, getattr(job, name), image.size)
                assert np.array_equal(held, image.reshape(-1)), name
            assert driver.call("submit", job) == 0
        assert driver.wait() == (0, 4 * (round_ + 1))
        for task, job in zip(tasks, jobs, strict=True):
            assert torch.equal(results(driver, job, task), task.y)
    assert not bench.device.violations
    assert not bench.device.pending


def test_the_queue_is_full_after_its_jobs(bench, driver):
    tasks = [bench.task(start=10_000 * k) for k in range(5)]
    jobs = [made(driver, task) for task in tasks]
    bench.device.allow(BASE, 1 << 17)
    assert [driver.call("submit", job) for job in jobs] == [0, 0, 0, 0, FULL]
    assert driver.configure(QUEUE, 2) == BUSY
    assert driver.wait(1)[0] == TIMED_OUT
    assert driver.wait() == (0, 4)
    assert driver.call("submit", jobs[4]) == 0
    assert driver.wait() == (0, 5)
    assert all(map(bench.exact, tasks))


def test_errors_reach_the_program_and_the_queue_goes_on(bench, driver):
    tasks = [bench.task(start=10_000 * k) for k in range(3)]
    jobs = [made(driver, task) for task in tasks]
    bench.device.allow(BASE, 1 << 17)
    jobs[1].output = 9
    for job in jobs:
        assert driver.call("submit", job) == 0
    assert driver.wait() == (Error.OUTPUT, 2)
    assert driver.wait() == (0, 3)
    bench.device.fail(1.0, ["weight"])
    assert driver.call("submit", jobs[0]) == 0
    assert driver.wait() == (BusError.READ, 4)
    bench.device.fail(0.0)
    assert driver.call("submit", jobs[0]) == 0
    bench.device.run(150)
    driver.call("cancel")
    assert driver.wait() == (BusError.ABORT, 5)
    assert driver.call("submit", jobs[0]) == 0
    assert driver.wait() == (0, 6)
    assert bench.exact(tasks[0])
    assert not bench.device.violations


def test_what_the_hardware_cannot_see_is_refused(bench, driver):
    task = bench.task(features=32)
    job = made(driver, task)
    for changed, status in (({"tokens": 0}, BAD_SIZE), ({"k_blocks": 1 << 23}, BAD_SIZE),
                            ({"act": job.act | 1}, BAD_ADDRESS),
                            ({"weight": 1 << 40}, BAD_ADDRESS),
                            ({"result": (1 << 40) - 8}, BAD_ADDRESS),
                            ({"act_stride": job.act_stride - 4}, BAD_STRIDE),
                            ({"result_stride": job.result_stride + 1}, BAD_STRIDE),
                            ({"result": job.weight & ~0xF}, OVERLAP)):
        other = Job.from_buffer_copy(job)
        for name, value in changed.items():
            setattr(other, name, value)
        assert driver.call("submit", other) == status, changed
    assert driver.job("shape", Job(), 0, 4, 4) == BAD_SIZE
    assert driver.job("shape", Job(), 1, 0xFFFFFFFF, 4) == BAD_SIZE
    assert driver.configure(QUEUE + DESCRIPTOR_BYTES // 2, 2) == BAD_QUEUE
    assert driver.configure(QUEUE, 16) == BAD_QUEUE


def test_another_accelerator_is_not_taken(bench, tmp_path):
    other = Driver(bench.device, BASE, tmp_path, described=BUS_DESIGNS["plain"])
    assert other.probe() == OTHER_ACCELERATOR
    assert other.text(OTHER_ACCELERATOR) == "the accelerator is not that of the header"
    words = (ctypes.c_uint32 * 256)()
    mapped = other.library.nm_mapped
    mapped.restype = type(other._port)
    assert other.library.nm_probe(ctypes.byref(other.state), mapped(words)) == NO_ACCELERATOR


def test_every_status_has_a_text(driver):
    for error in (*Error, *BusError):
        assert driver.text(error) == error.meaning
    texts = [driver.text(status) for status in range(128, 139)]
    assert len(set(texts)) == 11
    assert driver.text(127) == driver.text(139) == "an unknown status"
