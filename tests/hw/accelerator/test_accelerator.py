"""The accelerator against plain Python, in Amaranth's simulator."""

import random
from functools import cache

import pytest

from hw.accelerator.accelerator import Accelerator
from hw.config import Design, Pattern
from hw.registers import Error, offset_of
from tests.hw.streams import drain, feed, simulate


def prune(block, n):
    order = sorted(range(len(block)), key=lambda k: (-abs(block[k]), k))[:n]
    return [x if k in order else 0 for k, x in enumerate(block)]


def layer(x, w, asked):
    """``Y[t][o]`` of a sparse linear layer, by a pattern or by a threshold."""
    if isinstance(asked, int):
        pruned = [[v if abs(v) >= asked else 0 for v in token] for token in x]
    else:
        pruned = [[v for start in range(0, len(token), asked.m)
                   for v in prune(token[start:start + asked.m], asked.n)] for token in x]
    return [[sum(a * b for a, b in zip(token, row, strict=True)) for row in w] for token in pruned]


LEAST = Design(Pattern(2, 4), rows=1, columns=1, max_k=8, batch_tokens=1)


@cache
def accelerator(design):
    """The accelerator of a design, which is compiled once for all tests of it."""
    return Accelerator(design)


class Bus:
    """AXI4-Lite, one transfer after the other."""

    def __init__(self, dut):
        self.dut = dut

    async def write(self, ctx, name, value):
        dut = self.dut
        ctx.set(dut.bus.awaddr, offset_of(name))
        ctx.set(dut.bus.wdata, value)
        ctx.set(dut.bus.wstrb, 0xF)
        for valid in (dut.bus.awvalid, dut.bus.wvalid, dut.bus.bready):
            ctx.set(valid, 1)
        await ctx.tick()
        ctx.set(dut.bus.awvalid, 0)
        ctx.set(dut.bus.wvalid, 0)
        await ctx.tick().until(dut.bus.bvalid)
        ctx.set(dut.bus.bready, 0)

    async def read(self, ctx, name):
        dut = self.dut
        ctx.set(dut.bus.araddr, offset_of(name))
        ctx.set(dut.bus.arvalid, 1)
        ctx.set(dut.bus.rready, 1)
        await ctx.tick()
        ctx.set(dut.bus.arvalid, 0)
        value, = await ctx.tick().sample(dut.bus.rdata).until(dut.bus.rvalid)
        ctx.set(dut.bus.rready, 0)
        return value


def run(design, tokens, k_blocks, tiles, *, stall=0.0, seed=0, jobs=1, asked=None):
    """Run jobs with random values; compare every result and return the registers at the end.

    ``asked`` are the patterns of the jobs, or thresholds, by default the pattern of the design.
    """
    chance = random.Random(seed)
    pattern = design.pattern
    dut = accelerator(design)
    bus = Bus(dut)
    acts, weights, expected, received, counters = [], [], [], [], []
    asked = [one if isinstance(one, int) else Pattern.parse(one)
             for one in asked or [str(pattern)] * jobs]
    for one in asked:
        x = [[chance.randint(-128, 127) for _ in range(k_blocks * pattern.m)]
             for _ in range(tokens)]
        w = [[chance.randint(-128, 127) for _ in range(k_blocks * pattern.m)]
             for _ in range(tiles * design.columns)]
        y = layer(x, w, one)
        chunk = design.max_blocks
        chunked = k_blocks > chunk
        batch = design.rows if chunked else design.batch_tokens
        for first in range(0, tokens, batch):
            members = range(first, min(first + batch, tokens))
            for tile in range(tiles):
                columns = range(tile * design.columns, (tile + 1) * design.columns)
                for start in range(0, k_blocks, chunk):
                    blocks = range(start, min(start + chunk, k_blocks))
                    if chunked or tile == 0:
                        acts += [{"values": x[t][b * pattern.m:(b + 1) * pattern.m],
                                  "last": b == blocks[-1]} for t in members for b in blocks]
                    weights += [{"blocks": [w[c][b * pattern.m:(b + 1) * pattern.m]
                                            for c in columns], "last": b == blocks[-1]}
                                for b in blocks]
                expected += [([y[t][c] for c in columns], int(t == members[-1]))
                             for t in members]

    async def control(ctx):
        for one in asked:
            if design.unstructured:
                await bus.write(ctx, "THRESHOLD", one if isinstance(one, int) else 0)
            if design.flexible != "none" and isinstance(one, Pattern):
                await bus.write(ctx, "JOB_PATTERN", one.n | one.m << 8)
            await bus.write(ctx, "K_BLOCKS", k_blocks)
            await bus.write(ctx, "TOKENS", tokens)
            await bus.write(ctx, "COLUMN_TILES", tiles)
            await bus.write(ctx, "CONTROL", 1)
            while await bus.read(ctx, "STATUS") & 1:
                await ctx.tick().repeat(20)
            assert await bus.read(ctx, "STATUS") == 2
            counters.append({name: await bus.read(ctx, name)
                             for name in ("CYCLES", "STEPS", "ARRAY_CYCLES")})

    simulate(dut, control, feed(dut.i_act, acts, stall=stall, seed=seed + 1),
             feed(dut.i_weight, weights, stall=stall, seed=seed + 2),
             drain(dut.o_result, len(expected), received, stall=stall, seed=seed + 3,
                   read=lambda row: (list(row.accumulators), row.last)))
    assert received == expected
    return counters


