"""Channel parameters: their place in the token, and the rules of loading."""

import pytest
from amaranth.hdl import Module, ResetInserter, Signal

from hw.compressor.channel import ChannelStage
from hw.config import Design, Pattern
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(1, 2), coefficients=4, max_k=8)


def load(values):
    """Beats with both factors of a block equal."""
    return [{"factors": [value, value], "last": k == len(values) - 1}
            for k, value in enumerate(values)]


def token(blocks, value=0):
    return [{"values": [value, value], "last": k == blocks - 1} for k in range(blocks)]


def factors(received):
    return [int(payload.factors[0]) for payload in received]


@pytest.mark.parametrize("stall", [0.0, 0.6])
def test_every_block_gets_the_parameters_of_its_place(stall):
    dut, received = ChannelStage(DESIGN), []
    blocks = token(4) + token(2) + token(1) + token(4)
    simulate(dut, feed(dut.i_coef, load([3, 5, 7, 9]), stall=stall, seed=3),
             feed(dut.i, blocks, stall=stall), drain(dut.o, len(blocks), received, stall=stall))
    assert factors(received) == [3, 5, 7, 9, 3, 5, 3, 3, 5, 7, 9]
    assert [bool(payload.last) for payload in received] == [block["last"] for block in blocks]


async def offer(ctx, stream, payload):
    ctx.set(stream.valid, payload is not None)
    if payload is not None:
        ctx.set(stream.payload, payload)


def test_no_token_passes_before_a_load_has_ended():
    dut, passed = ChannelStage(DESIGN), []
    first, second = load([1, 2])

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        await offer(ctx, dut.i, token(1)[0])
        for beat, taken in ((None, 0), (None, 0), (first, 0), (first, 1), (None, 1), (None, 1),
                            (second, 1), (None, 0)):
            await offer(ctx, dut.i_coef, beat)
            passed.append(ctx.get(dut.i.ready))
            assert ctx.get(dut.i_coef.ready) == taken
            await ctx.tick()

    simulate(dut, bench)
    assert passed == [0, 0, 0, 0, 0, 0, 0, 1]


def test_a_load_waits_for_the_end_of_the_token_and_goes_before_the_next():
    dut, received, taken = ChannelStage(DESIGN), [], []

    async def bench(ctx):
        ctx.set(dut.o.ready, 1)
        await offer(ctx, dut.i_coef, load([1])[0])
        await ctx.tick().repeat(2)
        await offer(ctx, dut.i_coef, None)
        for block in token(3):
            await offer(ctx, dut.i, block)
            taken.append((ctx.get(dut.i.ready), ctx.get(dut.i_coef.ready)))
            await ctx.tick()
            await offer(ctx, dut.i_coef, load([2])[0])  # from the first block on
        await offer(ctx, dut.i, token(1)[0])
        taken.append((ctx.get(dut.i.ready), ctx.get(dut.i_coef.ready)))
        await ctx.tick()
        await offer(ctx, dut.i_coef, None)
        taken.append((ctx.get(dut.i.ready), ctx.get(dut.i_coef.ready)))
        await ctx.tick()
        await offer(ctx, dut.i, None)

    simulate(dut, bench, drain(dut.o, 4, received, read=lambda payload: payload.factors[0]))
    assert taken == [(1, 0), (1, 0), (1, 0), (0, 1), (1, 0)]
    assert received[0] == 1
    assert received[3] == 2


def test_reset_forgets_the_load():
    stage, reset = ChannelStage(DESIGN), Signal()
    m = Module()
    m.submodules.stage = ResetInserter(reset)(stage)
    seen = []

    async def bench(ctx):
        ctx.set(stage.i.valid, 1)
        ctx.set(stage.i_coef.payload, load([1])[0])
        for load_valid, rst in ((1, 0), (1, 0), (0, 1), (0, 0), (1, 0), (1, 0), (0, 0)):
            ctx.set(stage.i_coef.valid, load_valid)
            ctx.set(reset, rst)
            seen.append(ctx.get(stage.i.ready))
            await ctx.tick()

    simulate(m, bench)
    assert seen == [0, 0, 1, 0, 0, 0, 1]
