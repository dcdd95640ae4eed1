"""The one packet of a job, with a length of its own."""

import random

import pytest

from hw.epilogue.tokens import TokenScale
from hw.job.packet import JobPacket
from tests.hw.streams import feed, simulate


@pytest.mark.parametrize("stall", [0.0, 0.6])
@pytest.mark.parametrize("seed", range(4))
def test_jobs_get_their_packets(stall, seed):
    """Of any length; some jobs bring none, and packets are on offer long before their job."""
    chance = random.Random(seed)
    dut, beats, errors = JobPacket(TokenScale()), [], []
    jobs = []  # beats that the job needs, and what it is given
    for _ in range(30):
        needed = chance.randint(1, 4)
        length = needed + chance.choice([0, 0, -2, -1, 1, 3])
        given = [chance.randint(1, 999) for _ in range(length)]
        if chance.random() < 0.3 or not given:
            jobs.append((needed, None))
            continue
        beats += [{"scale": one, "last": k == len(given) - 1} for k, one in enumerate(given)]
        jobs.append((needed, given))

    async def bench(ctx):
        for needed, given in jobs:
            ctx.set(dut.run.begin, 1)
            ctx.set(dut.brings, given is not None)
            await ctx.tick()
            ctx.set(dut.run.begin, 0)
            if given is None:
                for _ in range(needed):
                    assert not ctx.get(dut.o.valid)
                    await ctx.tick()
                continue
            seen, before = [], len(errors)
            while len(seen) < needed:
                ctx.set(dut.ends, len(seen) == needed - 1)
                ready = chance.random() >= stall
                ctx.set(dut.o.ready, ready)
                _, _, scale, valid, error = await ctx.tick().sample(
                    dut.o.payload.scale, dut.o.valid, dut.tlast_error)
                errors.extend([1] * error)
                if ready and valid:
                    seen.append(scale)
            ctx.set(dut.o.ready, 0)
            assert seen == (given + [0] * needed)[:needed]
            assert len(errors) - before == (len(given) != needed)
        await ctx.tick().repeat(30)
        assert not ctx.get(dut.i.valid), "beats are left over"

    simulate(dut, bench, feed(dut.i, beats, stall=stall, seed=seed))


def test_a_dropped_packet_is_forgotten():
    dut = JobPacket(TokenScale())

    async def bench(ctx):
        ctx.set(dut.brings, 1)
        ctx.set(dut.o.ready, 1)
        for first in (7, 9):
            ctx.set(dut.run.begin, 1)
            await ctx.tick()
            ctx.set(dut.run.begin, 0)
            assert not ctx.get(dut.i.ready)
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.i.payload, {"scale": first, "last": 0})
            assert ctx.get(dut.o.valid)
            assert ctx.get(dut.o.payload.scale) == first
            await ctx.tick()
            ctx.set(dut.run.drop, 1)
            assert ctx.get(dut.i.ready)
            assert not ctx.get(dut.o.valid)
            await ctx.tick()
            ctx.set(dut.run.drop, 0)
            ctx.set(dut.i.valid, 0)

    simulate(dut, bench)
