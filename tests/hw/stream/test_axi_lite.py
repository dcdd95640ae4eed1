"""The registers behind their bus, and the ports that a top gives it."""

import random

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from hw.registers import REGISTERS, offset_of
from hw.stream.axi import members
from hw.stream.axi_lite import AxiLite, RegisterBlock
from tests.hw.streams import simulate


OKAY, SLVERR = 0, 2
JOB = next(register for register in REGISTERS if register.job)


class Behind(wiring.Component):
    """Registers behind the ports of a top."""

    def __init__(self):
        self.ports = AxiLite.ports("s_axil")
        super().__init__(members(self.ports))
        self.inside = RegisterBlock()

    def elaborate(self, platform):
        m = Module()
        m.submodules.registers = self.inside
        wiring.connect(m, AxiLite.host(self, "s_axil"), self.inside.bus)
        return m


async def write(ctx, top, address, value, strobe=0xF):
    """Return the response, and whether the registers say that they refused."""
    for name, driven in (("awaddr", address), ("wdata", value), ("wstrb", strobe), ("awvalid", 1),
                         ("wvalid", 1), ("bready", 1)):
        ctx.set(getattr(top, f"s_axil_{name}"), driven)
    await ctx.tick()
    ctx.set(top.s_axil_awvalid, 0)
    ctx.set(top.s_axil_wvalid, 0)
    refused = top.inside.registers.refused
    return await ctx.tick().sample(top.s_axil_bresp, refused).until(top.s_axil_bvalid)


async def read(ctx, top, address):
    """Return the data and the response."""
    for name, driven in (("araddr", address), ("arvalid", 1), ("rready", 1)):
        ctx.set(getattr(top, f"s_axil_{name}"), driven)
    await ctx.tick()
    ctx.set(top.s_axil_arvalid, 0)
    return await ctx.tick().sample(top.s_axil_rdata, top.s_axil_rresp).until(top.s_axil_rvalid)


def test_ports_are_those_of_amba():
    """ARM IHI 0022, table of AXI4-Lite signals, seen from the subordinate."""
    ports = {port.name: (port.direction, port.width) for port in AxiLite.ports("s_axil")}
    host = {"awaddr": 12, "awprot": 3, "awvalid": 1, "wdata": 32, "wstrb": 4, "wvalid": 1,
            "bready": 1, "araddr": 12, "arprot": 3, "arvalid": 1, "rready": 1}
    device = {"awready": 1, "wready": 1, "bresp": 2, "bvalid": 1, "arready": 1, "rdata": 32,
              "rresp": 2, "rvalid": 1}
    assert ports == {**{f"s_axil_{name}": ("in", width) for name, width in host.items()},
                     **{f"s_axil_{name}": ("out", width) for name, width in device.items()}}


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_software_reads_what_it_wrote(register):
    """Of every register: what it keeps, and nothing of the others."""
    top = Behind()
    kept = sum(((1 << field.width) - 1) << register.position(field.name)
               for field in register.fields if field.access == "rw")

    async def bench(ctx):
        assert await write(ctx, top, register.offset, 0xA5C3_96F1) == (OKAY, 0)
        assert await read(ctx, top, register.offset) == (0xA5C3_96F1 & kept, OKAY)
        assert await write(ctx, top, register.offset, 0, strobe=0b0010) == (OKAY, 0)
        assert await read(ctx, top, register.offset) == (0xA5C3_00F1 & kept, OKAY)
        for other in REGISTERS:
            if other != register:
                assert await read(ctx, top, other.offset) == (0, OKAY)

    simulate(top, bench)


def test_registers_of_the_job_are_locked_while_it_runs():
    top = Behind()

    async def bench(ctx):
        ctx.set(top.inside.registers.locked, 1)
        assert await write(ctx, top, JOB.offset, 5) == (SLVERR, 1)
        assert await write(ctx, top, offset_of("TIMEOUT"), 7) == (OKAY, 0)
        ctx.set(top.inside.registers.locked, 0)
        assert await read(ctx, top, JOB.offset) == (0, OKAY)
        assert await read(ctx, top, offset_of("TIMEOUT")) == (7, OKAY)

    simulate(top, bench)


def test_where_no_register_is_nothing_happens():
    top = Behind()

    async def bench(ctx):
        assert await write(ctx, top, 0x800, 1) == (SLVERR, 0)
        assert await read(ctx, top, 0x800) == (0, SLVERR)
        for register in REGISTERS:
            assert await read(ctx, top, register.offset) == (0, OKAY)

    simulate(top, bench)


@pytest.mark.parametrize("strobe", range(16))
def test_bus_takes_address_and_data_in_any_order_and_answers_when_asked(strobe):
    """Bytes without a strobe stay; an answer stays until it is taken, and holds the next write."""
    top, kept = Behind(), 0
    delays = random.Random(strobe)
    print(f"seed {strobe}")

    async def bench(ctx):
        nonlocal kept
        offset = offset_of("TOKENS")
        for _ in range(8):
            value = delays.getrandbits(32)
            mask = sum(0xFF << 8 * k for k in range(4) if strobe >> k & 1)
            kept = kept & ~mask | value & mask
            await _send(ctx, top, {"aw": delays.randrange(4), "w": delays.randrange(4)},
                        {"aw": {"awaddr": offset}, "w": {"wdata": value, "wstrb": strobe}})
            waiting = delays.randrange(3)
            for _ in range(waiting):
                await ctx.tick()
                assert (ctx.get(top.s_axil_bvalid), ctx.get(top.s_axil_bresp)) == (1, OKAY)
            ctx.set(top.s_axil_bready, 1)
            await ctx.tick()
            ctx.set(top.s_axil_bready, 0)
            assert not ctx.get(top.s_axil_bvalid)
            assert await read(ctx, top, offset) == (kept, OKAY)
            ctx.set(top.s_axil_rready, 0)

    simulate(top, bench)


async def _send(ctx, top, delays, channels):
    """Offer address and data after their own delays; return once an answer is there."""
    left = dict(delays)
    for _ in range(20):
        for channel, wait in left.items():
            if wait == 0:
                for name, value in channels[channel].items():
                    ctx.set(getattr(top, f"s_axil_{name}"), value)
                ctx.set(getattr(top, f"s_axil_{channel}valid"), 1)
        taken = [channel for channel in left if ctx.get(getattr(top, f"s_axil_{channel}valid"))
                 and ctx.get(getattr(top, f"s_axil_{channel}ready"))]
        await ctx.tick()
        for channel in taken:
            ctx.set(getattr(top, f"s_axil_{channel}valid"), 0)
        left = {channel: wait - 1 if wait else 0 for channel, wait in left.items()
                if channel not in taken}
        if not left and ctx.get(top.s_axil_bvalid):
            return
    raise AssertionError("no answer")
