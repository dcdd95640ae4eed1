"""Selects and gathered values against plain Python."""

import random
from itertools import combinations, islice
from math import comb

import pytest
from amaranth.hdl import Module, Value, signed
from amaranth.sim import Simulator

from hw.config import GATHERS, Pattern
from hw.gather.gather import Gather, SelectDecoder
from hw.gather.network import make_network
from hw.gather.selects import NetworkDecoder


PATTERNS = [Pattern(n, m) for n, m in [(2, 4), (4, 8), (8, 16), (16, 32), (1, 4), (3, 4), (3, 7),
                                       (1, 64), (63, 64), (1, 2)]]


def kept_positions(pattern, limit=100):
    """All ways to keep ``n`` of ``m`` if there are few, else the extremes and random ones."""
    if comb(pattern.m, pattern.n) <= limit:
        return list(combinations(range(pattern.m), pattern.n))
    rng = random.Random(1)
    first = tuple(range(pattern.n))
    last = tuple(range(pattern.m - pattern.n, pattern.m))
    return [first, last, *(tuple(sorted(rng.sample(range(pattern.m), pattern.n)))
                           for _ in range(limit - 2))]


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_every_lane_selects_the_position_of_its_kept_value(pattern):
    decoder = SelectDecoder(pattern)

    async def bench(ctx):
        for kept in kept_positions(pattern):
            ctx.set(decoder.mask, sum(1 << position for position in kept))
            selects = ctx.get(decoder.selects)
            assert [selects[lane] for lane in range(pattern.n)] == [
                1 << (position - lane) for lane, position in enumerate(kept)]

    run(decoder, bench)


@pytest.mark.parametrize("gather", GATHERS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_kept_values_are_gathered_in_ascending_order(pattern, gather):
    m = Module()
    m.submodules.decoder = decoder = NetworkDecoder(make_network(gather, pattern))
    m.submodules.gather = gather = Gather(pattern, signed(8), gather)
    m.d.comb += gather.selects.eq(decoder.selects)
    rng = random.Random(2)

    async def bench(ctx):
        for kept in islice(kept_positions(pattern), 40):
            values = [rng.randint(-128, 127) for _ in range(pattern.m)]
            ctx.set(decoder.mask, sum(1 << position for position in kept))
            ctx.set(gather.values, values)
            assert list(ctx.get(gather.gathered)) == [values[position] for position in kept]

    run(m, bench)


@pytest.mark.parametrize("gather", GATHERS)
@pytest.mark.parametrize("pattern", ["2:4", "3:7", "8:16"])
def test_inverted_selects_are_complements(pattern, gather):
    m, pattern = Module(), Pattern.parse(pattern)
    decoders = [NetworkDecoder(make_network(gather, pattern), inverted=inverted)
                for inverted in (False, True)]
    m.submodules += decoders
    rng = random.Random(6)

    async def bench(ctx):
        for kept in (rng.sample(range(pattern.m), pattern.n) for _ in range(20)):
            for decoder in decoders:
                ctx.set(decoder.mask, sum(1 << position for position in kept))
            plain, inverted = (ctx.get(Value.cast(decoder.selects)) for decoder in decoders)
            assert plain ^ inverted == (1 << len(Value.cast(decoders[0].selects))) - 1

    run(m, bench)


def run(dut, bench):
    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
