"""The lane of an epilogue in floats against the rule of ``sw.exact.activation``."""

import random
from itertools import product

import pytest
import torch

from hw.config import Design, Pattern
from hw.config.activations import FUNCTIONS
from hw.epilogue.float_lane import FloatLane
from sw.exact.activation import activate, add_bias
from sw.exact.formats import from_bits, to_bits
from tests.hw.streams import drain, feed, simulate


SPECIAL = {
    "bf16": (0x0000, 0x8000, 0x0001, 0x8001, 0x007F, 0x0080, 0x8080, 0x7F7F, 0xFF7F, 0x7F80,
             0xFF80, 0x7FC1),
    "fp16": (0x0000, 0x8000, 0x0001, 0x8001, 0x03FF, 0x0400, 0x8400, 0x7BFF, 0xFBFF, 0x7C00,
             0xFC00, 0x7E01)}

USUAL = {"bf16": (0x3D00, 0x4180), "fp16": (0x2800, 0x4C00)}
"""Between 1/32 and 16."""


def pairs(name, seed, count):
    """Results and biases: special ones, and such whose exponents are near each other."""
    chance, near_by = random.Random(seed), {"bf16": 1200, "fp16": 9600}[name]
    yield from product(SPECIAL[name], repeat=2)
    for _ in range(count):
        value = chance.choice((chance.randrange(1 << 16), chance.randrange(*USUAL[name])
                               | chance.randrange(2) << 15))
        near = min(max((value & 0x7FFF) + chance.randint(-near_by, near_by), 0), 0x7FFF)
        yield value, chance.choice((near | chance.randrange(2) << 15, 0, chance.randrange(1 << 16)))


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize(("function", "active", "count"), [
    ("none", False, 300), ("gelu", False, 50), *((name, True, 300) for name in FUNCTIONS)])
def test_lane_is_the_rule(function, active, count, name):
    lane = FloatLane(Design(Pattern(2, 4), format=name, weight_format=name, accumulator="fp32",
                            result_format=name, activation=function))
    given = list(pairs(name, f"{function} {active}", count))
    payloads = [{"value": value, "bias": bias, "last": k % 3 == 0}
                for k, (value, bias) in enumerate(given)]
    got = []

    async def settings(ctx):
        if function != "none":
            ctx.set(lane.active, active)

    simulate(lane, settings, feed(lane.i, payloads, stall=0.2, seed=3), drain(
        lane.o, len(given), got, stall=0.2, read=lambda result: (result.value, result.last)))
    value, bias = (from_bits(torch.tensor(part), name) for part in zip(*given, strict=True))
    expected = add_bias(value, bias)
    if active:
        expected = activate(expected, function)
    assert got == [(bits, int(one["last"])) for bits, one in
                   zip(to_bits(expected, name).tolist(), payloads, strict=True)]
