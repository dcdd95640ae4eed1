"""The load of a job: taken in that job only, of the length that it needs."""

import pytest

from hw.accelerator.coefficient_loader import CoefficientLoader
from hw.config import Design, Pattern
from tests.hw.streams import drain, feed, simulate


DESIGN = Design(Pattern(1, 2), coefficients=4, max_k=8)


def packet(*values):
    return [{"factors": [value, value], "last": k == len(values) - 1}
            for k, value in enumerate(values)]


@pytest.mark.parametrize("stall", [0.0, 0.5])
@pytest.mark.parametrize(("given", "loaded", "blocks"), [
    ([3, 5, 7], [3, 5, 7], 3), ([3, 5], [3, 5, 0], 0), ([3, 5, 7, 9, 11], [3, 5, 7], 0)])
def test_a_job_takes_its_packet(given, loaded, blocks, stall):
    """A job that brings none leaves it alone, and the next packet waits for the next job."""
    dut, received, errors = CoefficientLoader(DESIGN), [], []

    async def bench(ctx):
        ctx.set(dut.run.job.k_blocks, 3)
        for wanted in (0, 1, 0, 1):
            ctx.set(dut.loading.wanted, wanted)
            ctx.set(dut.run.begin, 1)
            await ctx.tick()
            ctx.set(dut.run.begin, 0)
            before = len(received)
            while ctx.get(dut.busy):
                _, _, error = await ctx.tick().sample(dut.tlast_error)
                errors.append(error)
            await ctx.tick().repeat(12)
            assert len(received) == before + 3 * wanted
            assert ctx.get(dut.loading.blocks) == (
                0 if not received else blocks if len(received) == 3 else 3)
        ctx.set(dut.run.drop, 1)
        await ctx.tick()
        assert ctx.get(dut.loading.blocks) == 0

    simulate(dut, bench, feed(dut.i, packet(*given) + packet(1, 2, 4), stall=stall),
             drain(dut.o, 6, received, stall=stall,
                   read=lambda beat: (int(beat.factors[0]), int(beat.last))))
    assert received == [(value, k == 2) for values in (loaded, [1, 2, 4])
                        for k, value in enumerate(values)]
    assert sum(errors) == (blocks == 0)
