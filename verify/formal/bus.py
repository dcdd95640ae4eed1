"""AXI4-Lite (ARM IHI 0022), watched at the slave's ports."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring

from hw.registers import REGISTERS
from hw.stream.axi_lite import ADDRESS_WIDTH, RegisterBlock
from verify.formal.claim import Claim, too_long


__all__ = ["BUS_RULES", "BusClaim", "RegisterClaim"]


OKAY, SLVERR = 0, 2

BUS_RULES = {
    "write_stays": "a write response stays, unchanged, until it is taken (A3.2.1)",
    "read_stays": "read data stay, unchanged, until they are taken (A3.2.1)",
    "write_owed": "a write response follows an address and the data, both taken (A3.3.1)",
    "read_owed": "read data follow an address that was taken (A3.3.1)",
    "written": "a write whose address and data were taken is answered in time",
    "read": "a read whose address was taken is answered in time",
    "takes_writes": "address and data of a write are taken in time while responses are taken",
    "takes_reads": "the address of a read is taken in time while read data are taken",
    "responses": "responses are OKAY or SLVERR: EXOKAY is none of AXI4-Lite (B1.1.1)",
}
"""Rules of the slave; in brackets the section of the specification."""

_ANSWER = 2
"""Cycles that an answer, or a place for the next address, may take."""


class BusClaim(Claim):
    """A slave among masters that may do anything, even take back what they offer.

    Parameters
    ----------
    inside : Component
    bus : object
        Its AXI4-Lite interface: members as in :class:`hw.stream.axi_lite.AxiLite`.
    """

    rules = BUS_RULES

    def __init__(self, inside: wiring.Component, bus):
        self.bus = bus
        super().__init__(inside)

    def watch(self, m: Module):
        """Count what is taken and what is answered."""
        bus = self.bus
        address, data = (self._pending(m, channel, "b") for channel in ("aw", "w"))
        read = self._pending(m, "ar", "r")
        return {
            "write_stays": self._changes(m, "b", bus.bresp),
            "read_stays": self._changes(m, "r", Cat(bus.rdata, bus.rresp)),
            "write_owed": bus.bvalid & ((address == 0) | (data == 0)),
            "read_owed": bus.rvalid & (read == 0),
            "written": too_long(m, (address != 0) & (data != 0) & ~bus.bvalid, _ANSWER, "write"),
            "read": too_long(m, (read != 0) & ~bus.rvalid, _ANSWER, "reading"),
            "takes_writes": too_long(
                m, bus.bready & bus.awvalid & bus.wvalid & ~(bus.awready & bus.wready),
                2 * _ANSWER, "refused_write"),
            "takes_reads": too_long(m, bus.rready & bus.arvalid & ~bus.arready, _ANSWER,
                                    "refused_read"),
            "responses": (bus.bvalid & bus.bresp[0]) | (bus.rvalid & bus.rresp[0]),
        }

    def _handshake(self, channel: str) -> Value:
        return getattr(self.bus, f"{channel}valid") & getattr(self.bus, f"{channel}ready")

    def _pending(self, m: Module, channel: str, answer: str) -> Signal:
        """Transfers of a channel that are not answered."""
        count = Signal(3, name=f"{channel}_pending")
        m.d.sync += count.eq(count + self._handshake(channel) - self._handshake(answer))
        return count

    def _changes(self, m: Module, channel: str, payload: ValueLike) -> Value:
        """Whether what was on offer and not taken is gone, or another one."""
        payload, valid = Value.cast(payload), getattr(self.bus, f"{channel}valid")
        waits = Signal(name=f"{channel}_waits")
        offered = Signal(len(payload), name=f"{channel}_offered")
        m.d.sync += [waits.eq(valid & ~self._handshake(channel)), offered.eq(payload)]
        return waits & (~valid | (payload != offered))


class RegisterClaim(BusClaim):
    """All registers, through all that a host may write and read."""

    rules: ClassVar = {
        "keeps": "a bit that software may write reads as it was last written, or as reset",
        "map": "OKAY where a register is, SLVERR elsewhere, and for writes that are refused",
        "locked": "the registers of a job do not change while it runs",
    }

    def __init__(self):
        block = RegisterBlock()
        super().__init__(block, block.bus)

    def watch(self, m: Module):
        """Do to words of the claim's own what was done to those of the block."""
        super().watch(m)
        bus, registers = self.bus, self.inside.registers
        address, data, strobe = Signal(ADDRESS_WIDTH), Signal(32), Signal(4)
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += address.eq(bus.awaddr)
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += [data.eq(bus.wdata), strobe.eq(bus.wstrb)]

        # A write acts in the cycle before its response is first on offer.
        answered, locked, lenient = Signal(), Signal(), Signal()
        m.d.sync += [answered.eq(bus.bvalid), locked.eq(registers.locked),
                     lenient.eq(registers.settings.answer_okay)]
        acts, target = bus.bvalid & ~answered, address[2:]
        refused = locked & _any(target, job=True)
        bits = Cat(strobe[k // 8] for k in range(32))
        words = {register: self._word(m, register, acts & ~refused, target, data, bits)
                 for register in REGISTERS}

        # A read looks at the registers in the cycle in which its address is taken.
        source, expected, mask = Signal(ADDRESS_WIDTH - 2), Signal(32), Signal(32)
        with m.If(bus.arvalid & bus.arready):
            m.d.sync += source.eq(bus.araddr[2:])
            for register, word in words.items():
                with m.If(bus.araddr[2:] == register.offset // 4):
                    m.d.sync += [expected.eq(word), mask.eq(_writable(register))]
        job = Cat(Value.cast(registers.settings[field.name]) for register in REGISTERS
                  if register.job for field in register.fields if field.access == "rw")
        before = Signal(len(job))
        m.d.sync += before.eq(job)
        return {
            "keeps": bus.rvalid & (((bus.rdata ^ expected) & mask) != 0) & _any(source),
            "map": (bus.rvalid & (bus.rresp != Mux(_any(source), OKAY, SLVERR)))
                   | (acts & (bus.bresp != Mux(_any(target) & (~refused | lenient), OKAY,
                                               SLVERR))),
            "locked": locked & (job != before),
        }

    def _word(self, m: Module, register, acts, target, data, bits) -> Value:
        """What the register holds now, the write that has just acted included."""
        kept, now = (Signal(32, name=f"{register.name.lower()}_{name}") for name in ("kept", "now"))
        written = acts & (target == register.offset // 4)
        m.d.comb += now.eq(Mux(written, (data & bits) | (kept & ~bits), kept)
                           & _writable(register))
        m.d.sync += kept.eq(now)
        return now


def _any(word: Value, *, job: bool = False) -> Value:
    """Whether a register, or one of a job, is at a word of the map."""
    return Cat(word == register.offset // 4 for register in REGISTERS
               if register.job or not job).any()


def _writable(register) -> int:
    """Bits of a register that software may write and read again."""
    return sum(((1 << field.width) - 1) << register.position(field.name)
               for field in register.fields if field.access == "rw")
