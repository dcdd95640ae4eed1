"""The model of the time that jobs take, against the counters of the RTL."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn.functional import pad

from hw.config import Design, Pattern
from hw.fixed_point import Output
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw.driver.linear import COUNTERS, Channels, Corrections, linear_job
from sw.exact.compressor import select_tokens
from synth.performance.clock import Job, times


pytestmark = pytest.mark.usefixtures("wheel")

CLOSE = 0.02
"""Largest relative error of a counter."""

SMALL = Design(Pattern(2, 4), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8)
LANES = Design(Pattern(2, 4), rows=3, columns=3, tile=2, max_k=32, batch_tokens=7,
               epilogue_lanes=2)
LARGE = Design(Pattern(2, 4), max_k=512)
STATISTICS = Design(Pattern(4, 8), statistics=True, epilogue_lanes=1, rows=2, columns=2, max_k=64,
                    batch_tokens=3)
MEAN = replace(STATISTICS, shift="mean")
MEDIAN = replace(STATISTICS, pattern=Pattern(2, 4), shift="median")
CHANNEL = replace(STATISTICS, pattern=Pattern(2, 4), shift="channel", coefficients=8)
ANY = replace(STATISTICS, pattern=Pattern(8, 16), flexible="all", unstructured=True)
DENSE = Design(Pattern(8, 8), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8,
               accumulator_width=29)
SERIAL = Design(Pattern(2, 8), rows=5, columns=4, tile=2, max_k=64, batch_tokens=12,
                selector="serial", pipeline="gathered", epilogue_lanes=3)


@dataclass(frozen=True)
class Case:
    """A job: its design, tokens, features and outputs, and what is done to it."""

    design: Design
    tokens: int
    features: int
    outputs: int
    output: str = "raw"
    pattern: str = ""
    threshold: int = 0

    def __str__(self) -> str:
        design = self.design
        return " ".join(filter(None, (
            f"{design.pattern} {design.rows}x{design.columns}", design.options.replace(" ", ","),
            f"{self.tokens}x{self.features}x{self.outputs}", self.output, self.pattern,
            f"from {self.threshold}" * bool(self.threshold))))


QUICK = [Case(SMALL, 20, 64, 6), Case(SMALL, 7, 4, 30, "corrected"), Case(SMALL, 5, 130, 4),
         Case(SMALL, 64, 64, 64), Case(LARGE, 10, 300, 20),
         Case(SMALL, 7, 130, 13, "corrected"), Case(SMALL, 8, 129, 1, "corrected")]
LONG = [
    *(Case(SMALL, *shape, output) for output in ("raw", "corrected")
      for shape in ((1, 4, 2), (8, 64, 6), (4, 8, 4), (33, 32, 21), (40, 20, 9))),
    *(Case(LANES, *shape, output) for output in ("raw", "int8")
      for shape in ((1, 4, 1), (20, 32, 7), (4, 70, 5), (40, 32, 30))),
    *(Case(LARGE, *shape, output) for output in ("raw", "corrected")
      for shape in ((64, 512, 256), (64, 16, 64))),
    *(Case(design, *shape, output) for design in (MEAN, MEDIAN, CHANNEL)
      for output in ("raw", "corrected", "variance") for shape in ((8, 56, 5), (20, 8, 20))),
    *(Case(ANY, *shape, pattern=pattern) for pattern in ("2:4", "3:4", "16:16")
      for shape in ((8, 64, 5), (20, 64, 16))),
    *(Case(ANY, *shape, threshold=threshold) for threshold in (1, 50, 100)
      for shape in ((20, 64, 16), (9, 160, 7))),
    *(Case(DENSE, *shape) for shape in ((20, 64, 6), (9, 24, 20), (5, 136, 4))),
    *(Case(SERIAL, *shape, output) for output in ("raw", "int8")
      for shape in ((24, 64, 8), (13, 16, 40), (11, 80, 9))),
]


def layer(case):
    rng = generator("performance", case.design.pattern)
    return (torch.from_numpy(rng.integers(-128, 128, (count, case.features), np.int8))
            for count in (case.tokens, case.outputs))


def corrections(case):
    """What the job is to do to its results."""
    design = case.design
    channels = Channels(*(torch.ones(case.outputs, dtype=torch.int64) for _ in range(3)))
    numbers = torch.arange(case.features) % 100
    output = {"raw": Output.RAW, "int8": Output.INT8}.get(case.output, Output.CORRECTED)
    return Corrections(output, variance=case.output == "variance", channels=channels,
                       factors=numbers if design.coefficients else None,
                       shifts=numbers - 50 if design.shift == "channel" else None)


def measured(case, x, w):
    """Counters of the RTL, whose streams offer beats before the job starts."""
    job = linear_job(case.design, x, w, corrections(case),
                     Pattern.parse(case.pattern) if case.pattern else None, case.threshold)
    accelerator = Accelerator(case.design)
    for register, value in job.registers.items():
        accelerator.write(register, value)
    accelerator.offer(job.inputs)
    accelerator.write("CONTROL", 1)
    assert len(accelerator.take(job.results, limit=job.limit)[0].last) == job.results
    while accelerator.read("STATUS") & 1:
        pass
    return [accelerator.read(name) for name in COUNTERS]


def blocks_of(x, design):
    return pad(x, (0, -x.shape[1] % design.pattern.m)).unflatten(1, (-1, design.pattern.m))


def counts(case, x):
    """Steps of each block for each group of tokens."""
    design = case.design
    kept = (blocks_of(x, design).long().abs() >= case.threshold).sum(-1)
    batch = design.rows if kept.shape[1] > design.max_blocks else design.batch_tokens
    groups = [part for tokens in kept.split(batch) for part in tokens.split(design.rows)]
    return tuple(tuple((-(-group.amax(0) // design.lanes)).clamp(min=1).tolist())
                 for group in groups)


def sum_bits(case, x):
    """Bits of the sums of a token's values and of its kept ones, in the mean."""
    design, given = case.design, corrections(case)
    shift = design.shift if design.dynamic_shift else 0 if given.shifts is None else given.shifts
    tokens = select_tokens(blocks_of(x, design).flatten(1), design.pattern,
                           coefficients=given.factors, shift=shift)
    sums = [part.long().flatten(1).sum(1).abs() for part in (tokens.z, tokens.z * tokens.mask)]
    return round(sum(int(value).bit_length() for part in sums for value in part) / len(x))