@pytest.mark.parametrize("pattern", ["2:4", "3:7", "4:4"])
@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_matches_plain_python(pattern, stall):
    design = Design(Pattern.parse(pattern), rows=2, columns=1, tile=1, max_k=64, batch_tokens=6)
    run(design, tokens=3, k_blocks=3, tiles=3, stall=stall, jobs=2)


@pytest.mark.parametrize(("flexible", "text", "asked"), [
    ("all", "2:4", ["1:2", "3:4", "2:4"]), ("n", "1:3", ["3:3", "2:3"])])
def test_jobs_ask_for_their_patterns(flexible, text, asked):
    design = Design(Pattern.parse(text), flexible=flexible, rows=2, columns=1, tile=1, max_k=8,
                    batch_tokens=3)
    blocks = design.max_blocks
    counters = run(design, tokens=5, k_blocks=blocks, tiles=2, stall=0.3, asked=asked)
    steps = [design.steps(Pattern.parse(one)) for one in asked]
    assert [one["STEPS"] for one in counters] == [3 * blocks * 2 * count for count in steps]
    assert max(steps) > 1
    run(design, tokens=3, k_blocks=2 * blocks + 1, tiles=2, asked=asked[:2])  # in chunks


@pytest.mark.parametrize(("text", "rows", "stall"), [("2:4", 2, 0.3), ("1:4", 1, 0.0)])
def test_jobs_keep_what_reaches_a_threshold(text, rows, stall):
    design = Design(Pattern.parse(text), flexible="all", unstructured=True, rows=rows, columns=1,
                    tile=1, max_k=8, batch_tokens=3)
    counters = run(design, tokens=4, k_blocks=2, tiles=2, stall=stall,
                   asked=[64, text, 1, 110, 200])
    some, own, all_, few, none = (one["STEPS"] for one in counters)
    assert own == none == sum(-(-batch // rows) for batch in (3, 1)) * 2 * 2
    assert all_ > some > few
    run(design, tokens=2, k_blocks=5, tiles=2, asked=[90, 40])  # in chunks


def test_a_batch_of_chunks_may_have_more_tokens_than_others():
    design = Design(Pattern(2, 4), rows=4, columns=1, tile=2, max_k=8, batch_tokens=1)
    run(design, tokens=5, k_blocks=5, tiles=2)


@pytest.mark.parametrize(("tokens", "k_blocks"), [(9, 3), (5, 11)], ids=["batches", "chunks"])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_a_job_may_be_larger_than_the_buffers(tokens, k_blocks, stall):
    design = Design(Pattern(2, 4), rows=2, columns=1, tile=1, max_k=16, batch_tokens=3)
    run(design, tokens=tokens, k_blocks=k_blocks, tiles=2, stall=stall, jobs=2)


@pytest.mark.parametrize(("rows", "columns", "tile"), [(1, 1, 1), (3, 2, 2), (8, 1, 4)])
@pytest.mark.parametrize(("tokens", "k_blocks"), [(1, 1), (7, 2)])
def test_every_shape_of_array_and_job(rows, columns, tile, tokens, k_blocks):
    design = Design(Pattern(2, 4), rows=rows, columns=columns, tile=tile, max_k=40, batch_tokens=8)
    run(design, tokens=tokens, k_blocks=k_blocks, tiles=2, stall=0.2, seed=tokens)


def test_array_is_busy_while_streams_keep_up():
    """Tokens come at one block per cycle and are used by two tiles: the second never waits."""
    design = Design(Pattern(2, 4), rows=1, columns=1, tile=1, max_k=256, batch_tokens=4)
    counters, = run(design, tokens=4, k_blocks=64, tiles=2)
    assert counters["STEPS"] == 2 * 4 * 64
    assert counters["STEPS"] / counters["ARRAY_CYCLES"] >= 0.96


@pytest.mark.parametrize(("k_blocks", "tokens", "tiles", "error"), [
    (0, 1, 1, Error.K_BLOCKS), (32768, 1, 1, Error.K_BLOCKS), (1, 0, 1, Error.TOKENS),
    (1, 1, 0, Error.COLUMN_TILES),
])
def test_refuses_a_job_it_cannot_run(k_blocks, tokens, tiles, error):
    dut = accelerator(Design(Pattern(2, 4), rows=3, columns=2, tile=2, max_k=40, batch_tokens=8))
    bus = Bus(dut)

    async def control(ctx):
        await bus.write(ctx, "K_BLOCKS", k_blocks)
        await bus.write(ctx, "TOKENS", tokens)
        await bus.write(ctx, "COLUMN_TILES", tiles)
        await bus.write(ctx, "CONTROL", 1)
        assert await bus.read(ctx, "STATUS") == error << 2

    simulate(dut, control)


def test_start_while_busy_is_refused_and_the_job_goes_on():
    dut = accelerator(LEAST)
    bus = Bus(dut)
    received = []

    async def control(ctx):
        for name in ("K_BLOCKS", "TOKENS", "COLUMN_TILES", "CONTROL", "CONTROL"):
            await bus.write(ctx, name, 1)
        assert await bus.read(ctx, "STATUS") == 1 | Error.BUSY << 2
        await feed(dut.i_act, [{"values": [1, -2, 3, 4], "last": 1}])(ctx)
        await feed(dut.i_weight, [{"blocks": [[5, 6, 7, 8]], "last": 1}])(ctx)
        await drain(dut.o_result, 1, received, read=lambda row: row.accumulators[0])(ctx)
        await ctx.tick().repeat(8)  # rows without a token leave the array
        assert await bus.read(ctx, "STATUS") == 2 | Error.BUSY << 2

    simulate(dut, control)
    assert received == [3 * 7 + 4 * 8]


@pytest.mark.parametrize("wait", range(2, 5))
def test_a_job_may_follow_an_abort_at_once(wait):
    """The last tile releases a half cycles after the step: none of the job that was aborted."""
    dut = accelerator(Design(Pattern(2, 4), rows=1, columns=8, tile=1, max_k=4, batch_tokens=1,
                             epilogue_lanes=0))
    bus = Bus(dut)

    async def control(ctx):
        for stream, values in ((dut.i_act, {"values": [1, -2, 3, 4]}),
                               (dut.i_weight, {"blocks": [[5, 6, 7, 8]] * 8})):
            ctx.set(stream.payload, {**values, "last": 1})
            ctx.set(stream.valid, 1)
        for name, value in (("K_BLOCKS", 5), ("TOKENS", 2), ("COLUMN_TILES", 1), ("CONTROL", 1)):
            await bus.write(ctx, name, value)
        await ctx.tick().repeat(wait)
        await bus.write(ctx, "CONTROL", 4)
        await bus.write(ctx, "CONTROL", 1)
        await drain(dut.o_result, 2, received, read=lambda row: row.accumulators[0])(ctx)

    received = []
    simulate(dut, control)
    assert received == [5 * (3 * 7 + 4 * 8)] * 2


def test_misplaced_tlast_is_reported():
    dut = accelerator(LEAST)
    bus = Bus(dut)

    async def control(ctx):
        for name, value in (("K_BLOCKS", 2), ("TOKENS", 1), ("COLUMN_TILES", 1), ("CONTROL", 1)):
            await bus.write(ctx, name, value)
        await feed(dut.i_act, [{"values": [1, 2, 3, 4], "last": 1}])(ctx)
        await ctx.tick().repeat(4)
        assert await bus.read(ctx, "STATUS") == 1 | Error.ACT_TLAST << 2

    simulate(dut, control)


def test_unmapped_address_is_answered_with_an_error():
    dut = accelerator(LEAST)

    async def control(ctx):
        ctx.set(dut.bus.araddr, 0x800)
        ctx.set(dut.bus.arvalid, 1)
        ctx.set(dut.bus.rready, 1)
        response, = await ctx.tick().sample(dut.bus.rresp).until(dut.bus.rvalid)
        assert response == 2

    simulate(dut, control)
