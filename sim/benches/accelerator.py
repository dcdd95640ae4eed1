"""Bench of the accelerator: whole jobs over AXI4-Stream and AXI4-Lite."""

from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from hw.registers import Error, offset_of
from sim.benches import load
from sim.benches.axi import (
    AxiLiteBus,
    AxiLiteMaster,
    AxiResp,
    AxiStreamBus,
    AxiStreamFrame,
    AxiStreamSink,
    AxiStreamSource,
    coin,
)
from sim.benches.stream import Monitor, Port, reset, start_clock


VECTORS = load()
ROWS, COLUMNS = int(VECTORS["rows"]), int(VECTORS["columns"])


@dataclass(frozen=True)
class Job:
    """One job: what is written to the registers, what goes in, and what comes out."""

    blocks: int
    tokens: int
    tiles: int
    steps: int
    act: list[bytes]
    weight: list[bytes]
    y: np.ndarray
    frames: list[int]

    @classmethod
    def load(cls, k: int) -> "Job":
        """Job ``k`` of the vectors."""
        blocks, tokens, tiles, steps = map(int, VECTORS[f"job{k}"])
        act, weight = (_frames(VECTORS[f"{name}{k}"], VECTORS[f"{name}_last{k}"])
                       for name in ("act", "weight"))
        return cls(blocks, tokens, tiles, steps, act, weight, VECTORS[f"y{k}"],
                   [int(count) for count in VECTORS[f"frames{k}"]])


def _frames(data: np.ndarray, last: np.ndarray) -> list[bytes]:
    """Bytes of the packets, which end where ``last`` is set."""
    return [packet.tobytes() for packet in np.split(data, np.flatnonzero(last)[:-1] + 1)]


JOBS = [Job.load(k) for k in range(int(VECTORS["jobs"]))]
BUSY, DONE, ERROR_BIT = 1, 2, 2
START, IRQ_ENABLE, ABORT = 1, 2, 4


class Bench:
    """The streams and registers of the design under test."""

    def __init__(self, dut):
        self.dut = dut
        self.act, self.weight = (
            AxiStreamSource(AxiStreamBus.from_prefix(dut, f"s_axis_{name}"), dut.clk, dut.rst)
            for name in ("act", "weight"))
        self.result = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis_result"),
                                    dut.clk, dut.rst)
        self.registers = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)

    @classmethod
    async def begin(cls, dut, stall_in: float = 0, stall_out: float = 0) -> "Bench":
        """Reset the design and set how often its streams pause."""
        start_clock(dut)
        bench = cls(dut)
        await reset(dut)
        Monitor(Port(dut, "m_axis_result"))
        for source in (bench.act, bench.weight):
            source.set_pause_generator(coin(stall_in))
        bench.result.set_pause_generator(coin(stall_out))
        return bench

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        await self.registers.write_dword(offset_of(name), value)

    async def read(self, name: str) -> int:
        """Read a register."""
        return await self.registers.read_dword(offset_of(name))

    async def status(self) -> int:
        """STATUS, once a job that ends has had the time for it."""
        await ClockCycles(self.dut.clk, 8 + 2 * ROWS)  # rows without a token leave the array
        return await self.read("STATUS")

    async def start(self, blocks: int, tokens: int, tiles: int, control: int = START) -> None:
        """Set up a job and start it, with what the vectors set besides."""
        for name in VECTORS:
            if name.startswith("set_"):
                await self.write(name.removeprefix("set_"), int(VECTORS[name]))
        await self.write("K_BLOCKS", blocks)
        await self.write("TOKENS", tokens)
        await self.write("COLUMN_TILES", tiles)
        await self.write("CONTROL", control)

    async def send(self, job: Job) -> None:
        """Queue the beats of a job."""
        for frame in job.act:
            await self.act.send(AxiStreamFrame(frame))
        for frame in job.weight:
            await self.weight.send(AxiStreamFrame(frame))

    async def receive(self, job: Job, cut: bool = False) -> np.ndarray:
        """Take the results of a job, int64 [beats, columns]; a frame is one batch and tile.

        With ``cut``, beats of an aborted job, which had no ``tlast``, may come before the first.
        """
        rows = []
        for k, count in enumerate(job.frames):
            frame = bytes((await self.result.recv()).tdata)
            rows.append(np.frombuffer(frame, "<i4").reshape(-1, COLUMNS))
            if cut and k == 0:
                rows[0] = rows[0][-count:]
            assert len(rows[-1]) == count, "tlast is not on a batch's last token"
        return np.concatenate(rows).astype(np.int64)

    async def job(self, job: Job, control: int = START, cut: bool = False) -> None:
        """Run a job and compare its results."""
        sending = cocotb.start_soon(self.send(job))
        await self.start(job.blocks, job.tokens, job.tiles, control)
        results = await self.receive(job, cut)
        await sending
        assert np.array_equal(results, job.y), f"{job.tokens} tokens: {results} is not {job.y}"

    def assert_empty(self) -> None:
        """Fail if anything is left over on a stream."""
        assert self.act.idle(), "activations are left over"
        assert self.weight.idle(), "weights are left over"
        assert self.result.empty(), "there are more results than belong to the job"


