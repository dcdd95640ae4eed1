"""What is checked behind the array of an accelerator: whole jobs, with all that belongs to results.

These are the terms of tokens and channels, and parameters of input channels.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from hw.config import Design
from hw.fixed_point import Output
from hw.registers import Error
from sim.vectors.layers import random_layer
from sim.vectors.stimulus import generator
from sw.driver.beats import Beats
from sw.driver.linear import BUSY, DONE, ERROR_BIT, Corrections, LinearJob, field_word
from verify.jobs import ABORT, SETTLE, JobBench
from verify.mutate.checks import STALLS, leaps
from verify.packets import packets
from verify.timing import aborted_in_passing, early_and_late, many_tokens


__all__ = ["CorrectedBench", "epilogue"]


Check = Callable[[Any], None]

JOBS = 25
"""Random ones, each with all pauses."""

COEF = field_word("CORRECTIONS", coef=1)
"""A job brings parameters of the input channels."""

COUNTERS = ("CYCLES", "ARRAY_CYCLES", "IDLE_CYCLES")


class CorrectedBench(JobBench):
    """An accelerator beside its reference: corrected jobs, where other benches have raw ones.

    Results that would be int8, most of which saturate, are floats, which show every bit of terms.
    """

    def terms(self, output: Output, tokens: int, outputs: int) -> Corrections:
        """Random terms over their whole ranges."""
        if output != Output.INT8:
            return super().terms(output, tokens, outputs)
        return replace(super().terms(Output.FP32, tokens, outputs), exponent=0)

    def small(self, outputs: int = 5, tokens: int = 6, features: int = 0,
              corrections: Corrections | None = None) -> LinearJob:
        """A job whose tokens have a gain and a shift, but for other corrections that are given."""
        design = self.design
        own = Corrections(Output.CORRECTED, variance=design.statistics,
                          token_shift=design.dynamic_shift)
        return super().small(outputs, tokens, features, corrections or own)


def epilogue(design: Design) -> Check:
    """Jobs with all terms, those that keep parameters, and packets and streams at odd times."""
    rng = generator("epilogue", design)
    jobs: list[LinearJob] = []
    for _ in range(JOBS):
        layer = random_layer(design, rng, features=_features(design, rng))
        kept = random_layer(design, rng, kept=True, features=layer.x.shape[1])
        jobs += [layer.job, kept.job] if design.coefficients else [layer.job]
    cycles: dict[tuple[float, int], list[int]] = {}

    def check(built: Any) -> None:
        bench = CorrectedBench(built, "epilogue")
        _jobs(bench, jobs, bench.small(), cycles)
        bench.extremes()
        bench.gains()
        bench.full_buffers()
        many_tokens(bench)
        _odd(bench)
        if design.coefficients:
            _void(bench)
        bench.sizes()
        leaps(built, bench)

    return check


def _features(design: Design, rng: np.random.Generator) -> int:
    return int(rng.integers(1, design.max_blocks * design.pattern.m + 1))


def _jobs(bench: JobBench, jobs: Sequence[LinearJob], cut: LinearJob,
          cycles: dict[tuple[float, int], list[int]]) -> None:
    """Jobs after aborts and a reset inside one, with pauses, each in its number of cycles."""
    model = bench.model
    for stall in STALLS:
        model.pause(stall)
        for after in range(120):  # between the columns of a row, too
            _abort(bench, cut, after)
            if after % 12 == 0:
                bench.run(cut)
        for after in range(50, 62):
            _begin(bench, cut, after)
            model.reset()
            bench.run(cut)
        for number, job in enumerate(jobs):
            bench.run(job)
            took = [model.read(counter) for counter in COUNTERS]
            assert cycles.setdefault((stall, number), took) == took, "another number of cycles"


def _begin(bench: JobBench, job: LinearJob, after: int) -> None:
    """Begin a job, and stay inside."""
    bench.start(job)
    bench.model.offer(job.inputs)
    bench.model.take(1, limit=after)


def _abort(bench: JobBench, job: LinearJob, after: int) -> None:
    """Abort a job inside; results that are on their way are taken."""
    _begin(bench, job, after)
    bench.model.write("CONTROL", ABORT)
    bench.model.discard()
    bench.model.take(1000, limit=SETTLE)
    assert not bench.model.read("STATUS") & BUSY, "a job goes on"
    bench.model.write("CONTROL", 0)


def _odd(bench: JobBench) -> None:
    """Packets of any length, streams that come early and late, an abort that is taken back."""
    for stall in (STALLS[-1], STALLS[0]):
        bench.model.pause(stall)
        packets(bench)
    early_and_late(bench)
    aborted_in_passing(bench)


def _void(bench: JobBench) -> None:
    """A job cannot keep parameters that an abort or a misplaced ``last`` has made void."""
    model, job = bench.model, bench.small(features=3 * bench.design.pattern.m)
    kept = _kept(job)
    for after in (3, 40):
        bench.run(job)
        bench.run(kept)
        _abort(bench, job, after)
        _refused(bench, kept)
    coef = job.inputs["coef"]
    early = replace(coef, last=np.ones_like(coef.last))
    late = Beats(np.concatenate([coef.data, coef.data[-1:]]), np.append(coef.last & False, True))
    for beats in (early, late):
        bench.start(job)
        model.offer(job.inputs | {"coef": beats})
        model.take(job.results, limit=job.limit)
        assert bench.status() == DONE | Error.COEF_TLAST << ERROR_BIT
        model.discard()
        _refused(bench, kept)
    bench.run(job)
    bench.run(kept)


def _kept(job: LinearJob) -> LinearJob:
    """The same job with the parameters that are loaded."""
    corrections = job.registers["CORRECTIONS"] & ~COEF
    return replace(job, registers=job.registers | {"CORRECTIONS": corrections}, inputs={
        name: beats for name, beats in job.inputs.items() if name != "coef"})


def _refused(bench: JobBench, job: LinearJob) -> None:
    """No job starts without parameters; the first error stays."""
    before = bench.model.read("STATUS") >> ERROR_BIT
    bench.start(job)
    after = bench.model.read("STATUS") & ~DONE
    assert after == (before or Error.COEF) << ERROR_BIT, "parameters are void"
    bench.model.reset()
