"""The lane of an epilogue in floats where outputs have scales, against ``sw.exact.outputs``."""

import random
from itertools import product

import pytest
import torch

from hw.config import Design, Pattern
from hw.epilogue.float_lane import FloatLane
from hw.formats import FORMATS
from sw.exact.activation import activate, add_bias
from sw.exact.formats import from_bits, to_bits
from sw.exact.outputs import scale_outputs
from tests.hw.epilogue.test_float_lane import SPECIAL
from tests.hw.streams import drain, feed, simulate


SUMS = (0, 1, 0x007FFFFF, 0x00800000, 0x00FFFFFF, 0x33000001, 0x3F800000, 0x3FFFFFFF, 0x477FE000,
        0x477FF000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000)
"""Bits of binary32 without sign: corners of it, one, and what rounds to the largest of fp16."""


def given(name, count):
    """Sums, scales and biases: special ones, ties, and such whose products leave the format."""
    chance, form = random.Random(f"scaled {name}"), FORMATS[name]
    for total, scale in product(SUMS, SPECIAL[name]):
        yield total | chance.randrange(2) << 31, scale, chance.choice((0, 0x8000, *SPECIAL[name]))
    for _ in range(count):
        exact = chance.randrange(1 << 31)
        # A product that has few bits behind those of a result, often just half of the last one.
        short = chance.randrange(255) << 23 | chance.randrange(1 << 10) << 14
        scale = chance.randrange(1 << 15)
        field = chance.randint(127 - 24, 127 + 16) if form.exponent == 5 else chance.randint(1, 250)
        near = field << 23 | chance.randrange(1 << 23)
        ends = (255 + 126 - (scale >> 7)) if name == "bf16" else 157 - (scale >> 10)
        at_end = min(max(ends + chance.randint(-2, 1), 0), 254) << 23 | chance.randrange(1 << 23)
        low = min(max(ends - form.max_exponent * 2 - chance.randint(0, form.mantissa + 3), 0), 254)
        tiny = low << 23 | chance.choice((0, chance.randrange(1 << 23)))
        total = chance.choice((exact, short, near, at_end, tiny)) | chance.randrange(2) << 31
        yield total, scale | chance.randrange(2) << 15, chance.choice((
            0, 0x8000, chance.randrange(1 << 16)))


def as_fp32(bits):
    return torch.tensor(bits).to(torch.int32).view(torch.float32)


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize(("function", "count"), [
    ("none", 100), *(pytest.param(*more, marks=pytest.mark.long) for more in (
        ("none", 500), ("gelu", 100)))])
def test_lane_is_the_rule(name, function, count):
    """Every product of special values, and products on both sides of the ends of the format."""
    lane = FloatLane(Design(Pattern(2, 4), format=name, weight_format="int4", accumulator="fp32",
                            result_format=name, activation=function))
    sets = list(given(name, count))
    payloads = [{"value": value, "scale": scale, "bias": bias, "last": k % 3 == 0}
                for k, (value, scale, bias) in enumerate(sets)]
    got = []

    async def settings(ctx):
        if function != "none":
            ctx.set(lane.active, 1)

    simulate(lane, settings, feed(lane.i, payloads, stall=0.2, seed=3), drain(
        lane.o, len(sets), got, stall=0.2, read=lambda result: (result.value, result.last)))
    totals, scales, biases = zip(*sets, strict=True)
    scaled = scale_outputs(as_fp32(totals), from_bits(torch.tensor(scales), name))
    expected = add_bias(scaled, from_bits(torch.tensor(biases), name))
    if function != "none":
        expected = activate(expected, function)
    assert got == [(bits, int(one["last"])) for bits, one in
                   zip(to_bits(expected, name).tolist(), payloads, strict=True)]
    least = 2.0 ** FORMATS[name].least_exponent
    for found in (scaled.isnan(), scaled.isinf(), scaled == 0, scaled.signbit() & (scaled == 0),
                  (scaled != 0) & (scaled.abs() < least),
                  scaled.isfinite() & (scaled.abs() >= FORMATS[name].max_finite / 4)):
        assert found.sum() > 5
