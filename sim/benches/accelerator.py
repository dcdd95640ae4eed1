"""Bench of the accelerator: whole jobs over AXI4-Stream and AXI4-Lite."""

import logging
import random
import warnings

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles, RisingEdge

from hw.registers import Error, offset_of
from sim.benches import load
from sim.benches.stream import Monitor, Port, reset, start_clock


with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # of cocotb 1 names, in the package
    from cocotbext.axi import (
        AxiLiteBus,
        AxiLiteMaster,
        AxiResp,
        AxiStreamBus,
        AxiStreamFrame,
        AxiStreamSink,
        AxiStreamSource,
    )

warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"cocotbext|cocotb_bus")
logging.getLogger("cocotb.nm_accelerator").setLevel(logging.WARNING)

VECTORS = load()
M, ROWS, COLUMNS = (int(VECTORS[name]) for name in ("m", "rows", "columns"))
JOBS = [tuple(VECTORS[f"{name}{k}"] for name in "xwy") for k in range(int(VECTORS["jobs"]))]
BUSY, DONE, ERROR_BIT = 1, 2, 2
START, IRQ_ENABLE = 1, 2


def coin(probability: float):
    """Endless pauses with a probability."""
    while True:
        yield random.random() < probability


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

    async def start(self, blocks: int, tokens: int, tiles: int, control: int = START) -> None:
        """Set up a job and start it."""
        await self.write("K_BLOCKS", blocks)
        await self.write("TOKENS", tokens)
        await self.write("COLUMN_TILES", tiles)
        await self.write("CONTROL", control)

    async def send(self, x: np.ndarray, w: np.ndarray) -> None:
        """Queue the beats of a job, x [T, K] and w [O, K]."""
        for token in x:
            await self.act.send(AxiStreamFrame(token.tobytes()))
        tiles, blocks = len(w) // COLUMNS, x.shape[1] // M
        for tile in w.reshape(tiles, COLUMNS, blocks, M).transpose(0, 2, 1, 3):
            await self.weight.send(AxiStreamFrame(np.ascontiguousarray(tile).tobytes()))

    async def receive(self, tokens: int, tiles: int) -> np.ndarray:
        """Take the results of a job, int64 [T, O]; a frame is one tile."""
        frames = [bytes((await self.result.recv()).tdata) for _ in range(tiles)]
        rows = [np.frombuffer(frame, "<i4").reshape(-1, COLUMNS) for frame in frames]
        assert all(len(row) == tokens for row in rows), "tlast is not on a tile's last token"
        return np.concatenate(rows, axis=1).astype(np.int64)

    async def job(self, x, w, y, control: int = START) -> None:
        """Run a job and compare its results."""
        tokens, blocks, tiles = len(x), x.shape[1] // M, len(w) // COLUMNS
        sending = cocotb.start_soon(self.send(x, w))
        await self.start(blocks, tokens, tiles, control)
        results = await self.receive(tokens, tiles)
        await sending
        assert np.array_equal(results, y), f"job of {tokens} tokens: {results} is not {y}"

    def assert_empty(self) -> None:
        """Fail if anything is left over on a stream."""
        assert self.act.idle(), "activations are left over"
        assert self.weight.idle(), "weights are left over"
        assert self.result.empty(), "there are more results than belong to the job"


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stall_in=[0.0, 0.5], stall_out=[0.0, 0.5])
async def jobs_are_exact(dut, stall_in, stall_out):
    """Jobs of all shapes, one right after the other, give the reference's results."""
    bench = await Bench.begin(dut, stall_in, stall_out)
    for x, w, y in JOBS:
        await bench.job(x, w, y)
        await ClockCycles(dut.clk, 2 + ROWS)  # rows without a token leave the array
        assert await bench.read("STATUS") == DONE
        groups, tiles = -(-len(x) // ROWS), len(w) // COLUMNS
        steps = groups * tiles * (x.shape[1] // M)
        assert await bench.read("STEPS") == steps
        assert steps <= await bench.read("ARRAY_CYCLES") <= await bench.read("CYCLES")
        await ClockCycles(dut.clk, 20)
        bench.assert_empty()


@cocotb.test(timeout_time=200, timeout_unit="us")
async def describes_itself(dut):
    """The read-only registers tell what was generated."""
    bench = await Bench.begin(dut)
    for name in ("ID", "PATTERN", "SHAPE", "MAX_BLOCKS", "MAX_TOKENS"):
        expected = int(VECTORS[name])
        await bench.write(name, ~expected & 0xFFFFFFFF)
        value = await bench.read(name)
        assert value == expected, f"{name} reads {value:#x}, expected {expected:#x}"


@cocotb.test(timeout_time=200, timeout_unit="us")
async def interrupts_when_enabled(dut):
    """``irq`` follows ``done`` while it is enabled."""
    bench = await Bench.begin(dut)
    await bench.job(*JOBS[0])
    await ClockCycles(dut.clk, 3 + ROWS)
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
    blocks, tokens = int(VECTORS["MAX_BLOCKS"]), int(VECTORS["MAX_TOKENS"])
    for arguments, error in (((0, 1, 1), Error.K_BLOCKS), ((blocks + 1, 1, 1), Error.K_BLOCKS),
                             ((1, 0, 1), Error.TOKENS), ((1, tokens + 1, 1), Error.TOKENS),
                             ((1, 1, 0), Error.COLUMN_TILES)):
        await bench.start(*arguments)
        status = await bench.read("STATUS")
        assert not status & BUSY, f"a job runs after a start with {arguments}"
        assert status >> ERROR_BIT == error, f"status {status} after a start with {arguments}"
        await bench.job(*JOBS[0])  # and a good start clears the error
        await ClockCycles(dut.clk, 2 + ROWS)  # rows without a token leave the array
        assert await bench.read("STATUS") == DONE
    await bench.start(1, 1, 1)
    await bench.start(1, 1, 1)
    assert await bench.read("STATUS") == BUSY | Error.BUSY << ERROR_BIT


@cocotb.test(timeout_time=200, timeout_unit="us")
@cocotb.parametrize(stream=["act", "weight"])
async def reports_a_wrong_tlast(dut, stream):
    """A ``tlast`` that contradicts K_BLOCKS sets an error; the job still ends."""
    bench = await Bench.begin(dut)
    x, w, _ = next(job for job in JOBS if job[0].shape[1] > M)
    tokens, blocks, tiles = len(x), x.shape[1] // M, len(w) // COLUMNS
    await bench.start(blocks, tokens, tiles)
    for name, source, packets, size in (("act", bench.act, tokens, M),
                                        ("weight", bench.weight, tiles, M * COLUMNS)):
        cut = stream == name  # one packet is cut in two
        for length in [1, blocks - 1] * cut + [blocks] * (packets - cut):
            await source.send(AxiStreamFrame(bytes(length * size)))
    await bench.receive(tokens, tiles)
    await ClockCycles(dut.clk, 2 + ROWS)  # rows without a token leave the array
    error = Error.ACT_TLAST if stream == "act" else Error.WEIGHT_TLAST
    assert await bench.read("STATUS") == DONE | error << ERROR_BIT


@cocotb.test(timeout_time=200, timeout_unit="us")
async def reset_ends_a_job(dut):
    """After a reset in the middle of a job the next one is exact."""
    x, w, y = max(JOBS, key=lambda job: job[0].size)
    bench = await Bench.begin(dut, 0.2, 0.2)
    for _ in range(3):
        await bench.start(x.shape[1] // M, len(x), len(w) // COLUMNS)
        await bench.send(x, w)
        await ClockCycles(dut.clk, random.randrange(5, 60))
        for stream in (bench.act, bench.weight, bench.result):
            stream.clear()
        await reset(dut)
        bench.result.clear()
        assert await bench.read("STATUS") == 0
    await bench.job(x, w, y)


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
    x, w, y = min(JOBS, key=lambda job: len(job[0]))
    tokens, tiles = len(x), len(w) // COLUMNS
    await bench.start(x.shape[1] // M, tokens, tiles, START | IRQ_ENABLE)
    for _ in range(3):
        await bench.send(x, w)
        assert np.array_equal(await bench.receive(tokens, tiles), y)
        while not dut.irq.value:
            await RisingEdge(dut.clk)
        await bench.write("CONTROL", START | IRQ_ENABLE)
    await bench.send(x, w)
    assert np.array_equal(await bench.receive(tokens, tiles), y)
    await ClockCycles(dut.clk, 50)
    bench.assert_empty()
