"""Jobs at odd times: streams that come early or late, and writes while a job runs."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from hw.fixed_point import CHANNEL_BYTES, SCALE_BITS, SHIFT_BITS, Output
from hw.registers import REGISTERS, Error
from sim.vectors.layers import random_tensor
from sw.driver.beats import Beats
from sw.driver.linear import (
    BUSY,
    DONE,
    ERROR_BIT,
    Channels,
    Corrections,
    LinearJob,
    run_job,
)
from verify.jobs import ABORT, SETTLE, START, JobBench


__all__ = ["aborted_in_passing", "early_and_late", "held_results", "many_tokens", "while_busy"]


LATE = 800
"""Cycles after which nothing moves any more without the stream that is late."""

ANSWER_OKAY = 8
"""Of the register ``CONTROL``."""


def many_tokens(bench: JobBench) -> None:
    """More tokens than the table of their terms has places, and weights that come after them.

    A place gets a scale, its complement, and it again, so that every bit of it goes both ways.
    """
    design, places = bench.design, 4 * bench.design.largest_batch
    for output in bench.outputs[1:][-2:]:  # floats where there are any: they show the most bits
        tokens, outputs = 3 * places, 2 * design.columns
        scale = random_tensor(bench.rng, 0, 1 << SCALE_BITS, places, 1)
        turned = np.concatenate([scale, (1 << SCALE_BITS) - 1 - scale, scale])
        terms = replace(bench.terms(output, tokens, outputs),
                        token_scale=scale.new_tensor(turned))
        job = bench.small(outputs, tokens, design.pattern.m, terms)
        bench.run(_unused(bench, job), {"weight": LATE})


def _unused(bench: JobBench, job: LinearJob) -> LinearJob:
    """The same job with random numbers in the bits of its channels that mean nothing."""
    if "channel" not in job.inputs:
        return job
    beats, low = job.inputs["channel"], SHIFT_BITS
    data = beats.data.copy()
    part = data[:, SCALE_BITS // 8::CHANNEL_BYTES]
    part |= bench.rng.integers(0, 1 << 8 - low, part.shape, dtype=np.uint8) << low
    return replace(job, inputs=job.inputs | {"channel": Beats(data, beats.last)})


def early_and_late(bench: JobBench) -> None:
    """Every stream before its job starts, and long after all others; results that wait."""
    for output in dict.fromkeys((bench.outputs[0], bench.outputs[-1])):
        job = _job(bench, output)
        for name in job.inputs:
            bench.run(job, {name: LATE})
            bench.model.offer({name: job.inputs[name]})
            bench.model.take(1, limit=50)
            bench.start(job)
            bench.model.offer({other: beats for other, beats in job.inputs.items()
                               if other != name})
            bench.finish(job)
        bench.start(job)
        bench.model.offer(job.inputs)
        for _ in range(LATE // 4):  # a read takes a few cycles, in which no result is taken
            bench.model.read("STATUS")
        bench.finish(job)
        bench.model.reset()
        bench.model.offer(job.inputs)  # from the first cycle after the reset on
        bench.start(job)
        bench.finish(job)


def held_results(bench: JobBench) -> None:
    """Results that nobody takes for long, before the first one and in the middle of a batch.

    Tiles of one token leave many sums of weights waiting; a batch that has left the array before
    its results are taken leaves the terms of more than two batches waiting, and batches of tokens
    in chunks, which are as short as a group, as many as there are places.
    """
    design, model = bench.design, bench.model
    chunked = design.max_blocks + 1
    jobs = [(1, 8 * design.rows, 0, 1),
            (4 * design.largest_batch, 1, design.largest_batch * 3 // 4, 1)]
    if bench.blocks >= chunked:
        jobs.append((16 * design.rows, 1, 0, chunked))
    for tokens, tiles, taken, blocks in jobs:
        outputs = tiles * design.columns
        job = bench.small(outputs, tokens, blocks * design.pattern.m,
                          _scaled(bench, tokens, outputs))
        bench.start(job)
        model.offer(job.inputs)
        first, _ = model.take(taken, limit=job.limit)
        for _ in range(LATE // 4 + tokens * blocks):  # until nothing finds room any more
            model.read("STATUS")
        rest, _ = model.run({}, job.results - taken, limit=job.limit)
        expected, _ = run_job(bench.reference, job)
        got = np.concatenate([first.data, rest.data])
        assert np.array_equal(got, expected.data), "results are wrong"
        assert bench.status() == DONE


def _scaled(bench: JobBench, tokens: int, outputs: int) -> Corrections:
    """Of tokens that differ in their scale, which every result shows, and channels that do not."""
    if bench.outputs[-1] == Output.RAW:
        return Corrections()
    alike = (torch.full((outputs,), term) for term in (1 << SCALE_BITS - 1, 0, 0))
    return Corrections(bench.outputs[-1], channels=Channels(*alike),
                       token_scale=random_tensor(bench.rng, 1, 1 << SCALE_BITS, tokens, 1))


def aborted_in_passing(bench: JobBench) -> None:
    """An abort that is taken back while results are on their way: the job is not done."""
    model, job = bench.model, bench.small()
    bench.start(job)
    model.offer(job.inputs)
    for _ in range(LATE // 4):  # a read takes a few cycles, in which no result is taken
        model.read("STATUS")
    for control in (ABORT, 0):
        model.write("CONTROL", control)
    assert model.read("STATUS") == BUSY, "an abort ends while results are on their way"
    model.take(1000, limit=SETTLE)
    assert model.read("STATUS") == 0, "a job that was aborted is done"
    model.discard()
    bench.run(job)


def while_busy(bench: JobBench) -> None:
    """A job runs undisturbed by writes to its registers, which are refused, and by a start."""
    model, job = bench.model, _job(bench, bench.outputs[-1])
    locked = [register.name for register in REGISTERS if register.job]
    okay = START | ANSWER_OKAY
    # The first error of a job stays: each register has one of its own.
    for control, disturbed in (*((START, [one]) for one in locked), (okay, locked),
                               (START, ["CONTROL"])):
        bench.start(job, control)
        assert model.read("STATUS") == BUSY
        for register in disturbed:
            refused = control == START and register in locked
            value, before = START if register == "CONTROL" else 0xFFFF_FFFF, model.read(register)
            assert _answered(model, register, value) != refused, f"{register} gets a wrong answer"
            if register in locked:
                assert model.read(register) == before, f"{register} is written"
            assert model.read("STATUS") == BUSY | Error.BUSY << ERROR_BIT, register
        model.offer(job.inputs)
        bench.finish(job, DONE | Error.BUSY << ERROR_BIT)
    model.write("CONTROL", 0)


def _job(bench: JobBench, output: Output) -> LinearJob:
    """A job of more tokens and outputs than the array has rows and columns."""
    tokens, outputs = 5 * bench.design.rows + 1, 2 * bench.design.columns
    return bench.small(outputs, tokens, bench.features, bench.terms(output, tokens, outputs))


def _answered(model: Any, register: str, value: int) -> bool:
    """Whether the bus says that a write was taken."""
    try:
        model.write(register, value)
    except OSError:
        return False
    return True
