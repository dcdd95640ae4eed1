"""Bench of the array: skewed inputs, results that leave under back-pressure."""

import random
from collections import deque

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from sim.benches import load, words
from sim.benches.stream import Beat, Monitor, Port, Sink, reset, start_clock


VECTORS = load()
ROWS, COLUMNS, TILE = (int(VECTORS[name]) for name in ("rows", "columns", "tile"))
ROW_TILES, COLUMN_TILES = -(-ROWS // TILE), -(-COLUMNS // TILE)
BY_ROW: list[str] = [name for name in ("values", "masks", "scales") if name in VECTORS]
BY_COLUMN: list[str] = [name for name in ("weights", "weight_scales") if name in VECTORS]
"""Inputs that belong to a row; the vectors are [groups, blocks, rows, ...]."""


def width(dut, name: str) -> int:
    """Bits of one row's or one column's part of a port."""
    return len(getattr(dut, name)) // (COLUMNS if name in BY_COLUMN else ROWS)


class Feeder:
    """Gives the array its steps, each tile as much later as the array asks for.

    ``history[k]`` is what row and column tile k are given in this cycle: a step with its inputs,
    or None for a bubble, in which everything but ``step`` is random.
    """

    def __init__(self, dut):
        self.dut = dut
        self.history: deque = deque([None] * max(ROW_TILES, COLUMN_TILES))
        self.drive()

    def push(self, step: dict | None) -> None:
        """Begin a cycle with a step of tile (0, 0)."""
        self.history.pop()
        self.history.appendleft(step)
        self.drive()

    def drive(self) -> None:
        """Set every input of the array."""
        for name in [*BY_ROW, *BY_COLUMN]:
            count, bits = COLUMNS if name in BY_COLUMN else ROWS, width(self.dut, name)
            word = 0
            for k in range(count):
                step = self.history[k // TILE]
                part = step[name][k] if step else random.getrandbits(bits)
                word |= part << (bits * k)
            getattr(self.dut, name).value = word
        for name in ("start", "last"):
            getattr(self.dut, name).value = sum(
                int(step[name] if step else random.getrandbits(1)) << i
                for i, step in enumerate(list(self.history)[:ROW_TILES]))
        self.dut.step.value = sum(
            int(step is not None) << i for i, step in enumerate(list(self.history)[:ROW_TILES]))


def steps() -> list[list[dict]]:
    """Return the steps of every group: what each row and column is given."""
    weights = VECTORS["weights"]
    groups, blocks = weights.shape[:2]
    return [[{**{name: words(VECTORS[name][g, k]) for name in [*BY_ROW, *BY_COLUMN]},
              "start": k == 0, "last": k == blocks - 1}
             for k in range(blocks)] for g in range(groups)]


def expected() -> list[Beat]:
    """Return the results of every group, a beat for each row."""
    sums = VECTORS["accumulators"]
    rows = words(np.ascontiguousarray(sums.astype("<i4")).reshape(-1, COLUMNS))
    return [Beat(data, int(k % ROWS == ROWS - 1)) for k, data in enumerate(rows)]


STEPS, EXPECTED = steps(), expected()


async def feed(dut, feeder: Feeder, received: Sink, stall: float) -> None:
    """Give all groups; the last step of a group waits until the results before it have left."""
    for number, group in enumerate(STEPS):
        for step in group:
            while (random.random() < stall
                   or (step["last"] and len(received.beats) < number * ROWS)):
                feeder.push(None)
                await RisingEdge(dut.clk)
            feeder.push(step)
            await RisingEdge(dut.clk)
    while True:
        feeder.push(None)
        await RisingEdge(dut.clk)


async def begin(dut) -> tuple[Feeder, Port]:
    """Start the clock, reset, and watch the results."""
    start_clock(dut)
    results = Port(dut, "m_axis")
    results.ready.value = 0
    feeder = Feeder(dut)
    await reset(dut)
    Monitor(results)
    return feeder, results


async def run(dut, feeder: Feeder, results: Port, stall_in: float, stall_out: float) -> None:
    """Feed everything and compare the results."""
    received = Sink(results, stall_out)
    feeding = cocotb.start_soon(feed(dut, feeder, received, stall_in))
    await received.wait(len(EXPECTED))
    feeding.cancel()
    received.stop()
    for k, (one, other) in enumerate(zip(received.beats, EXPECTED, strict=True)):
        assert one == other, f"result {k} is {one}, expected {other}"


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.5], stall_out=[0.0, 0.5, 0.9])
async def sums_are_exact(dut, stall_in, stall_out):
    """Every group's sums leave in order, whatever stalls on either side."""
    feeder, results = await begin(dut)
    await run(dut, feeder, results, stall_in, stall_out)


@cocotb.test(timeout_time=200, timeout_unit="us")
async def latency_is_as_documented(dut):
    """The first row of results is offered ``latency`` cycles after the last step."""
    feeder, results = await begin(dut)
    for step in STEPS[0]:
        feeder.push(step)
        await RisingEdge(dut.clk)
    for cycle in range(1, 100):
        feeder.push(None)
        await RisingEdge(dut.clk)
        if results.valid.value:
            assert cycle == int(VECTORS["latency"]), f"latency is {cycle} cycles"
            return
    raise AssertionError("no results came")


@cocotb.test(timeout_time=200, timeout_unit="us")
async def reset_drops_what_is_inside(dut):
    """After a reset at any time the array starts afresh."""
    feeder, results = await begin(dut)
    for _ in range(4):
        received = Sink(results, 0.5)
        feeding = cocotb.start_soon(feed(dut, feeder, received, 0.2))
        await ClockCycles(dut.clk, random.randrange(1, 40))
        feeding.cancel()
        received.stop()
        feeder = Feeder(dut)
        await reset(dut)
        for _ in range(ROW_TILES + COLUMN_TILES):
            feeder.push(None)
            await RisingEdge(dut.clk)
        assert not results.valid.value, "results survived the reset"
    await run(dut, feeder, results, 0.2, 0.2)
