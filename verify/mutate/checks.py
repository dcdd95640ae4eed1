"""What the project checks of a design, as functions that a mutant passes or not.

Each takes the design in simulation, after power-up, and raises what says that it is wrong:
AssertionError for a result, TimeoutError for one that does not come, RuntimeError and OSError for
streams and a bus that do not keep their rules.
"""

import ctypes
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import torch

from hw.config import Design
from hw.registers import REGISTERS
from sim.runs.soak.streams import compare, expanded
from sim.vectors.layers import random_layer
from sim.vectors.stimulus import bit_rows, generator, number_rows
from sim.vectors.tokens import Beats, random_tokens
from sw.driver.linear import BUSY, LinearJob
from sw.driver.reference import ReferenceAccelerator
from sw.exact.encoding import decode_mask
from sw.exact.selection import nm_mask
from verify.jobs import JobBench
from verify.mutate.devices import streams
from verify.mutate.lapse import COUNTED, LEFT, lapse
from verify.packets import packets
from verify.timing import aborted_in_passing, early_and_late, while_busy


__all__ = ["accelerator", "compressor", "decompressor", "leaps", "selector", "through"]


Check = Callable[[Any], None]

STALLS = (0.0, 0.3, 0.8)
"""Chances of pauses: none, so that every cycle counts; some; mostly."""

BLOCKS = 8000
"""Of a stream."""

LAYERS = 25
"""Of an accelerator."""

START, IRQ_ENABLE, ABORT = 1, 2, 4
"""Of its register ``CONTROL``."""


def selector(design: Design) -> Check:
    """Masks against a sort; those of a stream against the reference, with pauses and a reset."""
    if streams(design):
        rng, pattern = generator("mutate", design), design.pattern
        top = rng.choice([2, 4, 1 << design.score_width], (BLOCKS, 1))
        scores = rng.integers(0, top, (BLOCKS, pattern.m))
        mask = nm_mask(torch.from_numpy(scores.astype(np.int16)), pattern.n, pattern.m).numpy()
        last, none = rng.random(BLOCKS) < 0.3, np.zeros((BLOCKS, 0), bool)
        return through(Beats(bit_rows(scores, design.score_width), last, none),
                       Beats(mask, last, none))

    def check(built: Any) -> None:
        for seed in (1, 2):
            assert built.run(50_000, seed), "a mask is wrong, or does not come"

    return check


def compressor(design: Design) -> Check:
    """Streams against the reference, with pauses, a reset in between, and their cycles."""
    tokens = random_tokens(design, BLOCKS, generator("mutate", design))
    return through(tokens.dense, tokens.compressed, tokens.channel, tokens.shift)