@cocotb.test(timeout_time=400, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.5], stall_out=[0.0, 0.5])
async def jobs_are_exact(dut, stall_in, stall_out):
    """Jobs of all shapes, one right after the other, give the reference's results."""
    bench = await Bench.begin(dut, stall_in, stall_out)
    for job in JOBS:
        await bench.job(job)
        assert await bench.status() == DONE
        assert await bench.read("STEPS") == job.steps
        assert job.steps <= await bench.read("ARRAY_CYCLES") <= await bench.read("CYCLES")
        await ClockCycles(dut.clk, 20)
        bench.assert_empty()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def describes_itself(dut):
    """The read-only registers tell what was generated."""
    bench = await Bench.begin(dut)
    for name in ("ID", "PATTERN", "SHAPE", "MAX_BLOCKS", "BUFFER", "BATCH"):
        expected = int(VECTORS[name])
        await bench.write(name, ~expected & 0xFFFFFFFF)
        value = await bench.read(name)
        assert value == expected, f"{name} reads {value:#x}, expected {expected:#x}"


@cocotb.test(timeout_time=200, timeout_unit="us")
async def interrupts_when_enabled(dut):
    """``irq`` follows ``done`` while it is enabled."""
    bench = await Bench.begin(dut)
    await bench.job(JOBS[0])
    assert await bench.status() == DONE
    assert not dut.irq.value
    await bench.write("CONTROL", IRQ_ENABLE)
    await ClockCycles(dut.clk, 3)
    assert dut.irq.value
    await bench.start(1, 1, 1, START | IRQ_ENABLE)
    await ClockCycles(dut.clk, 3)
    assert not dut.irq.value


@cocotb.test(timeout_time=200, timeout_unit="us")
async def refuses_what_it_cannot_do(dut):
    """A start with a register out of range sets its error and nothing else."""
    bench = await Bench.begin(dut)
    for arguments, error in (((0, 1, 1), Error.K_BLOCKS), ((1, 0, 1), Error.TOKENS),
                             ((int(VECTORS["MAX_BLOCKS"]) + 1, 1, 1), Error.K_BLOCKS),
                             ((1, 1, 0), Error.COLUMN_TILES)):
        await bench.start(*arguments)
        status = await bench.read("STATUS")
        assert not status & BUSY, f"a job runs after a start with {arguments}"
        assert status >> ERROR_BIT == error, f"status {status} after a start with {arguments}"
        await bench.job(JOBS[0])  # and a good start clears the error
        assert await bench.status() == DONE


@cocotb.test(timeout_time=200, timeout_unit="us")
async def answers_an_error_where_no_register_is(dut):
    """Accesses behind the map get SLVERR and change nothing."""
    bench = await Bench.begin(dut)
    written = await bench.registers.write(0xFFC, b"\xff\xff\xff\xff")
    read = await bench.registers.read(0xFFC, 4)
    assert written.resp == read.resp == AxiResp.SLVERR
    assert await bench.read("STATUS") == 0


@cocotb.test(timeout_time=200, timeout_unit="us")
async def next_job_may_start_at_once(dut):
    """A job that starts as soon as ``irq`` tells of the last one sees nothing of it."""
    bench = await Bench.begin(dut)
    job = min(JOBS, key=lambda job: job.tokens)
    await bench.start(job.blocks, job.tokens, job.tiles, START | IRQ_ENABLE)
    for _ in range(3):
        await bench.send(job)
        assert np.array_equal(await bench.receive(job), job.y)
        while not dut.irq.value:
            await RisingEdge(dut.clk)
        await bench.write("CONTROL", START | IRQ_ENABLE)
    await bench.send(job)
    assert np.array_equal(await bench.receive(job), job.y)
    await ClockCycles(dut.clk, 50)
    bench.assert_empty()
