"""The accumulator that rounds to binary32 once a step, against exact sums rounded once."""

import random
from math import inf, isnan, nan

import pytest
import torch

from hw.array.float_accumulator import FloatAccumulator
from sw.exact.rounding import add_to_fp32
from tests.hw import streams


LOWEST = 150 - 25
"""What the field of a step is above the exponent of its highest bit."""


def parts(value, exponent):
    """``value * 2 ** exponent`` as one number of float64, or two where it has more bits."""
    low = value & (1 << 30) - 1 if value.bit_length() > 53 else 0
    return (value - low) * 2.0 ** exponent, low * 2.0 ** exponent


def add(total, step):
    return add_to_fp32(*(torch.tensor([number], dtype=torch.float64) for number in (total, *step))
                       ).item()


def held(ctx, total):
    """The number that an accumulator holds."""
    if ctx.get(total.nan):
        return nan
    if ctx.get(total.infinite):
        return -inf if ctx.get(total.negative) else inf
    mantissa, field = ctx.get(total.mantissa), ctx.get(total.field)
    assert 1 <= field < 255
    assert field == 1 or abs(mantissa) >= 1 << 23
    return mantissa * 2.0 ** (field - 150) or (-0.0 if ctx.get(total.negative) else 0.0)


def drawn(rng, width, near):
    """A step: value and field, some of them close to an exponent, some of few bits."""
    top = 1 << width - 2
    value = rng.choice([top, 2 * top - 1, -2 * top, -top - 1, rng.randrange(top, 2 * top),
                        rng.randrange(-2 * top, -top), top | 1 << rng.randrange(width - 1)])
    field = rng.choice([near + rng.randrange(-30, 31), near + rng.randrange(-2, 3),
                        rng.randrange(-135, 395), rng.choice([1, 0, -24, -25, 254, 255])])
    return value, field


@pytest.mark.parametrize(("width", "count", "infinities"), [
    (12, 500, False), (40, 200, False), (28, 300, True),
    *(pytest.param(width, count, infinities, marks=pytest.mark.long)
      for width, count, infinities in ((12, 10000, False), (25, 10000, False), (40, 10000, False),
                                       (33, 10000, True), (68, 2000, True)))])
def test_every_step_is_rounded_once(width, count, infinities):
    rng, dut = random.Random(14), FloatAccumulator(width, infinities=infinities)

    async def testbench(ctx):
        total, ends = 0.0, set()
        for k in range(count):
            value, field = drawn(rng, width, ctx.get(dut.total.field))
            begins, adds = k == 0 or rng.random() < 0.2, k == 0 or rng.random() < 0.95
            if begins and rng.random() < 0.5:
                field = rng.randrange(-40, 4)
            wrong = rng.random() < 0.01
            if not adds or rng.random() < 0.1:
                value, field = 0, -512
            step = parts(value, field - LOWEST - width)
            endless = infinities and adds and rng.choice([0] * 17 + [1, 1, -1])
            if rng.random() < 0.1 and total and abs(total) < 2.0 ** 120:  # nearly its opposite
                size = rng.choice([0, 1, 2, -1])
                mantissa = -ctx.get(dut.total.mantissa) * (1 << max(0, width - 25)) + size
                if adds and not begins and -1 << width - 1 <= mantissa < 1 << width - 1 and (
                        abs(mantissa) >= 1 << width - 2 and width >= 25):
                    value, field = mantissa, ctx.get(dut.total.field)
                    step = parts(value, field - LOWEST - width)
            for name, given in (("value", value), ("field", field), ("keep", not (begins and adds)),
                                ("step", adds), ("nan", adds and wrong),
                                *[("infinite", endless != 0), ("negative", endless < 0 or
                                                             (not endless and rng.random() < 0.5))
                                  ] * infinities):
                ctx.set(getattr(dut, name), given)
            step = (endless * inf, 0.0) if endless else step
            await ctx.tick()
            if adds:
                total = nan if wrong else add(0.0 if begins else total, step)
            seen = held(ctx, dut.total)
            assert repr(seen) == repr(total), (k, value, field)
            ends.add(repr(total) if total in (0, inf, -inf) or isnan(total) else
                     "subnormal" if abs(total) < 2.0 ** -126 else "normal")
        assert ends == {"0.0", "-0.0", "inf", "-inf", "nan", "subnormal", "normal"}

    streams.simulate(dut, testbench)
