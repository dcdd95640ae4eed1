"""Long runs of random jobs through accelerators: back to back, cut by resets and aborts."""

from dataclasses import replace

import numpy as np

from hw.config import Design, Pattern
from sim.simulators.environment import seed
from sim.vectors.layers import Layer, random_layer
from sim.vectors.stimulus import generator
from sim.verilated.accelerator import Accelerator
from sw.driver.beats import Beats
from sw.driver.linear import BUSY, DONE
from sw.driver.reference import ReferenceAccelerator


__all__ = ["accelerators", "soak_jobs"]


START, ABORT = 1, 4
"""Of the register ``CONTROL``."""

QUEUED = 4
"""Jobs whose streams are queued at once."""

TOKENS = 24
"""Of a job at most."""

CUT, LATE = 400, 200
"""Cycles within which a job is cut, and after which a stream begins, at most."""

HELD = 150
"""Reads, of a few cycles each, while no result of a job is taken: more rows wait than find room."""

STALLS = (0.0, 0.1, 0.3, 0.6)
"""Chances of pauses."""


def accelerators(pattern: Pattern) -> list[Design]:
    """Small accelerators that have, together, every kind of stream, shift and result."""
    plain = Design(pattern, rows=2, columns=2, tile=2, max_k=16 * pattern.m, batch_tokens=4)
    flexible = "n" if pattern.m & (pattern.m - 1) else "all"
    return [
        replace(plain, coefficients=8, epilogue_lanes=0),
        replace(plain, coefficients=8, shift="channel", statistics=True, epilogue_lanes=1),
        replace(plain, coefficients=4, shift="mean", statistics=True, epilogue_lanes=2),
        replace(plain, shift="scalar", flexible=flexible, unstructured=True, epilogue_lanes=1),
        # Of small batches many wait for results to leave.
        replace(plain, rows=4, columns=1, tile=4, batch_tokens=1, shift="mean", epilogue_lanes=1),
    ]


def soak_jobs(design: Design, blocks: int, *, number: int = 0) -> tuple[int, int]:
    """Run random jobs until ``blocks`` blocks of tokens have gone through an accelerator.

    Jobs come four at a time. Their streams are queued before the first of them starts, or each
    stream of each job begins at a time of its own, and results of some are not taken for long;
    before, one in three times, another job is cut by a reset or by an abort, in any cycle.

    Parameters
    ----------
    design : Design
        Of the accelerator, with streams.
    blocks : int
        Blocks of the tokens of all jobs that are not cut.
    number : int
        Chooses the random numbers, with SEED and the design.

    Returns
    -------
    tuple of int and int
        Blocks, not less than asked for, and cycles.

    Raises
    ------
    AssertionError
        If a result, its ``tlast``, or the status is wrong, or beats are left over.
    TimeoutError
        If results do not come.
    OSError
        If the bus answers with an error.
    """
    rng = generator("soak", "accelerator", design, number)
    device, reference = Accelerator(design), ReferenceAccelerator(design)
    done = cycles = 0
    while done < blocks:
        device.pause(float(rng.choice(STALLS)), seed() + number + 1)
        _cut(device, _layer(design, rng), rng)
        layers = [_layer(design, rng) for _ in range(QUEUED)]
        early = rng.random() < 0.5
        if early:
            for layer in layers:
                device.offer(layer.job.inputs)
        for layer in layers:
            _start(device, layer)
            if not early:
                device.offer(layer.job.inputs,
                             {name: int(rng.integers(LATE)) for name in layer.job.inputs})
            for _ in range(int(rng.choice([0, 0, 0, HELD]))):
                device.read("STATUS")
            cycles += _finish(device, layer, _expected(reference, layer))
            done += len(layer.x) * design.pattern.blocks(layer.x.shape[1])
        assert not device.pending(), f"beats are left over: {device.pending()}"
    return done, cycles


def _layer(design: Design, rng: np.random.Generator) -> Layer:
    most = design.max_k if design.whole_tokens else 3 * design.max_k // 2
    return random_layer(design, rng, tokens=int(rng.integers(1, TOKENS + 1)),
                        features=int(rng.integers(1, most + 1)))


def _start(device: Accelerator, layer: Layer) -> None:
    for register, value in (layer.job.registers | {"CONTROL": START}).items():
        device.write(register, value)
    status = device.read("STATUS")
    assert status == BUSY, f"STATUS is {status:#x} behind a start"


def _expected(reference: ReferenceAccelerator, layer: Layer) -> Beats:
    for register, value in (layer.job.registers | {"CONTROL": START}).items():
        reference.write(register, value)
    return reference.run(layer.job.inputs, layer.job.results, limit=0)[0]


def _finish(device: Accelerator, layer: Layer, expected: Beats) -> int:
    """Take the results of a job, compare them, and return its cycles."""
    got, cycles = device.take(layer.job.results, limit=layer.job.limit)
    if len(got.last) < layer.job.results:
        raise TimeoutError(f"{len(got.last)} of {layer.job.results} results came within {cycles} "
                           f"cycles, {device.pending() or 'no beats'} are left over")
    for field in ("data", "last"):
        assert np.array_equal(getattr(got, field), getattr(expected, field)), \
            f"t{field} of results is wrong"
    status = _rest(device)
    assert status == DONE, f"STATUS is {status:#x} behind a job"
    return cycles


def _rest(device: Accelerator) -> int:
    """STATUS, some cycles later: rows without a token leave the array after the last result."""
    for _ in range(20):
        device.read("IDLE_CYCLES")
    return device.read("STATUS")


def _cut(device: Accelerator, layer: Layer, rng: np.random.Generator) -> None:
    """Now and then begin a job, and reset or abort it in the middle of its packets."""
    way = rng.choice(["reset", "abort", "", "", "", ""])
    if not way:
        return
    _start(device, layer)
    device.offer(layer.job.inputs)
    device.take(layer.job.results, limit=int(rng.integers(CUT)))
    if way == "reset":
        device.reset()
        return
    device.write("CONTROL", ABORT)
    device.discard()
    for _ in range(CUT):
        if not device.read("STATUS") & BUSY:
            break
        device.take(1, limit=3)  # a result that was on offer
    else:
        raise TimeoutError("an abort does not end")
    device.write("CONTROL", 0)
