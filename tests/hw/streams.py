"""Drives streams of components in Amaranth's simulator."""

import random
from weakref import WeakKeyDictionary

from amaranth.sim import Simulator


__all__ = ["drain", "feed", "simulate"]


class _Compiled:
    """A component in Amaranth's simulator, which takes seconds to compile and is then reused."""

    TESTBENCHES = 4

    def __init__(self, dut):
        self.simulator = Simulator(dut)
        self.simulator.add_clock(1e-6)
        self.testbenches = ()
        for place in range(self.TESTBENCHES):
            self.simulator.add_testbench(self._at(place))

    def _at(self, place: int):
        async def testbench(ctx):
            if place < len(self.testbenches):
                await self.testbenches[place](ctx)

        return testbench

    def begin(self, testbenches) -> Simulator:
        """The simulator at its start, with these testbenches."""
        assert len(testbenches) <= self.TESTBENCHES
        if self.testbenches:
            self.simulator.reset()
        self.testbenches = testbenches
        return self.simulator


_compiled: WeakKeyDictionary = WeakKeyDictionary()


def simulate(dut, *testbenches, limit: int = 20_000) -> None:
    """Run testbenches to their end; TimeoutError after ``limit`` clock cycles.

    Every call starts at power-up; one component may be simulated again and again.
    """
    if dut not in _compiled:
        _compiled[dut] = _Compiled(dut)
    simulator = _compiled[dut].begin(testbenches)
    for _ in range(2 * limit):  # the clock has two edges per cycle
        if not simulator.advance():
            return
    raise TimeoutError(f"testbench still running after {limit} cycles")


def feed(stream, payloads, *, stall: float = 0.0, seed: int = 0):
    """Testbench that offers payloads one after the other, with bubbles between them."""
    chance = random.Random(seed)

    async def testbench(ctx):
        for payload in payloads:
            while chance.random() < stall:
                await ctx.tick()
            ctx.set(stream.payload, payload)
            ctx.set(stream.valid, 1)
            await ctx.tick().until(stream.ready)
            ctx.set(stream.valid, 0)

    return testbench


def drain(stream, count: int, received: list, *, stall: float = 0.0, seed: int = 1, read=None):
    """Testbench that takes ``count`` payloads, with back-pressure between them.

    ``read`` turns a payload of the simulator into what is appended to ``received``.
    """
    chance = random.Random(seed)

    async def testbench(ctx):
        for _ in range(count):
            while chance.random() < stall:
                await ctx.tick()
            ctx.set(stream.ready, 1)
            payload, = await ctx.tick().sample(stream.payload).until(stream.valid)
            ctx.set(stream.ready, 0)
            received.append(read(payload) if read else payload)

    return testbench
