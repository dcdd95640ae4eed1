"""Bench of the processing element."""

import random
from collections import deque
from collections.abc import Iterator

import cocotb
from cocotb.triggers import RisingEdge

from sim.benches import load, words
from sim.benches.stream import reset, start_clock


VECTORS = load()
INPUTS = [name for name in ("digits", "correction", "keep", "selects", "weights")
          if name in VECTORS]
AHEAD = int(VECTORS["ahead"])
"""Cycles by which weights and selects of a step come before its other inputs."""
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
    waiting = deque([None] * AHEAD)
    for step in [*stalled(stall), *[None] * (AHEAD + 2)]:
        waiting.append(step)
        summed = waiting.popleft()
        for name in INPUTS:
            give(dut, name, summed if name in IDLE else step)
        await check(dut, expected)
        expected = expected if summed is None else summed["accumulators"]


def stalled(stall: float) -> Iterator[dict[str, int] | None]:
    """The steps, and None for cycles that add nothing, at random between them."""
    names = [*INPUTS, "accumulators"]
    given = zip(*(words(VECTORS[name]) for name in INPUTS),
                map(int, VECTORS["accumulators"]), strict=True)
    for step in given:
        while random.random() < stall:
            yield None
        yield dict(zip(names, step, strict=True))


def idle(dut) -> None:
    """Give the inputs of a cycle that adds nothing."""
    for name in INPUTS:
        give(dut, name, None)


def give(dut, name: str, step: dict[str, int] | None) -> None:
    """Drive an input as a step has it, or as a cycle that adds nothing."""
    signal = getattr(dut, name)
    signal.value = (step[name] if step is not None
                    else IDLE.get(name, random.getrandbits(len(signal))))


async def check(dut, expected: int) -> None:
    """Compare what stands before the next edge with what the steps until now have summed."""
    await RisingEdge(dut.clk)
    seen = dut.accumulator.value.to_signed()
    assert seen == expected, f"the accumulator is {seen}, expected {expected}"
