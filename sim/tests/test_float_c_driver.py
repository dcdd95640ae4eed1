"""The driver in C on accelerators in floats: layouts of Python, and exact results."""

import numpy as np
import pytest
import torch

from sim.tests.float_memories import FLOAT_BUS_DESIGNS, FloatBench
from sim.tests.memories import BASE
from sim.tests.programs import QUEUE, memory
from sim.verilated.c_driver import Driver, Job, Terms
from sw.driver.floats import elements
from sw.exact.formats import to_bits


pytestmark = pytest.mark.usefixtures("wheel")


def array(values, kind):
    return np.ascontiguousarray(values.numpy().astype(kind))


def made(driver, task):
    """The job of a task as a program makes it; its buffers are written by the driver alone."""
    design, layer, registers = driver.device.design, task.layer, task.placed.registers
    job = Job()
    assert driver.job("shape", job, *layer.x.shape, len(layer.weight)) == 0
    for name in ("output", "job_pattern", "activate", "tensor_scale"):
        setattr(job, name, registers.get(name.upper(), 0))
    for name, size in task.placed.job.sizes.items():
        address = registers[f"{name.upper()}_LOW"] | registers[f"{name.upper()}_HIGH"] << 32
        setattr(job, name, address)
        assert driver.job(f"{name}_size", job) == size, name
        if name != "result":
            memory(driver, address, size)[:] = 0xA5
    coded = elements(layer.weight, design)
    kind = np.uint16 if design.number.bits > 8 else np.uint8
    driver.job("put_tokens", job, driver.pointer(job.act),
               array(to_bits(layer.x, design.format), kind), layer.x.shape[1])
    driver.job("put_weights", job, driver.pointer(job.weight),
               array(to_bits(coded.values, design.weight.name), np.uint8), *layer.weight.shape)
    if design.quantized:
        m = design.pattern.m
        scales = coded.scale.view(torch.uint8).repeat_interleave(design.quantized.size // m, 1)
        driver.job("put_weight_scales", job, driver.pointer(job.weight),
                   array(scales[:, :job.k_blocks], np.uint8), len(layer.weight))
    if job.channel:
        given = layer.bias if layer.bias is not None else torch.zeros(len(layer.weight))
        terms = (Terms * len(given))(*(Terms(7, 9, bias)  # what is not there is not looked at
                                       for bias in to_bits(given.bfloat16(), "bf16").tolist()))
        driver.job("put_terms", job, driver.pointer(job.channel), terms, len(given))
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
