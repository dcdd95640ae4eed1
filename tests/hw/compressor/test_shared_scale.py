"""Blocks that wait for the others of their scale: largest magnitudes, stalls, rate, reset."""

import random

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import data

from hw.compressor.shared_scale import MeasuredBlock, SharedLargest
from tests.hw.streams import drain, feed, simulate


BLOCK = data.StructLayout({"number": 8, "last": 1})


def stage(blocks):
    return SharedLargest(MeasuredBlock(BLOCK, 15), blocks)


def stimulus(blocks, count, seed):
    """Payloads, and what must come out: the number of a block, and the largest of its scale."""
    chance = random.Random(f"{blocks} {seed}")
    payloads, expected, group = [], [], []
    for k in range(count):
        last = k == count - 1 or chance.random() < 0.15
        largest = chance.choice((0, chance.randrange(1 << 15), (1 << 15) - 1))
        payloads.append({"block": {"number": k % 256, "last": last}, "largest": largest})
        group.append(largest)
        if last or len(group) == blocks:
            expected += [max(group)] * len(group)
            group = []
    return payloads, [(k % 256, largest) for k, largest in enumerate(expected)]


def read(payload):
    return payload.block.number, payload.largest


@pytest.mark.parametrize("blocks", [2, 4, 8])
@pytest.mark.parametrize("stalls", [(0.0, 0.0), (0.5, 0.0), (0.0, 0.6), (0.3, 0.3)], ids=str)
def test_every_block_gets_the_largest_of_its_scale(blocks, stalls):
    dut, got = stage(blocks), []
    payloads, expected = stimulus(blocks, 150, stalls)
    simulate(dut, feed(dut.i, payloads, stall=stalls[0], seed=1),
             drain(dut.o, len(expected), got, stall=stalls[1], seed=2, read=read))
    assert got == expected


@pytest.mark.parametrize("blocks", [2, 4, 8])
@pytest.mark.parametrize("ends", [(63,), (7, *range(8, 64)), (0, 4, 5, 6, 7, 8, 20, 21, 63)],
                         ids=str)
def test_one_block_a_cycle_and_the_latency_is_from_the_last_of_a_scale(blocks, ends):
    """Tokens of one block behind long ones are as many scales at once as there can be."""
    dut, count, seen, begin = stage(blocks), 64, [], 0
    payloads = [{"block": {"number": k, "last": k in ends}, "largest": k} for k in range(count)]
    expected = []
    for k in range(count):
        if k in ends or k - begin == blocks - 1:
            first = max(k + dut.latency, expected[-1][0] + 1 if expected else 0)
            expected += [(first + place, begin + place) for place in range(k - begin + 1)]
            begin = k + 1

    async def watch(ctx):
        for cycle in range(count + 20):
            if ctx.get(dut.o.valid):
                seen.append((cycle, ctx.get(dut.o.payload.block.number)))
            ctx.set(dut.o.ready, 1)
            await ctx.tick()

    simulate(dut, feed(dut.i, payloads), watch)
    assert seen == expected


@pytest.mark.parametrize("blocks", [2, 8])
def test_a_token_of_one_block_waits_for_no_other(blocks):
    dut, got = stage(blocks), []
    payloads = [{"block": {"number": k, "last": 1}, "largest": 100 - k} for k in range(20)]
    simulate(dut, feed(dut.i, payloads), drain(dut.o, 20, got, read=read))
    assert got == [(k, 100 - k) for k in range(20)]


def test_reset_forgets_blocks_and_what_they_were():
    dut, reset, got = stage(4), Signal(), []
    top = Module()
    top.submodules.dut = ResetInserter(reset)(dut)
    payloads, expected = stimulus(4, 40, "reset")

    async def cut(ctx):
        ctx.set(dut.i.payload, {"block": {"number": 99, "last": 0}, "largest": (1 << 15) - 1})
        ctx.set(dut.i.valid, 1)
        await ctx.tick().repeat(3)
        ctx.set(dut.i.valid, 0)
        ctx.set(reset, 1)
        await ctx.tick()
        ctx.set(reset, 0)
        await feed(dut.i, payloads, stall=0.2)(ctx)

    simulate(top, cut, drain(dut.o, len(expected), got, read=read))
    assert got == expected
