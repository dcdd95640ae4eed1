"""Bench of the processing element."""

import random
from collections import deque
from collections.abc import Iterator

import cocotb
import numpy as np
from cocotb.triggers import RisingEdge

from sim.benches import load, words
from sim.benches.stream import reset, start_clock


VECTORS = load()
INPUTS = [name for name in ("digits", "correction", "signs", "bases", "triples", "exponents",
                            "scale", "keep", "step", "nan", "infinities", "zeros", "selects",
                            "weights", "weight_scale") if name in VECTORS]
FIRST = ("selects", "weights")
AHEAD = int(VECTORS["ahead"])
"""Cycles by which weights and selects of a step come before its other inputs."""
INSIDE = int(VECTORS["latency"]) - AHEAD
"""Cycles from a step's other inputs to the accumulator."""
IDLE = {"digits": 0, "correction": 0, "bases": 0, "triples": 0, "keep": 1, "step": 0, "nan": 0}
"""A cycle that adds nothing; the other inputs may then be anything."""


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall=[0.0, 0.5])
async def accumulates_every_step(dut, stall):
    """The accumulator follows every step, and keeps its value in a cycle that adds nothing."""
    start_clock(dut)
    idle(dut)
    await reset(dut)
    await RisingEdge(dut.clk)  # gates settle after the edge of the reset
    expected = read(dut.accumulator.value)
    assert not expected, f"the accumulator is {expected} after a reset"
    waiting, sums = deque([None] * AHEAD), deque([expected] * INSIDE)
    for step in [*stalled(stall), *[None] * (AHEAD + INSIDE + 2)]:
        waiting.append(step)
        summed = waiting.popleft()
        for name in INPUTS:
            give(dut, name, step if name in FIRST else summed)
        await check(dut, sums[0])
        expected = expected if summed is None else summed["accumulators"]
        sums.append(expected)
        sums.popleft()


def stalled(stall: float) -> Iterator[dict[str, int] | None]:
    """The steps, and None for cycles that add nothing, at random between them."""
    names = [*INPUTS, "accumulators"]
    given = zip(*(words(VECTORS[name]) for name in INPUTS), VECTORS["accumulators"].tolist(),
                strict=True)
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


async def check(dut, expected: float) -> None:
    """Compare what stands before the next edge with what the steps until now have summed."""
    await RisingEdge(dut.clk)
    seen = read(dut.accumulator.value)
    assert repr(seen) == repr(expected), f"the accumulator is {seen}, expected {expected}"


def read(bits) -> float:
    """The sum that an accumulator holds: an integer, or rounded to binary32."""
    if "width" not in VECTORS:
        return bits.to_signed()
    width, number = int(VECTORS["width"]), bits.to_unsigned()
    total, above = number % (1 << width), number >> width
    total -= total >> width - 1 << width
    if "unit" not in VECTORS:
        return binary32(total, above)
    return float("nan") if above else float(np.float32(total * 2.0 ** int(VECTORS["unit"])))


def binary32(mantissa: int, above: int) -> float:
    """A ``RoundedSum``: its mantissa, and the bits above."""
    field, (infinite, negative, nan) = above & 0xFF, (above >> k & 1 for k in (8, 9, 10))
    size = float("inf") if infinite else abs(mantissa) * 2.0 ** (field - 150)
    sign = -1 if (mantissa < 0 and not infinite) or (negative and (infinite or not mantissa)) else 1
    return float("nan") if nan else sign * size
