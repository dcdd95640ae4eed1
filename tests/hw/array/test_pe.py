"""The PE, fed through its row's decoder, against plain Python."""

import random
from functools import cache
from itertools import product

import pytest
from amaranth.hdl import Module

from hw.array.pe import PE
from hw.array.row import RowDecoder
from hw.config import Design, Pattern
from tests.hw import streams


PATTERNS = [Pattern(n, m) for n, m in [(2, 4), (4, 8), (8, 16), (16, 32), (1, 4), (3, 4), (3, 7),
                                       (8, 8), (1, 64)]]


def dot(values, kept, weights):
    return sum(value * weights[position] for value, position in zip(values, kept, strict=True))


@cache
def decoded(design):
    """A PE behind its row's decoder, which are compiled once for all tests of a design."""
    m = Module()
    m.submodules.row = row = RowDecoder(design)
    m.submodules.pe = pe = PE(design)
    for name, _ in pe.shared.shape():
        domain = m.d.sync if design.registers_gathered and name != "selects" else m.d.comb
        domain += pe.shared[name].eq(row.shared[name])
    return m, row, pe


def simulate(pattern, bench, **parameters):
    """Run ``bench(step)``; ``step`` feeds a block for one cycle and returns the accumulator."""
    m, row, pe = decoded(Design(pattern, max_k=1, **parameters))

    async def testbench(ctx):
        async def step(values, kept, weights, *, start=0, step=1):
            ctx.set(row.values, values)
            if not pattern.dense:
                ctx.set(row.mask, sum(1 << position for position in kept))
            ctx.set(pe.weights, weights)
            ctx.set(row.start, start)
            ctx.set(row.step, step)
            await ctx.tick()
            return ctx.get(pe.accumulator)

        await bench(step)

    streams.simulate(m, testbench)


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_accumulates_dot_products_of_kept_activations(pattern):
    rng = random.Random(3)

    async def bench(step):
        expected = 0
        for cycle in range(6):
            values = rng.choices([-128, -127, -1, 0, 1, 127, *range(-128, 128, 5)], k=pattern.n)
            kept = sorted(rng.sample(range(pattern.m), pattern.n))
            weights = rng.choices([-128, -127, -1, 0, 1, 127, *range(-128, 128, 5)], k=pattern.m)
            start = cycle % 4 == 0
            expected = dot(values, kept, weights) + (0 if start else expected)
            assert await step(values, kept, weights, start=start) == expected

    simulate(pattern, bench)


@pytest.mark.parametrize("gather", ["auto", "window"])
@pytest.mark.parametrize("pattern", ["1:4", "2:4", "3:7", "8:16"])
def test_gathered_weights_wait_for_the_digits(pattern, gather):
    rng, pattern = random.Random(5), Pattern.parse(pattern)

    async def bench(step):
        expected = [0]
        for _ in range(12):
            values, kept = rng.choices(range(-128, 128), k=pattern.n), sorted(
                rng.sample(range(pattern.m), pattern.n))
            weights, start = rng.choices(range(-128, 128), k=pattern.m), rng.random() < 0.3
            adds = rng.random() < 0.7
            seen = await step(values, kept, weights, start=start, step=adds)
            assert seen == expected[-1]
            expected.append((0 if start else expected[-1]) + dot(values, kept, weights)
                            if adds else expected[-1])

    simulate(pattern, bench, pipeline="gathered", gather=gather)


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_extremes_accumulate_without_overflow(pattern):
    async def bench(step):
        kept = range(pattern.m - pattern.n, pattern.m)
        for value, weight in product([-128, 127], repeat=2):
            for steps in range(1, 3):
                total = await step([value] * pattern.n, kept, [weight] * pattern.m,
                                   start=steps == 1)
                assert total == steps * pattern.n * value * weight

    simulate(pattern, bench)


@pytest.mark.parametrize(("activations", "weights"), [(8, 4), (4, 4), (4, 8)])
@pytest.mark.parametrize("pattern", ["2:4", "3:7", "4:4"])
def test_formats_of_fewer_bits(pattern, activations, weights):
    pattern, rng = Pattern.parse(pattern), random.Random(4)

    def numbers(bits, count):
        half = 1 << (bits - 1)
        return rng.choices([-half, half - 1, *range(-half, half)], k=count)

    async def bench(step):
        total = 0
        for cycle in range(60):
            values, kept = numbers(activations, pattern.n), sorted(
                rng.sample(range(pattern.m), pattern.n))
            block = numbers(weights, pattern.m)
            total = dot(values, kept, block) + (0 if cycle == 0 else total)
            assert await step(values, kept, block, start=cycle == 0) == total

    simulate(pattern, bench, format=f"int{activations}", weight_format=f"int{weights}")


def test_holds_its_sum_without_step():
    async def bench(step):
        assert await step([3, 5], [0, 2], [1, 9, 2, 9], start=1) == 13
        assert await step([1, 1], [0, 1], [7, 7, 7, 7], step=0) == 13
        assert await step([1, 1], [0, 1], [7, 7, 7, 7], step=0, start=1) == 13
        assert await step([1, 1], [1, 3], [0, -7, 0, -8]) == -2

    simulate(Pattern(2, 4), bench)


@pytest.mark.parametrize("width", [16, 20, 64])
def test_accumulator_wraps_at_its_width(width):
    async def bench(step):
        total = 0
        for cycle in range(6):
            total += 8 * 128 * 128 - cycle
            wrapped = (total + (1 << (width - 1))) % (1 << width) - (1 << (width - 1))
            values, weights = [-128] * 8 + [cycle], [-128] * 8 + [-1]
            assert await step(values, range(9), weights, start=cycle == 0) == wrapped

    simulate(Pattern(9, 9), bench, accumulator_width=width)
