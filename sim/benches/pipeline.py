"""Bench of a design with one stream in and one out: compressor and decompressor.

A beat gives one beat, or as many as the vector ``steps`` says, and waits for as many further ones
as ``waits`` says.
"""

import itertools
import random

import cocotb
from cocotb.triggers import ClockCycles, RisingEdge

from sim.benches import load, words
from sim.benches.stream import Beat, Monitor, Port, Sink, reset, send, start_clock


VECTORS = load()
STALLS = [0.0, 0.5]


def beats(side: str) -> list[Beat]:
    """Return the beats of the vectors, ``input`` or ``output``."""
    fields = {name: words(VECTORS[f"{side}_{name}"]) for name in ("data", "last", "user")
              if f"{side}_{name}" in VECTORS}
    return [Beat(**dict(zip(fields, values, strict=True)))
            for values in zip(*fields.values(), strict=True)]


INPUT, OUTPUT = beats("input"), beats("output")
ENDS = [k for k, beat in enumerate(INPUT, start=1) if beat.last]  # beats up to each token's end
STEPS = [int(count) for count in VECTORS.get("steps", [1] * len(INPUT))]  # beats for each beat
WAITS = [int(count) for count in VECTORS.get("waits", [0] * len(INPUT))]
CHANNEL = beats("channel") if "channel_data" in VECTORS else []


async def begin(dut) -> tuple[Port, Port]:
    """Start clock and monitors, reset, load parameters; return the two streams."""
    start_clock(dut)
    source, sink = Port(dut, "s_axis"), Port(dut, "m_axis")
    source.valid.value = 0
    source.drive(source.garbage())
    sink.ready.value = 0
    for name in ("shift", "tensor", "threshold"):
        if name in VECTORS:
            port = getattr(dut, name)
            port.value = int(VECTORS[name]) % (1 << len(port))
    await restart(dut)
    Monitor(sink)
    return source, sink


async def restart(dut) -> None:
    """Reset the design, and load the parameters of the channels if it has any."""
    if CHANNEL:
        dut.s_axis_coef_tvalid.value = 0
    await reset(dut)
    if CHANNEL:
        await send(Port(dut, "s_axis_coef"), CHANNEL, 0.2)


def compare(received: list[Beat], expected: list[Beat]) -> None:
    """Fail with the first difference."""
    for k, (one, other) in enumerate(itertools.zip_longest(received, expected)):
        assert one == other, f"beat {k} is {one}, expected {other}"


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(stall_in=STALLS, stall_out=STALLS, probe=[False, True])
async def every_beat_arrives(dut, stall_in, stall_out, probe):
    """Nothing is lost, repeated, reordered or wrong, whatever stalls on either side."""
    source, sink = await begin(dut)
    received = Sink(sink, stall_out, probe=probe)
    await send(source, INPUT, stall_in)
    await received.wait(len(OUTPUT))
    compare(received.beats, OUTPUT)


@cocotb.test(timeout_time=200, timeout_unit="us", skip=int(VECTORS["interval"]) < 1)
async def latency_and_rate_are_as_documented(dut):
    """A beat is there ``latency`` cycles after the first is taken, others one per ``interval``.

    Where a beat gives several, they follow each other, and the next one does not overtake them. One
    that waits for others is there ``latency`` cycles after the last of them.
    """
    source, sink = await begin(dut)
    latency, interval = int(VECTORS["latency"]), int(VECTORS["interval"])
    sink.ready.value = 1
    cocotb.start_soon(send(source, INPUT))
    while not (source.valid.value and source.ready.value):  # a reset may take cycles to end
        await RisingEdge(dut.clk)
    arrivals, expected, start = [], [], latency
    for k, (steps, waits) in enumerate(zip(STEPS, WAITS, strict=True)):
        start = max(start, latency + (k + waits) * interval)
        expected += range(start, start + steps)
        start += max(interval, steps)
    for cycle in range(1, start):
        await RisingEdge(dut.clk)
        if sink.valid.value:
            arrivals.append(cycle)
    assert arrivals == expected, f"beats left in cycles {arrivals[:9]}, not {expected[:9]}"


@cocotb.test(timeout_time=200, timeout_unit="us")
async def reset_drops_what_is_inside(dut):
    """After a reset in the middle of a stream, only what is sent afterwards arrives."""
    source, sink = await begin(dut)
    for _ in range(5):
        received = Sink(sink, 0.5)
        sender = cocotb.start_soon(send(source, INPUT, 0.2))
        await ClockCycles(dut.clk, random.randrange(1, len(INPUT)))
        sender.cancel()
        received.stop()
        source.valid.value = 0
        await restart(dut)
        received = Sink(sink)
        count = ENDS[min(10, len(ENDS)) - 1]
        await send(source, INPUT[:count])
        expected = OUTPUT[:sum(STEPS[:count])]
        await received.wait(len(expected))
        compare(received.beats, expected)
        received.stop()
