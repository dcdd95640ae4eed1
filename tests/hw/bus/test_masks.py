"""Which weights are read, and where they are put, against masks in Python."""

import random

import pytest

from hw.bus.mask_bursts import MaskBursts
from hw.bus.mask_memory import MaskMemory
from hw.bus.placer import Placer
from hw.bus.weight_masks import WeightMasks
from hw.config import Design, Pattern
from hw.layouts import mask_bits, weight_words
from sw.driver.beats import passes
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(2, 4), rows=3, columns=3, tile=2, max_k=20, batch_tokens=2, bus="axi4",
                bus_width=64, burst=4, decode=True)
"""Two features share a beat."""

WIDE = Design(Pattern(3, 7), rows=2, columns=16, tile=2, max_k=7, bus="axi4", bus_width=64,
              burst=2, decode=True)
"""A feature has two beats."""


def job(tokens, blocks, tiles=1):
    return {"tokens": tokens, "k_blocks": blocks, "column_tiles": tiles}


async def begin(ctx, dut, size):
    ctx.set(dut.run.job, size)
    ctx.set(dut.run.begin, 1)
    await ctx.tick()
    ctx.set(dut.run.begin, 0)


@pytest.mark.parametrize("design", [DESIGN, WIDE], ids=["shared", "wide"])
def test_memory_holds_the_union_of_the_tokens(design):
    """Masks come every cycle, of one block too, where the word is being written when it is read."""
    chance, dut, m = random.Random(1), MaskMemory(design), design.pattern.m
    share = max(1, (1 << (m - 1).bit_length()) // mask_bits(design))

    async def bench(ctx):
        for tokens, blocks in [(1, 1), (2, 1), (2, design.max_blocks), (1, design.max_blocks)]:
            await begin(ctx, dut, job(tokens, blocks))
            masks = [[chance.getrandbits(m) & chance.getrandbits(m) for _ in range(blocks)]
                     for _ in range(tokens)]
            for mask in (mask for token in masks for mask in token):
                assert not ctx.get(dut.reads.complete)
                ctx.set(dut.kept.valid, 1)
                ctx.set(dut.kept.mask, mask)
                await ctx.tick()
                ctx.set(dut.kept.valid, 0)
                if tokens > 1 and blocks > 1 and chance.random() < 0.3:
                    await ctx.tick().repeat(2)
            await ctx.tick().repeat(2)
            assert ctx.get(dut.reads.complete)
            for block in range(blocks):
                union = masks[0][block] | masks[-1][block]
                ctx.set(dut.reads.address, block)
                ctx.set(dut.reads.enable, 1)
                await ctx.tick()
                ctx.set(dut.reads.enable, 0)
                assert ctx.get(dut.reads.mask) == sum(
                    (union >> part * share & (1 << share) - 1 != 0) << part
                    for part in range(mask_bits(design)))

    simulate(dut, bench)


@pytest.mark.parametrize("sparse", [False, True])
def test_masks_of_a_job_come_in_its_order(sparse):
    """Again for every tile; jobs that read everything may have any size, and wait for no mask."""
    dut, words, everything = WeightMasks(DESIGN), weight_words(DESIGN), (1 << mask_bits(DESIGN)) - 1

    async def step(ctx):
        """A cycle of the memory of masks, too."""
        enable, address = ctx.get(dut.masks.enable), ctx.get(dut.masks.address)
        await ctx.tick()
        if enable:
            ctx.set(dut.masks.mask, (5 * address + 2) % 4)

    async def bench(ctx):
        ctx.set(dut.base, 0x1008)
        ctx.set(dut.sparse, int(sparse))
        for tokens, blocks, tiles in [(2, 5, 3), (1, 1, 2), (2, 3, 1)] + [(5, 7, 2)] * (not sparse):
            await begin(ctx, dut, job(tokens, blocks, tiles))
            ctx.set(dut.masks.complete, 0)
            await ctx.tick().repeat(4)
            assert ctx.get(dut.o.valid) == (not sparse)
            ctx.set(dut.masks.complete, 1)
            for one in passes(DESIGN, tokens, blocks, tiles):
                for block in range(one.blocks.start, one.blocks.stop):
                    while not ctx.get(dut.o.valid):
                        await step(ctx)
                    weights = dut.o.payload
                    assert ctx.get(weights.word) == 0x201 + (one.tile * blocks + block) * words
                    assert ctx.get(weights.last) == (block == one.blocks.stop - 1)
                    needed = (5 * block + 2) % 4 if sparse else everything
                    assert ctx.get(weights.mask) == needed
                    ctx.set(dut.o.ready, 1)
                    await step(ctx)
                    ctx.set(dut.o.ready, 0)
            await ctx.tick().repeat(3)
            assert not ctx.get(dut.o.valid)

    simulate(dut, bench)


@pytest.mark.parametrize("design", [DESIGN, WIDE], ids=["shared", "wide"])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_bursts_have_the_beats_that_are_needed_and_no_others(design, stall):
    """In order, none over the border of an aligned region; full ones where everything is needed."""
    chance, dut, words = random.Random(2), MaskBursts(design), weight_words(design)
    parts = mask_bits(design)
    masks = [chance.getrandbits(parts) for _ in range(60)] + [0] * 3 + [(1 << parts) - 1] * 8
    blocks = [{"word": 5 + k * words, "mask": mask, "last": 0} for k, mask in enumerate(masks)]
    beats = [5 + (k * parts + part) * words // parts + beat for k, mask in enumerate(masks)
             for part in range(parts) if mask >> part & 1 for beat in range(words // parts)]
    seen = []

    async def bench(ctx):
        ready = random.Random(3)
        while sum(count for _, count in seen) < len(beats):
            ctx.set(dut.o.ready, ready.random() >= stall)
            _, _, valid, burst = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid and ctx.get(dut.o.ready):
                seen.append((burst.word, burst.beats))
        ctx.set(dut.o.ready, 1)
        await ctx.tick().repeat(5)
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench, feed(dut.i, blocks, stall=stall))
    assert [word + k for word, count in seen for k in range(count)] == beats
    assert all(word // design.burst == (word + count - 1) // design.burst for word, count in seen)
    full = [count for word, count in seen if word > beats[-1] - 7 * words]
    assert max(full) == design.burst


@pytest.mark.parametrize("design", [DESIGN, WIDE], ids=["shared", "wide"])
@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_words_come_to_their_places_and_zeros_to_others(design, stall):
    chance, dut, words = random.Random(4), Placer(design), weight_words(design)
    parts = mask_bits(design)
    masks = [chance.getrandbits(parts) & chance.getrandbits(parts) for _ in range(40)]
    read, blocks = [], []
    for k, mask in enumerate(masks):
        block = [chance.getrandbits(64) if mask >> at * parts // words & 1 else 0
                 for at in range(words)]
        read += [word for at, word in enumerate(block) if mask >> at * parts // words & 1]
        blocks.append((sum(word << 64 * at for at, word in enumerate(block)), k % 5 == 4))
    seen = []
    simulate(dut, feed(dut.words, read, stall=stall),
             feed(dut.masks, [{"mask": mask, "last": k % 5 == 4} for k, mask in enumerate(masks)],
                  stall=stall / 2, seed=5),
             drain(dut.o, len(blocks), seen, stall=stall,
                   read=lambda element: (element.data, element.last)))
    assert seen == blocks
