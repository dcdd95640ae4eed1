"""Bench of the processing element."""

import random

import cocotb
from cocotb.triggers import RisingEdge

from sim.benches import load, words
from sim.benches.stream import reset, start_clock


VECTORS = load()
INPUTS = [name for name in ("digits", "correction", "keep", "selects", "weights")
          if name in VECTORS]
IDLE = {"digits": 0, "correction": 0, "keep": 1}
"""A cycle that adds nothing; the other inputs may then be anything."""


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5])
async def accumulates_every_step(dut, stall):
    """The accumulator follows every step, and keeps its value in a cycle that adds nothing."""
    start_clock(dut)
    idle(dut)
    await reset(dut)
    expected = 0
    steps = zip(*(words(VECTORS[name]) for name in INPUTS), VECTORS["accumulators"], strict=True)
    for *inputs, accumulator in steps:
        while random.random() < stall:
            idle(dut)
            await check(dut, expected)
        for name, value in zip(INPUTS, inputs, strict=True):
            getattr(dut, name).value = value
        await check(dut, expected)
        expected = int(accumulator)
    idle(dut)
    await check(dut, expected)
    await check(dut, expected)


def idle(dut) -> None:
    """Give the inputs of a cycle that adds nothing."""
    for name in INPUTS:
        signal = getattr(dut, name)
        signal.value = IDLE.get(name, random.getrandbits(len(signal)))


async def check(dut, expected: int) -> None:
    """Compare what stands before the next edge with what the steps until now have summed."""
    await RisingEdge(dut.clk)
    seen = dut.accumulator.value.to_signed()
    assert seen == expected, f"the accumulator is {seen}, expected {expected}"
