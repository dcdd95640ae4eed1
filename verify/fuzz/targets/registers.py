"""Accesses to the register block in any order, against a model of the register map."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from hw.registers import REGISTERS, Field, Register
from hw.stream.axi_lite import ADDRESS_WIDTH, OKAY, SLVERR, RegisterBlock
from verify.fuzz.simulated import Simulated
from verify.fuzz.target import TAKEN, Target


__all__ = ["TARGET"]


_MAP = {register.offset: register for register in REGISTERS}
_STATE = {field.name: field for register in REGISTERS for field in register.fields
          if field.access == "ro"}
_ADDRESSES = st.one_of(
    st.sampled_from(sorted(_MAP)), st.integers(0, (1 << ADDRESS_WIDTH) - 1))
_WORDS = st.one_of(st.sampled_from((0, 1, 0xFFFFFFFF)), st.integers(0, 0xFFFFFFFF))
_WAIT = st.integers(0, 3)
_STEPS = st.lists(st.one_of(
    st.tuples(st.just("write"), _ADDRESSES, _WORDS, st.integers(0, 15), _WAIT, _WAIT, _WAIT),
    st.tuples(st.just("read"), _ADDRESSES, _WAIT),
    st.tuples(st.just("lock"), st.booleans()),
    st.tuples(st.just("state"), st.sampled_from(sorted(_STATE)), _WORDS)), max_size=8)


class _Model:
    """The register map as its docstrings say: words, strobes, locks and answers."""

    def __init__(self) -> None:
        self.held = {field.name: 0 for register in REGISTERS for field in register.fields}
        self.locked = False

    def write(self, address: int, word: int, strobe: int) -> tuple[int, bool, dict[str, int]]:
        """The answer, whether the write was refused as a job runs, and what it set off."""
        register = _MAP.get(address & ~3)
        if register is None:
            return SLVERR, False, {}
        if register.job and self.locked:
            return OKAY if self.held["answer_okay"] else SLVERR, True, {}
        mask = sum(0xFF << 8 * byte for byte in range(4) if strobe >> byte & 1)
        acts = {}
        for field, low in _fields(register):
            ones = (1 << field.width) - 1
            part, kept = (value >> low & ones for value in (word & mask, ~mask))
            if field.access == "rw":
                self.held[field.name] = self.held[field.name] & kept | part
            elif field.access == "w1" and part:
                acts[field.name] = part
        return OKAY, False, acts

    def read(self, address: int) -> tuple[int, int]:
        register = _MAP.get(address & ~3)
        if register is None:
            return 0, SLVERR
        return sum(self.held[field.name] << low for field, low in _fields(register)
                   if field.access != "w1"), OKAY


def _fields(register: Register) -> list[tuple[Field, int]]:
    return [(field, register.position(field.name)) for field in register.fields]


class _Block:
    """The register block in Amaranth's simulator, compiled once."""

    def __init__(self) -> None:
        self.dut = RegisterBlock()
        self._simulated = Simulated(self.dut, clocked=True)

    def run(self, steps: list[tuple]) -> None:
        self._simulated.run(lambda ctx: self._bench(ctx, steps))

    async def _bench(self, ctx: Any, steps: list[tuple]) -> None:
        model, registers = _Model(), self.dut.registers
        for kind, *given in steps:
            if kind == "lock":
                model.locked = given[0]
                ctx.set(registers.locked, given[0])
            elif kind == "state":
                name, word = given
                model.held[name] = word & ((1 << _STATE[name].width) - 1)
                ctx.set(registers.state[name], model.held[name])
            elif kind == "read":
                assert await self._read(ctx, *given) == model.read(given[0])
            else:
                assert await self._write(ctx, *given) == model.write(*given[:3])
            for name, value in model.held.items():
                if name in registers.settings.shape().members:
                    assert ctx.get(registers.settings[name]) == value, name

    async def _write(self, ctx: Any, address: int, word: int, strobe: int, *waits: int
                     ) -> tuple[int, bool, dict[str, int]]:
        """Offer address and data after waits of their own; take the answer after a third one."""
        bus, registers = self.dut.bus, self.dut.registers
        left = {"aw": waits[0], "w": waits[1]}
        ctx.set(bus.awaddr, address)
        ctx.set(bus.wdata, word)
        ctx.set(bus.wstrb, strobe)
        for _ in range(max(left.values()) + 1):
            for channel, wait in left.items():
                ctx.set(getattr(bus, f"{channel}valid"), wait == 0)
                assert wait or ctx.get(getattr(bus, f"{channel}ready"))
            await ctx.tick()
            left = {channel: wait - 1 for channel, wait in left.items()}
            assert not ctx.get(bus.bvalid), "answered before it was asked"
        ctx.set(bus.awvalid, 0)
        ctx.set(bus.wvalid, 0)
        await ctx.tick()
        acts = {name: ctx.get(registers.pulses[name])
                for name in registers.pulses.shape().members if ctx.get(registers.pulses[name])}
        refused = bool(ctx.get(registers.refused))
        for _ in range(waits[2]):
            assert ctx.get(bus.bvalid)
            await ctx.tick()
            assert not ctx.get(registers.refused), "more than one cycle"
            assert not ctx.get(registers.pulses.as_value()), "more than one cycle"
        assert ctx.get(bus.bvalid)
        answer = ctx.get(bus.bresp)
        ctx.set(bus.bready, 1)
        await ctx.tick()
        ctx.set(bus.bready, 0)
        assert not ctx.get(bus.bvalid)
        return answer, refused, acts

    async def _read(self, ctx: Any, address: int, wait: int) -> tuple[int, int]:
        bus = self.dut.bus
        ctx.set(bus.araddr, address)
        ctx.set(bus.arvalid, 1)
        assert ctx.get(bus.arready)
        await ctx.tick()
        ctx.set(bus.arvalid, 0)
        found = ctx.get(bus.rdata), ctx.get(bus.rresp)
        for _ in range(wait):
            await ctx.tick()
        assert ctx.get(bus.rvalid)
        assert found == (ctx.get(bus.rdata), ctx.get(bus.rresp)), "an answer changed"
        ctx.set(bus.rready, 1)
        await ctx.tick()
        ctx.set(bus.rready, 0)
        assert not ctx.get(bus.rvalid)
        return found


@cache
def _block() -> _Block:
    return _Block()


def _check(steps: list[tuple]) -> str:
    """Answers, data, settings, pulses and refusals are those of the map."""
    _block().run(steps)
    return TAKEN


TARGET = Target("registers", "reads and writes of registers, locked or not, against the map",
                _STEPS, _check)