def modelled(case, x):
    design = case.design
    pattern = Pattern.parse(case.pattern) if case.pattern else design.pattern
    steps = design.most_steps if case.threshold else design.steps(pattern)
    found = times(design, Job(
        case.tokens, design.pattern.blocks(case.features), -(-case.outputs // design.columns),
        steps, counts(case, x) if case.threshold else None, corrected=case.output != "raw",
        variance=case.output == "variance",
        sum_bits=sum_bits(case, x) if case.output == "variance" else None,
        coefficients=design.channel_bits > 0))
    return [found.cycles, found.steps, found.array_cycles]


def check(case):
    x, w = layer(case)
    rtl, model = measured(case, x, w), modelled(case, x)
    print(case, rtl, model)
    assert model[1] == rtl[1]
    for name, ours, theirs in zip(COUNTERS, model, rtl, strict=True):
        assert abs(ours / theirs - 1) <= CLOSE, (name, ours, theirs)
    if case.output != "variance":  # whose time depends on data; all else is followed
        assert model == rtl


@pytest.mark.parametrize("case", QUICK, ids=str)
def test_counters_are_those_of_the_rtl(case):
    check(case)


@pytest.mark.long
@pytest.mark.parametrize("case", LONG, ids=str)
def test_counters_of_many_designs_are_those_of_the_rtl(case):
    check(case)


def test_there_are_enough_cases():
    cases = [*QUICK, *LONG]
    assert len({str(case) for case in cases}) == len(cases) >= 40
