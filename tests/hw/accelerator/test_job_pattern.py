"""What JOB_PATTERN asks for, against the parameters of the design."""

import pytest
from amaranth.sim import Simulator

from hw.accelerator.job_pattern import JobPattern
from hw.config import Design, Pattern


@pytest.mark.parametrize(("text", "flexible"), [
    ("4:8", "none"), ("3:7", "n"), ("4:4", "n"), ("5:16", "all"), ("16:32", "all"), ("1:2", "all")])
def test_every_setting(text, flexible):
    design = Design(Pattern.parse(text), flexible=flexible, unstructured=flexible == "all")
    own, dut = design.pattern, JobPattern(design)

    async def bench(ctx):
        legal = 0
        for size in [*range(own.m + 2), 2 * own.m, 255]:
            for keep in [*range(size + 2), 255]:
                ctx.set(dut.size, size)
                ctx.set(dut.keep, keep)
                await ctx.delay(1e-9)
                try:
                    asked = Pattern(keep or own.n, size or own.m)
                    steps = design.steps(asked)
                except ValueError:
                    assert not ctx.get(dut.legal), (keep, size)
                    continue
                legal += 1
                assert ctx.get(dut.legal), (keep, size)
                assert ctx.get(dut.steps) == steps
                if flexible != "none":
                    assert ctx.get(dut.asked.n) == asked.n
                if flexible == "all":
                    assert 1 << ctx.get(dut.asked.size) == asked.m
        assert legal >= 3
        for threshold in (1, (1 << design.score_width) - 1, 1 << design.score_width, 0xFFFF):
            ctx.set(dut.threshold, threshold)
            await ctx.delay(1e-9)
            assert ctx.get(dut.legal) == (design.unstructured and threshold < 256)
            assert not ctx.get(dut.legal) or ctx.get(dut.steps) == design.most_steps

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
