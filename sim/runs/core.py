"""A linear layer by the driver in C on a RISC-V core, in one model with the accelerator."""

import numpy as np
import torch
from torch import Tensor

from hw.config import Design, Pattern
from hw.registers import DESCRIPTOR_BYTES
from sim.core.firmware import BASE, PROGRAM_BYTES, TASK, TRAPPED, Task, compiled
from sim.core.system import CoreSystem
from sim.runs.system import APART, LIMIT, Memory, Outcome, decodes, outcome
from sw.driver.memory import MemoryJob, memory_job, result_values
from sw.exact.linear import nm_linear


__all__ = ["run_core"]


def run_core(design: Design, memory: Memory, x: Tensor, weight: Tensor,
             pattern: Pattern | None = None, decode: bool | None = None, *,
             weights_too: bool = False) -> Outcome:
    """Run a linear layer as :func:`sim.runs.system.run_layer` does, with a core as master.

    The program lays out the tokens, queues the job, sleeps until the interrupt and reads the
    results. Cycles are those from when it has submitted the job to its handler of the interrupt;
    ``firmware`` are the others, from its first access to its last result.

    Parameters
    ----------
    design, memory, x, weight, pattern, decode
        As of ``run_layer``.
    weights_too : bool
        Whether the program lays out the weights as well. They are constants: by default they are in
        their layout before it begins.

    Raises
    ------
    BuildError
        If compiler or core are not installed.
    RuntimeError
        As ``run_layer``, if a call of the driver fails, or if the program does what it must not.
    TimeoutError
        If the program does not end.
    """
    decode = decodes(design, x) if decode is None else decode
    job = memory_job(design, x, weight, decode=decode, pattern=pattern)
    given = {"x": _bytes(x), **({"w": _bytes(weight)} if weights_too else {
        "weight": job.buffers["weight"].reshape(-1)})}
    sizes = {name: image.size for name, image in given.items()} | {
        "y": 8 * len(x) * len(weight), "queue": DESCRIPTOR_BYTES} | job.sizes
    addresses, end = {}, PROGRAM_BYTES
    for name, size in sizes.items():
        addresses[name] = BASE + -(-end // APART) * APART
        end = addresses[name] - BASE + size
    device = CoreSystem(design, size=end + design.bus_bytes, latency=memory.latency,
                        bandwidth=memory.bandwidth)
    _put(device, BASE, np.frombuffer(compiled(design), np.uint8))
    for name, image in given.items():
        _put(device, addresses[name], image)
    task = Task(len(x), x.shape[1], len(weight), job.registers["CORRECTIONS"],
                job.registers.get("JOB_PATTERN", 0), decode, **addresses)
    _put(device, TASK, np.frombuffer(bytes(task), np.uint8))
    device.allow(addresses["result"], job.result_size)
    device.run_program(LIMIT)
    return _outcome(device, job, addresses, nm_linear(x, weight, pattern or design.pattern).long())


def _outcome(device: CoreSystem, job: MemoryJob, addresses: dict[str, int],
             expected: Tensor) -> Outcome:
    """What the program came to, by its task and by the memory."""
    task = Task.from_buffer_copy(device.memory[TASK - BASE:].tobytes())
    if task.status:
        trap = f", trap {task.cause:#x} at {task.place:#x}" * (task.status == TRAPPED)
        raise RuntimeError(f"the program must succeed, not end with status {task.status}{trap}")
    if device.violations or device.pending:
        raise RuntimeError(f"a job must leave the bus clean, not {device.violations!r}")
    tokens, outputs = expected.shape
    image = _get(device, addresses["result"], job.result_size).reshape(job.tiles, -1)
    y = torch.from_numpy(_get(device, addresses["y"], 8 * expected.numel()).view("<i8").copy())
    exact = (torch.equal(result_values(image, tokens, outputs, device.design), expected)
             and torch.equal(y.reshape(tokens, outputs), expected))
    cycles = task.told - task.submitted & 0xFFFFFFFF
    return outcome(device, exact, cycles, task.read - task.began - cycles & 0xFFFFFFFF)


def _bytes(values: Tensor) -> np.ndarray:
    """Rows of int8, one behind the other."""
    return values.contiguous().numpy().view(np.uint8).reshape(-1)


def _get(device: CoreSystem, address: int, size: int) -> np.ndarray:
    return device.memory[address - BASE:][:size]


def _put(device: CoreSystem, address: int, image: np.ndarray) -> None:
    _get(device, address, image.size)[:] = image
