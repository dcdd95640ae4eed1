"""Bench of the accelerator when its surroundings misbehave."""

import random

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from hw.registers import Error, offset_of
from sim.benches.accelerator import (
    ABORT,
    BUSY,
    DONE,
    ERROR_BIT,
    IRQ_ENABLE,
    JOBS,
    START,
    VECTORS,
    AxiResp,
    AxiStreamFrame,
    Bench,
    reset,
)


JOB = JOBS[0]
CYCLES = 250  # more than the job takes, so that faults also come after its end


async def begin_job(bench: Bench, control: int = START) -> None:
    """Start the job of this bench."""
    await bench.start(JOB.blocks, JOB.tokens, JOB.tiles, control)


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def reset_at_any_cycle(dut):
    """After a reset in any cycle of a job the next one is exact."""
    bench = await Bench.begin(dut, 0.2, 0.2)
    for cycle in range(1, CYCLES, 7):
        await begin_job(bench)
        await bench.send(JOB)
        await ClockCycles(dut.clk, cycle)
        for stream in (bench.act, bench.weight, bench.result):
            stream.clear()
        await reset(dut)
        bench.result.clear()
        assert await bench.read("STATUS") == 0
        await bench.job(JOB)
        assert await bench.status() == DONE
        bench.assert_empty()


@cocotb.test(timeout_time=4, timeout_unit="ms")
async def abort_at_any_cycle(dut):
    """An abort ends the job; the next one is exact, and the bus was never broken."""
    bench = await Bench.begin(dut, 0.2, 0.2)
    for cycle in range(1, CYCLES, 7):
        await begin_job(bench)
        await bench.send(JOB)
        await ClockCycles(dut.clk, cycle)
        await bench.write("CONTROL", ABORT)
        while not (bench.act.idle() and bench.weight.idle()):  # what was queued is dropped
            await ClockCycles(dut.clk, 1)
        assert not await bench.status() & BUSY
        await bench.write("CONTROL", ABORT | START)
        assert await bench.read("STATUS") & BUSY == 0, "a job runs while abort is set"
        await bench.write("CONTROL", 0)
        bench.result.clear()
        await bench.job(JOB, cut=True)
        assert await bench.status() == DONE
        bench.assert_empty()


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(stopped=["act", "weight", "result"])
async def a_stream_that_stops_is_reported(dut, stopped):
    """Past TIMEOUT the error and the interrupt come; the job ends well if the stream goes on."""
    bench = await Bench.begin(dut)
    await bench.write("TIMEOUT", 300)
    stream = {"act": bench.act, "weight": bench.weight, "result": bench.result}[stopped]
    stream.clear_pause_generator()
    stream.pause = True
    await begin_job(bench, START | IRQ_ENABLE)
    await bench.send(JOB)
    await ClockCycles(dut.clk, 200)
    assert await bench.read("STATUS") == BUSY
    assert not dut.irq.value
    await ClockCycles(dut.clk, 400)
    assert await bench.read("STATUS") == BUSY | Error.TIMEOUT << ERROR_BIT
    assert await bench.read("IDLE_CYCLES") >= 300
    assert dut.irq.value
    stream.pause = False
    assert np.array_equal(await bench.receive(JOB), JOB.y)
    assert await bench.status() == DONE | Error.TIMEOUT << ERROR_BIT
    await bench.job(JOB)
    assert await bench.status() == DONE, "the error outlives the next start"


@cocotb.test(timeout_time=1, timeout_unit="ms")
@cocotb.parametrize(stream=["act", "weight"], fault=["early", "late", "both"])
async def a_misplaced_tlast_costs_one_packet(dut, stream, fault):
    """A short packet is filled with zeros, the surplus of a long one dropped; all others hold."""
    bench = await Bench.begin(dut, 0.3, 0.3)
    job = JOB
    expected = VECTORS[f"y_short_{stream}"] if fault != "late" else job.y
    for name, source, frames in (("act", bench.act, job.act), ("weight", bench.weight, job.weight)):
        for k, frame in enumerate(frames):
            if name == stream and k == 1 and fault != "late":
                frame = frame[:len(frame) // job.blocks]
            if name == stream and k == len(frames) - 1 and fault != "early":
                frame += bytes(range(1, 1 + len(frame)))
            await source.send(AxiStreamFrame(frame))
    await begin_job(bench)
    assert np.array_equal(await bench.receive(job), expected)
    while not (bench.act.idle() and bench.weight.idle()):
        await ClockCycles(dut.clk, 1)
    error = Error.ACT_TLAST if stream == "act" else Error.WEIGHT_TLAST
    assert await bench.status() == DONE | error << ERROR_BIT
    await bench.job(job)
    assert await bench.status() == DONE
    bench.assert_empty()


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def writes_while_busy_are_refused(dut):
    """Registers of the job keep their values while it runs, and the job goes on."""
    bench = await Bench.begin(dut)
    await begin_job(bench)
    for name in ("K_BLOCKS", "TOKENS", "COLUMN_TILES"):
        before = await bench.read(name)
        written = await bench.registers.write(offset_of(name), (before + 1).to_bytes(4, "little"))
        assert written.resp == AxiResp.SLVERR
        assert await bench.read(name) == before
    await bench.write("TIMEOUT", 10_000)  # no register of the job
    assert await bench.read("STATUS") == BUSY | Error.BUSY << ERROR_BIT
    await bench.write("CONTROL", START)
    await ClockCycles(dut.clk, random.randrange(20))
    await bench.send(JOB)
    assert np.array_equal(await bench.receive(JOB), JOB.y)
    assert await bench.status() == DONE | Error.BUSY << ERROR_BIT
    await bench.write("K_BLOCKS", JOB.blocks)
    await bench.job(JOB)
    assert await bench.status() == DONE
