"""Where the packets of jobs are, against the order that software knows."""

import pytest

from hw.bus.walkers import BatchRuns, ResultRuns, TokenRuns, WeightRuns
from hw.config import Design, Pattern
from sw.driver.beats import passes
from tests.hw.streams import drain, simulate


DESIGN = Design(Pattern(2, 4), rows=2, columns=2, tile=2, max_k=16, batch_tokens=3, bus="axi4")
JOBS = [(1, 1, 1), (7, 4, 3), (3, 2, 2), (5, 9, 3), (2, 5, 1), (4, 8, 2)]
"""Tokens, blocks and tiles: whole tokens, and tokens in chunks of four blocks."""

BASE, STRIDE, SIZE = 0x1000, 0x80, 8


def token_runs(tokens, blocks, tiles):
    again = tiles if blocks > DESIGN.max_blocks else 1
    for one in passes(DESIGN, tokens, blocks, again):
        for token in range(one.tokens.start, one.tokens.stop):
            yield (BASE + token * STRIDE + one.blocks.start * SIZE,
                   one.blocks.stop - one.blocks.start, 1)


def weight_runs(tokens, blocks, tiles):
    for one in passes(DESIGN, tokens, blocks, tiles):
        yield (BASE + (one.tile * blocks + one.blocks.start) * SIZE,
               one.blocks.stop - one.blocks.start, 1)


def batch_runs(tokens, blocks, tiles):
    batches = len({one.tokens.start for one in passes(DESIGN, tokens, blocks, tiles)})
    for batch in range(batches):
        yield BASE, tiles, int(batch == batches - 1)


def result_runs(tokens, blocks, tiles):
    for one in passes(DESIGN, tokens, blocks, tiles):
        if not one.blocks.start:
            yield (BASE + one.tile * STRIDE + one.tokens.start * SIZE,
                   one.tokens.stop - one.tokens.start, 1)


@pytest.mark.parametrize(("walker", "model"), [
    (TokenRuns, token_runs), (WeightRuns, weight_runs), (BatchRuns, batch_runs),
    (ResultRuns, result_runs)], ids=lambda one: getattr(one, "__name__", ""))
def test_runs_follow_the_order_of_the_job(walker, model):
    """Jobs one after the other, and one that was dropped in between."""
    dut = walker(DESIGN, SIZE)

    async def begin(ctx, tokens, blocks, tiles):
        ctx.set(dut.base, BASE)
        if walker.strided:
            ctx.set(dut.stride, STRIDE)
        ctx.set(dut.run.job, {"tokens": tokens, "k_blocks": blocks, "column_tiles": tiles})
        ctx.set(dut.run.begin, 1)
        await ctx.tick()
        ctx.set(dut.run.begin, 0)

    async def bench(ctx):
        for job in JOBS:
            await begin(ctx, 9, 3, 9)
            await ctx.tick().repeat(2)
            ctx.set(dut.run.drop, 1)
            await ctx.tick()
            ctx.set(dut.run.drop, 0)
            expected, seen = list(model(*job)), []
            await begin(ctx, *job)
            await drain(dut.o, len(expected), seen, stall=0.3, read=lambda run: (
                run.address, run.elements, run.last))(ctx)
            assert seen == expected, job
            await ctx.tick().repeat(3)
            assert not ctx.get(dut.o.valid), "runs are left over"

    simulate(dut, bench)
