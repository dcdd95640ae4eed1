"""AXI4-Stream for benches: source, sink, and a monitor of the protocol."""

import random
from dataclasses import dataclass

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, FallingEdge, RisingEdge, Timer


__all__ = ["Beat", "Monitor", "Port", "Sink", "reset", "send", "start_clock"]


PERIOD_NS = 10


@dataclass(frozen=True)
class Beat:
    """One transfer. ``user`` is 0 on a stream without ``tuser``."""

    data: int
    last: int = 0
    user: int = 0


class Port:
    """The signals of one stream of the design under test."""

    def __init__(self, dut, prefix: str):
        self.prefix = prefix
        self.clock, self.reset = dut.clk, dut.rst
        self.valid = getattr(dut, f"{prefix}_tvalid")
        self.ready = getattr(dut, f"{prefix}_tready")
        self.fields = {name: getattr(dut, f"{prefix}_t{name}") for name in ("data", "last", "user")
                       if hasattr(dut, f"{prefix}_t{name}")}

    def drive(self, beat: Beat) -> None:
        """Put a beat on the payload signals."""
        for name, signal in self.fields.items():
            signal.value = getattr(beat, name)

    def sample(self) -> Beat:
        """Return the beat that stands on the payload signals."""
        return Beat(**{name: int(signal.value) for name, signal in self.fields.items()})

    def garbage(self) -> Beat:
        """Return random bits for every field: what a stream may carry while it is not valid."""
        return Beat(**{name: random.getrandbits(len(signal))
                       for name, signal in self.fields.items()})


def start_clock(dut) -> None:
    """Start the clock of a design."""
    Clock(dut.clk, PERIOD_NS, unit="ns").start()


async def reset(dut) -> None:
    """Hold the reset for two cycles."""
    dut.rst.value = 1
    await ClockCycles(dut.clk, 2)
    dut.rst.value = 0


async def send(port: Port, beats: list[Beat], stall: float = 0) -> None:
    """Send beats, before each of them bubbles with probability ``stall``."""
    port.valid.value = 0
    for beat in beats:
        while random.random() < stall:
            port.drive(port.garbage())
            await RisingEdge(port.clock)
        port.drive(beat)
        port.valid.value = 1
        await RisingEdge(port.clock)
        while not port.ready.value:
            await RisingEdge(port.clock)
        port.valid.value = 0


class Sink:
    """Takes beats from its creation on into ``beats``.

    ``ready`` is low with probability ``stall`` in each cycle. With ``probe`` it also changes
    within the cycle, and ``valid`` must not answer to that.
    """

    def __init__(self, port: Port, stall: float = 0, *, probe: bool = False):
        self.port = port
        self.stall = stall
        self.probe = probe
        self.beats: list[Beat] = []
        port.ready.value = 0
        self._task = cocotb.start_soon(self._run())

    def stop(self) -> None:
        """Take no more beats."""
        self._task.cancel()
        self.port.ready.value = 0

    async def wait(self, count: int) -> None:
        """Wait until ``count`` beats have come in all, and 20 cycles more for any surplus."""
        while len(self.beats) < count:
            await RisingEdge(self.port.clock)
        await ClockCycles(self.port.clock, 20)
        assert len(self.beats) == count, f"{len(self.beats)} beats came where {count} belong"

    async def _run(self) -> None:
        port = self.port
        while True:
            port.ready.value = int(random.random() >= self.stall)
            if self.probe:
                await self._wiggle()
            await RisingEdge(port.clock)
            if port.valid.value and port.ready.value:
                self.beats.append(port.sample())

    async def _wiggle(self) -> None:
        port, seen = self.port, set()
        await FallingEdge(port.clock)
        for ready in (0, 1, int(random.random() >= self.stall)):
            port.ready.value = ready
            await Timer(1, unit="ns")
            seen.add(str(port.valid.value))
        assert len(seen) == 1, f"{port.prefix}_tvalid depends on tready"


class Monitor:
    """Fails the test if an offered beat changes or goes away before it is taken."""

    def __init__(self, port: Port):
        self.port = port
        self._task = cocotb.start_soon(self._run())

    async def _run(self) -> None:
        port, waiting = self.port, None
        while True:
            await RisingEdge(port.clock)
            if port.reset.value:
                waiting = None
                continue
            offered = port.sample() if port.valid.value else None
            assert waiting is None or offered == waiting, (
                f"{port.prefix} offered {waiting} and, before it was taken, {offered}")
            waiting = offered if not port.ready.value else None
