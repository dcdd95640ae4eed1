"""Bench of the accelerator's bus as other hosts drive it: endpoints are those of cocotbext-axi.

What they check themselves: that an answer comes for every access, in order. Registers are compared
with a model that knows bytes only.
"""

import itertools
import random

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from hw.registers import REGISTERS, offset_of
from sim.benches.accelerator import DONE, JOBS, AxiResp, Bench, coin


PAUSES = [0.0, 0.5, 0.95]
FIRST, END = offset_of("K_BLOCKS"), offset_of("IDLE_CYCLES")
KEPT = b"".join(
    sum(((1 << field.width) - 1) << register.position(field.name)
        for field in register.fields).to_bytes(4, "little")
    for register in REGISTERS if FIRST <= register.offset < END)
"""Bits that the registers from FIRST keep, byte by byte; none of them acts when it is written."""

LONG = 600
"""Cycles for which an answer is not taken: more than a small job takes."""


def pause(bench: Bench, **chances: float) -> None:
    """Set how often the channels aw, w, b, ar and r pause."""
    write, read = bench.registers.write_if, bench.registers.read_if
    channels = {"aw": write.aw_channel, "w": write.w_channel, "b": write.b_channel,
                "ar": read.ar_channel, "r": read.r_channel}
    for name, chance in chances.items():
        channels[name].set_pause_generator(coin(chance))


class Bytes:
    """What the registers from FIRST to END hold."""

    def __init__(self):
        self.held = bytearray(END - FIRST)

    def write(self, address: int, data: bytes) -> None:
        """Write bytes from an address."""
        for k, byte in enumerate(data, start=address - FIRST):
            self.held[k] = byte & KEPT[k]

    def read(self, address: int, count: int) -> bytes:
        """Read bytes from an address."""
        return bytes(self.held[address - FIRST:address - FIRST + count])


def place() -> tuple[int, int]:
    """A random address within the registers, and a count of bytes up to three words."""
    address = random.randrange(FIRST, END)
    return address, random.randint(1, min(12, END - address))


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(aw=PAUSES, w=PAUSES, b=[0.0, 0.9])
async def address_and_data_come_in_either_order(dut, aw, w, b):
    """Bytes at any address, aligned or not, one access after the other without waiting."""
    bench, model = await Bench.begin(dut), Bytes()
    pause(bench, aw=aw, w=w, b=b, ar=0.3, r=b)
    for _ in range(6):
        events = []
        for _ in range(5):
            address, count = place()
            data = random.randbytes(count)
            model.write(address, data)
            events.append(bench.registers.init_write(address, data))
        for event in events:
            await event.wait()
            assert event.data.resp == AxiResp.OKAY
        address, count = place()
        read = await bench.registers.read(address, count)
        assert (read.resp, read.data) == (AxiResp.OKAY, model.read(address, count))
    read = await bench.registers.read(FIRST, END - FIRST)
    assert read.data == model.read(FIRST, END - FIRST)


@cocotb.test(timeout_time=200, timeout_unit="us")
async def reads_and_writes_do_not_wait_for_each_other(dut):
    """A write whose answer is not taken holds no read, and the other way round."""
    bench = await Bench.begin(dut)
    for held, free in (("b", "read"), ("r", "write")):
        channel = getattr(bench.registers.write_if if held == "b" else bench.registers.read_if,
                          f"{held}_channel")
        channel.pause = True
        waits = (bench.registers.init_write(FIRST, b"\1\2\3") if held == "b" else
                 bench.registers.init_read(FIRST, 4))
        for _ in range(4):
            if free == "read":
                await bench.read("ID")
            else:
                await bench.write("TIMEOUT", 5)
        assert not waits.is_set()
        channel.pause = False
        await waits.wait()
        assert waits.data.resp == AxiResp.OKAY


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(held=["b", "r"])
async def an_answer_that_is_not_taken_stops_no_job(dut, held):
    """``bready`` or ``rready`` stays low for longer than a job takes: its results come."""
    bench, job = await Bench.begin(dut), JOBS[0]
    await bench.start(job.blocks, job.tokens, job.tiles, 0)
    write, read = bench.registers.write_if, bench.registers.read_if
    (write.b_channel if held == "b" else read.r_channel).pause = True
    start = bench.registers.init_write(offset_of("CONTROL"), b"\1\0\0\0")
    asked = bench.registers.init_read(offset_of("ID"), 4)
    await bench.send(job)
    assert np.array_equal(await bench.receive(job), job.y)
    await ClockCycles(dut.clk, LONG)
    assert not (start if held == "b" else asked).is_set()
    write.b_channel.pause = read.r_channel.pause = False
    await start.wait()
    await asked.wait()
    assert (start.data.resp, asked.data.data) == (AxiResp.OKAY, b"GFMN")
    assert await bench.status() == DONE


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(stopped=["act", "weight", "result"])
async def a_stream_may_stop_for_long(dut, stopped):
    """In the middle of a job, more than once; the job is exact all the same."""
    bench, job = await Bench.begin(dut), JOBS[-1]
    stream = {"act": bench.act, "weight": bench.weight, "result": bench.result}[stopped]
    stream.set_pause_generator(itertools.cycle([*[False] * 3, *[True] * LONG]))
    await bench.job(job)
    assert await bench.status() == DONE
    bench.assert_empty()


@cocotb.test(timeout_time=400, timeout_unit="us")
async def addresses_without_a_register_change_nothing(dut):
    """Anywhere behind the map, at any alignment, between accesses that are right."""
    bench, model = await Bench.begin(dut), Bytes()
    pause(bench, aw=0.4, w=0.4, b=0.4, ar=0.4, r=0.4)
    behind = REGISTERS[-1].offset + 4
    for _ in range(25):
        address, count = place()
        data = random.randbytes(count)
        model.write(address, data)
        right = bench.registers.init_write(address, data)
        wrong = bench.registers.init_write(random.randrange(behind, 0x1000), b"\xFF")
        await wrong.wait()
        await right.wait()
        assert (right.data.resp, wrong.data.resp) == (AxiResp.OKAY, AxiResp.SLVERR)
        read = await bench.registers.read(random.randrange(behind, 0x1000), 1)
        assert (read.resp, read.data) == (AxiResp.SLVERR, b"\0")
    read = await bench.registers.read(FIRST, END - FIRST)
    assert read.data == model.read(FIRST, END - FIRST)
    assert await bench.read("STATUS") == 0


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(order=["address", "data"])
async def a_half_write_does_nothing(dut, order):
    """An address without data, or data without an address, for long: no write, and no answer."""
    bench = await Bench.begin(dut)
    await bench.write("TOKENS", 0x01020304)
    write = bench.registers.write_if
    late = write.w_channel if order == "address" else write.aw_channel
    late.pause = True
    event = bench.registers.init_write(offset_of("TOKENS") + 1, b"\xAA")
    await ClockCycles(dut.clk, LONG)
    assert await bench.read("TOKENS") == 0x01020304
    assert not event.is_set()
    late.pause = False
    await event.wait()
    assert await bench.read("TOKENS") == 0x0102AA04
