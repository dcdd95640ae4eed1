"""Jobs as a program makes them with the driver in C."""


import numpy as np

from sim.tests.memories import BASE, Task
from sim.verilated.c_driver import Driver, Job, Terms


__all__ = ["QUEUE", "made", "memory"]


QUEUE = BASE + (1 << 17)
"""Where the descriptors are, behind the jobs."""


def made(driver: Driver, task: Task) -> Job:
    """The job of a task as the program makes it; its buffers are written by the driver alone."""
    layer, registers, given = task.layer, task.placed.registers, task.layer.corrections
    tokens, features = layer.x.shape
    outputs = len(layer.w)
    job = Job()
    assert driver.job("shape", job, tokens, features, outputs) == 0
    for name in ("output", "corrections", "static_shift", "job_pattern", "threshold"):
        setattr(job, name, registers.get(name.upper(), 0))
    for name in task.placed.job.sizes:
        address = registers[f"{name.upper()}_LOW"] | registers[f"{name.upper()}_HIGH"] << 32
        setattr(job, name, address)
        size = driver.job(f"{name}_size", job)
        assert size == task.placed.job.sizes[name], name
        if name != "result":
            memory(driver, address, size)[:] = 0xA5
    _put(driver, job, "tokens", job.act, _array(layer.x, np.int8), features)
    _put(driver, job, "weights", job.weight, _array(layer.w, np.int8), outputs, features)
    if job.coef:
        _put(driver, job, "coefficients", job.coef, _array(given.factors, np.uint8),
            _array(given.shifts, np.int8), features)
    if job.token:
        _put(driver, job, "scales", job.token, _array(given.token_scale, np.uint16))
    if job.channel:
        assert given.channels
        terms = (Terms * outputs)(*(Terms(*values) for values in zip(*(part.tolist() for part in (
            given.channels.scale, given.channels.shift, given.channels.bias)), strict=True)))
        _put(driver, job, "terms", job.channel, terms, outputs)
    return job


def _array(values, kind):
    """A C array of a tensor, if there is one."""
    return None if values is None else np.ascontiguousarray(values.numpy().astype(kind))


def _put(driver, job, what, address, *arguments):
    """``nm_put_<what>``."""
    driver.job(f"put_{what}", job, driver.pointer(address), *arguments)


def memory(driver: Driver, address: int, size: int) -> np.ndarray:
    """Bytes at an address of the bus."""
    return driver.device.memory[address - BASE:][:size]