def decompressor(design: Design) -> Check:
    """The same, of legal and illegal metadata."""
    rng = generator("mutate", design)
    tokens = random_tokens(replace(design, max_k=3 * design.pattern.m), BLOCKS, rng)
    sent = tokens.compressed
    legal = expanded(design, tokens)
    spoiled = rng.random(sent.user.shape) < 0.5
    user = np.where(rng.random((len(spoiled), 1)) < 0.4, spoiled, sent.user)
    per_block = design.pattern.n if design.encoding == "index" else 1
    numbers = number_rows(user, design.metadata_bits // per_block)
    masks, illegal = (part.numpy() for part in decode_mask(
        torch.from_numpy(numbers if per_block > 1 else numbers[:, 0]), design.pattern,
        design.encoding))
    dense = np.zeros(masks.shape, np.int64)
    dense[masks] = number_rows(sent.data, design.number.bits)[~illegal].ravel()
    other = Beats(bit_rows(dense, design.number.bits), sent.last, illegal[:, None])
    checks = [through(sent, legal), through(replace(sent, user=user), other)]

    def check(built: Any) -> None:
        for each in checks:
            each(built)

    return check


def accelerator(design: Design) -> Check:
    """Jobs against the reference, with pauses, early and late streams, a reset and an abort.

    Cycles are those of the design without a mutant. Then registers, errors and odd packets.
    """
    rng, reference = generator("mutate", design), ReferenceAccelerator(design)
    most = min(96, design.covered_blocks * design.pattern.m)
    layers = [random_layer(design, rng, features=int(rng.integers(1, most + 1)))
              for _ in range(LAYERS)]
    results = [_expected(reference, layer.job) for layer in layers]
    cycles: dict[tuple[float, int], int] = {}

    def check(built: Any) -> None:
        for stall in STALLS:
            built.pause(stall)
            _interrupt(built, layers[0].job, 30)
            built.reset()
            for after in range(100):  # in the cycle of the first result, too
                _interrupt(built, layers[1].job, after)
                _abort(built)
            for number, (layer, result) in enumerate(zip(layers, results, strict=True)):
                took = _job(built, layer.job, result)
                assert cycles.setdefault((stall, number), took) == took, "another number of cycles"
        bench = JobBench(built, "mutate")
        bench.registers()
        bench.extremes()
        bench.gains()
        bench.full_buffers()
        for stall in (STALLS[-1], STALLS[0]):  # what is missing meets a beat on offer, and none
            built.pause(stall)
            packets(bench)
        _interrupts(built, bench)
        _bus(built, rng.integers(1 << 32, size=64))
        while_busy(bench)
        early_and_late(bench)
        aborted_in_passing(bench)
        bench.timeouts()
        bench.sizes()
        leaps(built, bench)

    return check


def _interrupts(built: Any, bench: JobBench) -> None:
    """An interrupt is raised when a job has ended, or a stream is late, and they are enabled."""
    job = bench.small()
    for timeout in (0, 200):
        built.write("TIMEOUT", timeout)
        bench.start(job, START | IRQ_ENABLE)
        assert not built.call("irq"), "an interrupt of a job that has begun"
        built.take(1, limit=300)
        assert built.call("irq") == bool(timeout), "timeouts interrupt"
        built.offer(job.inputs)
        built.take(job.results, limit=job.limit)
        bench.status()
        for control, raised in ((IRQ_ENABLE, 1), (0, 0)):
            built.write("CONTROL", control)
            assert built.call("irq") == raised, "the end of a job interrupts"
        built.discard()
    built.write("TIMEOUT", 0)


def leaps(built: Any, bench: JobBench) -> None:
    """Jobs with high bits of their sizes, which are gone before the end, and counters at theirs.

    Tiles begin anew with every batch, of which the last is short.
    """
    top = (1 << 32) - (1 << COUNTED)
    few = ("TOKENS", 3 * bench.design.batch_tokens - 1), ("COLUMN_TILES", bench.design.rows)
    for (name, tokens), high in product(few, range(LEFT, 32)):
        job = bench.small(3 * bench.design.columns, tokens)
        weights = {"weight": job.inputs["weight"]}
        more = {name: job.registers[name] + (1 << high)}
        bench.start(replace(job, registers=job.registers | more))
        built.offer({stream: beats for stream, beats in job.inputs.items() if stream != "weight"})
        assert bench.status() == BUSY, "a job ends before it begins"
        lapse(built)
        assert built.read("STEPS") == top, "steps that are none"
        assert built.read("ARRAY_CYCLES") >= top, "ARRAY_CYCLES is wrong"
        built.take(1, limit=1 << COUNTED)
        assert built.read("IDLE_CYCLES") < job.limit, "IDLE_CYCLES does not wrap"
        built.offer(weights)
        bench.finish(job)
        assert (built.read("STEPS") - top) % (1 << 32) == bench.reference.read("STEPS")
        assert built.read("CYCLES") < job.limit, "CYCLES does not wrap"
        assert built.read("ARRAY_CYCLES") < job.limit, "ARRAY_CYCLES does not wrap"
        built.discard()


def _bus(built: Any, words: np.ndarray) -> None:
    """Channels of the bus at their own paces: every word is written and read, several at once."""
    free = [register.offset for register in REGISTERS
            if all((field.access, field.width) == ("rw", 32) for field in register.fields)]
    count = len(words)
    addresses = (ctypes.c_uint32 * count)(*(free[k % len(free)] for k in range(count)))
    held = (ctypes.c_uint32 * count)(*(int(word) for word in words))
    for seed in (1, 2, 3):
        assert not built.call("apart", ctypes.c_uint64(seed), ctypes.c_uint32(len(free)),
                              ctypes.c_uint32(count), addresses, held), "the bus is wrong"
    for offset in free:
        built.write(offset, 0)


def _expected(reference: ReferenceAccelerator, job: LinearJob) -> Any:
    for register, value in (job.registers | {"CONTROL": START}).items():
        reference.write(register, value)
    return reference.run(job.inputs, job.results, limit=0)[0]


def _interrupt(built: Any, job: LinearJob, after: int) -> None:
    """Begin a job, and stay inside: the reset or abort that follows finds it there."""
    for register, value in (job.registers | {"CONTROL": START}).items():
        built.write(register, value)
    built.offer(job.inputs)
    built.take(1, limit=after)


def _abort(built: Any) -> None:
    """Abort the job; the result that was on offer is taken."""
    built.write("CONTROL", ABORT)
    built.discard()
    for _ in range(10):
        if not built.read("STATUS") & BUSY:
            break
        built.take(1, limit=3)
    built.write("CONTROL", 0)


def _job(built: Any, job: LinearJob, result: Any) -> int:
    """Run a job, compare its results, and return its cycles."""
    for register, value in (job.registers | {"CONTROL": START}).items():
        built.write(register, value)
    got, took = built.run(job.inputs, job.results, limit=min(job.limit, 5000))
    assert np.array_equal(got.data, result.data), "results are wrong"
    assert np.array_equal(got.last, result.last), "tlast of results is wrong"
    for counter in ("CYCLES", "ARRAY_CYCLES", "IDLE_CYCLES"):
        took = 100_000 * took + built.read(counter)
    return took


def through(sent: Beats, expected: Beats, channel: np.ndarray | None = None, shift: int = 0,
            tensor: int = 0, slow: int = 40) -> Check:
    """What is sent comes out as expected, with pauses, a reset in between, and the same cycles.

    ``slow`` are the cycles of a beat at most, pauses among them.
    """
    ends = np.flatnonzero(sent.last)
    middle = int(ends[len(ends) // 2]) + 1
    cycles: dict[tuple[float, int], int] = {}

    def check(built: Any) -> None:
        for stall in STALLS:
            for start, part in ((0, slice(0, middle)), (middle, slice(middle, None))):
                built.reset()
                # More than is waited for: the reset finds blocks inside.
                out, took = built.run(sent[start:], len(expected[part].last),
                                      limit=3000 + slow * len(sent.last), stall=stall,
                                      channel=channel, shift=shift, tensor=tensor)
                compare(out, expected[part], "stream")
                # The first design that is checked is the one without a mutant.
                assert cycles.setdefault((stall, start), took) == took, "another number of cycles"

    return check
