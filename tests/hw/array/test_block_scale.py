"""Sums of steps times the scales of two blocks, against exact products."""

import random

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.sim import Simulator

from hw.array.block_scale import scaled
from hw.formats import BLOCK_FORMATS, E8M0_BIAS, FORMATS


TOTAL = 12
"""Bits of a step of 8 lanes of fp4."""


def factor(name, scale):
    """The value of a scale that is not NaN."""
    if BLOCK_FORMATS[name].scale == "e8m0":
        return 2.0 ** (scale - E8M0_BIAS)
    return FORMATS["fp8_e4m3"].value(scale)


@pytest.mark.parametrize(("name", "scales"), [("mxfp4", 255), ("nvfp4", 127)])
def test_sums_are_multiplied_exactly(name, scales):
    m, total, one, other = Module(), Signal(signed(TOTAL)), Signal(8), Signal(8)
    value, exponent, least = scaled(m, BLOCK_FORMATS[name], total, one, other)
    found, power = Signal(signed(len(value))), Signal(16)
    m.d.comb += [found.eq(value), power.eq(exponent)]
    rng = random.Random(4)

    async def bench(ctx):
        for scale in range(scales):  # each on both sides
            ends = (-1 << TOTAL - 1, (1 << TOTAL - 1) - 1, -1, 0)
            against = rng.choice([0, 7, 8, scales - 1, rng.randrange(scales)])
            for left, right in ((scale, against), (against, scale)):
                number = rng.choice([*ends, rng.randrange(*ends[:2])])
                ctx.set(total, number)
                ctx.set(one, left)
                ctx.set(other, right)
                exact = number * factor(name, left) * factor(name, right)
                assert ctx.get(found) * 2.0 ** (ctx.get(power) + least) == exact

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
