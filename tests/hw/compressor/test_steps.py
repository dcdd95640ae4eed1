"""The splitter of masks against its twin in software."""

from functools import cache

import pytest
import torch
from amaranth.hdl import Module, ResetInserter, Signal

from hw.compressor.steps import Steps
from hw.config import Pattern
from sw.exact.steps import step_blocks, step_masks
from tests.hw.streams import drain, feed, simulate


MASKS = ("2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "32:32", "unstructured", "sparse", "empty")


def masks_of(kind, blocks, m, generator):
    """Random masks of a pattern, or with any popcount: bool [blocks, m]."""
    if kind == "empty":
        return torch.zeros((blocks, m), dtype=torch.bool)
    scores = torch.rand((blocks, m), generator=generator)
    if kind in ("unstructured", "sparse"):
        share = torch.rand((blocks, 1), generator=generator)
        return scores < (share if kind == "unstructured" else 0.2 * share)
    pattern = Pattern.parse(kind)
    groups = scores.reshape(blocks, -1, pattern.m)
    return (groups.argsort(-1).argsort(-1) < pattern.n).reshape(blocks, m)


@cache
def splitter(pattern, width):
    """The component, which is compiled once for all tests of it."""
    return Steps(pattern, width)


def run(pattern, mask, *, least=0, stall=(0.0, 0.0), width=8):
    """Steps of random blocks out of the component, and those of the twin, as plain tuples."""
    generator = torch.Generator().manual_seed(7)
    half = 1 << (width - 1)
    x = torch.randint(-half, half, mask.shape, generator=generator)
    last = [k % 3 == 2 for k in range(len(x))]
    expected = []
    for k, (block, keep) in enumerate(zip(x, mask, strict=True)):
        values, masks = step_blocks(block, keep, pattern.n, least)
        expected += [(tuple(v.tolist()), number(step), int(last[k] and s == len(masks) - 1))
                     for s, (v, step) in enumerate(zip(values, masks, strict=True))]
    dut, received = splitter(pattern, width), []
    offered = [{"values": block.tolist(), "mask": number(keep), "last": int(end)}
               for block, keep, end in zip(x, mask, last, strict=True)]

    async def configure(ctx):
        ctx.set(dut.least, least)

    simulate(dut, configure, feed(dut.i, offered, stall=stall[0]),
             drain(dut.o, len(expected), received, stall=stall[1], read=plain))
    return received, expected


def number(mask):
    return sum(1 << k for k, bit in enumerate(mask.tolist()) if bit)


def plain(payload):
    return tuple(payload.values), payload.mask, payload.last


@pytest.mark.parametrize("kind", MASKS)
def test_steps_of_any_mask_on_an_array_for_16_32(kind):
    mask = masks_of(kind, 12, 32, torch.Generator().manual_seed(1))
    received, expected = run(Pattern(16, 32), mask)
    assert received == expected


@pytest.mark.parametrize("pattern", ["8:16", "4:8", "2:4", "1:4", "3:7", "3:4", "4:4"])
@pytest.mark.parametrize("stall", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.4, 0.4)])
def test_nothing_is_lost_under_back_pressure(pattern, stall):
    pattern = Pattern.parse(pattern)
    mask = masks_of("unstructured", 40, pattern.m, torch.Generator().manual_seed(2))
    received, expected = run(pattern, mask, stall=stall)
    assert received == expected


def test_least_gives_rows_of_different_masks_equally_many_steps():
    mask = masks_of("unstructured", 20, 8, torch.Generator().manual_seed(3))
    received, expected = run(Pattern(4, 8), mask, least=2)
    assert received == expected
    assert len(received) == 40


def test_takes_and_gives_a_step_in_every_cycle_after_two():
    dut = Steps(Pattern(2, 4))
    blocks = [{"values": [1, 2, 3, 4], "mask": mask, "last": 0} for mask in (3, 15, 1, 7, 12)]
    seen = []

    async def bench(ctx):
        offered = iter(blocks)
        ctx.set(dut.o.ready, 1)
        ctx.set(dut.i.payload, next(offered))
        ctx.set(dut.i.valid, 1)
        for _ in range(10):
            taken, valid = ctx.get(dut.i.ready) and ctx.get(dut.i.valid), ctx.get(dut.o.valid)
            seen.append(valid)
            await ctx.tick()
            if taken and (payload := next(offered, None)) is not None:
                ctx.set(dut.i.payload, payload)
            elif taken:
                ctx.set(dut.i.valid, 0)

    simulate(dut, bench)
    assert seen == [0, 0, 1, 1, 1, 1, 1, 1, 1, 0]  # seven steps of five blocks


def test_reset_drops_what_is_inside():
    reset = Signal()
    m = Module()
    m.submodules.dut = dut = Steps(Pattern(2, 4))
    full = {"values": [1, 2, 3, 4], "mask": 15, "last": 1}

    async def bench(ctx):
        ctx.set(dut.i.payload, full)
        ctx.set(dut.i.valid, 1)
        for _ in range(4):
            await ctx.tick()
        assert ctx.get(dut.o.valid)
        ctx.set(dut.i.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        ctx.set(dut.o.ready, 1)
        for _ in range(4):
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
        ctx.set(dut.i.payload, {**full, "mask": 6})
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        await ctx.tick()
        assert ctx.get(dut.o.valid)
        assert plain(ctx.get(dut.o.payload)) == ((2, 3), 6, 1)

    simulate(ResetInserter(reset)(m), bench)


def test_marks_tell_kept_zeros_from_what_fills_up():
    """Kept zeros of floats are +0, whatever their sign was; -0 is at positions that fill up."""
    chance = torch.Generator().manual_seed(14)
    x = torch.randint(0, 256, (60, 5), generator=chance)
    x[torch.rand(x.shape, generator=chance) < 0.4] &= 0x80
    mask, expected = torch.rand(x.shape, generator=chance) < 0.5, []
    for block, keep in zip(x, mask, strict=True):
        positions, kept = step_masks(keep, 2)
        values = torch.where(kept, torch.where(block & 0x7F == 0, 0, block), 0x80)
        expected += [tuple((values[k][positions[k]] ^ 0x80).sub(0x80).tolist())
                     for k in range(len(positions))]
    dut, received = Steps(Pattern(2, 5), 8, marks=True), []
    offered = [{"values": ((block ^ 0x80) - 0x80).tolist(), "mask": number(keep), "last": 1}
               for block, keep in zip(x, mask, strict=True)]
    simulate(dut, feed(dut.i, offered), drain(dut.o, len(expected), received, read=plain))
    assert [step[0] for step in received] == expected
