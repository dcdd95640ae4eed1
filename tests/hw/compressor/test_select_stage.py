"""Selecting as a stage of a stream: masks, stalls, latency, rate, reset."""

import random

import pytest
from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from hw.config import Pattern
from hw.selector import make_select_stage
from tests.hw.selector.test_selector import blocks, expected_mask
from tests.hw.streams import drain, feed, simulate


WIDTH = 8
STAGES = [
    ("rank", 0, "none", "2:4"), ("network", 0, "none", "4:8"), ("radix", 0, "none", "3:7"),
    ("radix", 1, "none", "4:8"), ("radix", 3, "none", "8:16"), ("radix", 4, "n", "4:8"),
    ("radix", 9, "none", "3:7"), ("serial", 0, "none", "2:4"), ("serial", 0, "none", "3:7"),
    ("serial", 0, "none", "8:16"), ("serial", 0, "n", "3:7"), ("serial", 0, "n", "8:16"),
    ("serial", 0, "all", "1:2"), ("serial", 0, "all", "8:16"), ("serial", 0, "all", "16:32"),
    ("rank", 0, "n", "3:7"), ("rank", 0, "all", "8:16"),
]


def stage(case):
    name, stages, flexible, text = case
    return make_select_stage(name, 8, Pattern.parse(text), WIDTH, stages=stages, flexible=flexible)


def stimulus(case, count):
    """Payloads, and what must come out: the number of the block, and its mask."""
    _, _, flexible, text = case
    pattern, rng = Pattern.parse(text), random.Random(repr(case))
    payloads, expected = [], []
    for k, scores in enumerate(blocks(pattern.m, WIDTH, count, seed=repr(case))):
        payload, n, size = {"block": k % 256, "scores": scores}, pattern.n, pattern.m
        if flexible == "all":
            log = rng.randint(1, pattern.m.bit_length() - 1)
            size = 1 << log
            n = rng.randint(1, size)
            payload["pattern"] = {"n": n, "size": log}
        elif flexible == "n":
            n = rng.randint(1, size)
            payload["pattern"] = {"n": n}
        mask = sum(expected_mask(scores[start:start + size], n) << start
                   for start in range(0, pattern.m, size))
        payloads.append(payload)
        expected.append((k % 256, mask))
    return payloads, expected


def read(payload):
    return payload.block, payload.mask


@pytest.mark.parametrize("stall", [0.0, 0.4])
@pytest.mark.parametrize("case", STAGES, ids=str)
def test_every_block_leaves_with_its_mask(case, stall):
    dut, received = stage(case), []
    payloads, expected = stimulus(case, 10)
    simulate(dut, feed(dut.i, payloads, stall=stall),
             drain(dut.o, len(expected), received, stall=stall, read=read))
    assert received == expected


@pytest.mark.parametrize("case", STAGES, ids=str)
def test_latency_and_interval_are_as_promised(case):
    dut, arrivals = stage(case), []
    payloads, _ = stimulus(case, 1)
    payloads = payloads[:6]

    async def watch(ctx):
        ctx.set(dut.o.ready, 1)
        cycle, taken = 0, None
        while len(arrivals) < len(payloads):
            *_, valid, accepted = await ctx.tick().sample(dut.o.valid, dut.i.valid & dut.i.ready)
            taken = cycle if accepted and taken is None else taken
            if valid:
                arrivals.append(cycle - taken)
            cycle += 1

    simulate(dut, feed(dut.i, payloads), watch)
    assert arrivals == [dut.latency + k * dut.interval for k in range(len(payloads))]


class Resettable(wiring.Component):
    """A component whose reset a testbench can drive."""

    def __init__(self, inside):
        self.inside = inside
        self.restart = Signal()
        super().__init__(inside.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.inside = ResetInserter(self.restart)(self.inside)
        wiring.connect(m, wiring.flipped(self), self.inside)
        return m


@pytest.mark.parametrize("case", STAGES, ids=str)
def test_reset_at_any_cycle_drops_what_is_inside(case):
    dut = Resettable(stage(case))
    payloads, expected = stimulus(case, 1)
    received = []

    async def bench(ctx):
        for cycles in range(1, 2 * dut.inside.latency + 3):
            ctx.set(dut.i.payload, payloads[0])
            ctx.set(dut.i.valid, 1)
            ctx.set(dut.o.ready, cycles % 2)
            await ctx.tick().repeat(cycles)
            ctx.set(dut.i.valid, 0)
            ctx.set(dut.o.ready, 0)
            ctx.set(dut.restart, 1)
            await ctx.tick()
            ctx.set(dut.restart, 0)
            assert not ctx.get(dut.o.valid)
            await feed(dut.i, payloads[5:6])(ctx)
            await drain(dut.o, 1, received, read=read)(ctx)

    simulate(dut, bench)
    assert received == expected[5:6] * (2 * dut.inside.latency + 2)
