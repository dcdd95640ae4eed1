"""AXI4-Lite access to the register map."""

from types import SimpleNamespace

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.registers import REGISTERS, Register
from hw.stream.axi import Port


__all__ = ["ADDRESS_WIDTH", "AxiLite", "RegisterBlock", "Registers", "Watched", "fields_of"]


ADDRESS_WIDTH = 12
OKAY, SLVERR = 0, 2

_SIGNALS = {
    "awaddr": (Out(ADDRESS_WIDTH), "write address in bytes"),
    "awprot": (Out(3), "ignored"),
    "awvalid": (Out(1), "a write address is offered"),
    "awready": (In(1), "the write address is taken"),
    "wdata": (Out(32), "write data"),
    "wstrb": (Out(4), "bytes to write"),
    "wvalid": (Out(1), "write data are offered"),
    "wready": (In(1), "the write data are taken"),
    "bresp": (In(2), "OKAY, or SLVERR where no register is, or it is locked"),
    "bvalid": (In(1), "a write response is offered"),
    "bready": (Out(1), "the write response is taken"),
    "araddr": (Out(ADDRESS_WIDTH), "read address in bytes"),
    "arprot": (Out(3), "ignored"),
    "arvalid": (Out(1), "a read address is offered"),
    "arready": (In(1), "the read address is taken"),
    "rdata": (In(32), "read data"),
    "rresp": (In(2), "OKAY, or SLVERR where no register is"),
    "rvalid": (In(1), "read data are offered"),
    "rready": (Out(1), "the read data are taken"),
}


class AxiLite(wiring.Signature):
    """AXI4-Lite (ARM IHI 0022): from the host to the registers.

    Five channels: write address, write data, write response, read address, read data. Each one
    transfers in a cycle in which its valid and its ready are high; once valid is high it stays,
    with what it offers, until then. Members have AMBA's names, in lower case.
    """

    def __init__(self):
        super().__init__({name: member for name, (member, _) in _SIGNALS.items()})

    @staticmethod
    def ports(prefix: str) -> list[Port]:
        """The ports of a top that has registers."""
        return [Port(f"{prefix}_{name}", "in" if member.flow == Out else "out", member.shape,
                     meaning) for name, (member, meaning) in _SIGNALS.items()]

    @staticmethod
    def host(top, prefix: str) -> SimpleNamespace:
        """The host behind these ports of ``top``, as an interface to connect."""
        return SimpleNamespace(signature=AxiLite(), **{
            name: getattr(top, f"{prefix}_{name}") for name in _SIGNALS})


def fields_of(access: str, registers: tuple[Register, ...] = REGISTERS) -> data.StructLayout:
    """All fields of a map with that access, by name."""
    return data.StructLayout({field.name: field.width for register in registers
                              for field in register.fields if field.access == access})


class Registers(wiring.Signature):
    """What software writes and reads: from the registers to those who act on it.

    Parameters
    ----------
    registers : tuple of Register
        The map.

    Members
    -------
    settings : Out(fields_of("rw"))
        Fields that software has written. Those of the job are stable while ``locked`` is high.
    pulses : Out(fields_of("w1"))
        High for one cycle after software wrote 1.
    state : In(fields_of("ro"))
        Fields that software reads.
    locked : In(1)
        A job is running.
    refused : Out(1)
        High for one cycle when a write was refused for that.
    """

    def __init__(self, registers: tuple[Register, ...] = REGISTERS):
        super().__init__({
            "settings": Out(fields_of("rw", registers)),
            "pulses": Out(fields_of("w1", registers)),
            "state": In(fields_of("ro", registers)),
            "locked": In(1), "refused": Out(1),
        })


class Watched(wiring.Signature):
    """The same for those who look on: all that is said, and by whomever."""

    def __init__(self, registers: tuple[Register, ...] = REGISTERS):
        super().__init__({name: Out(member.shape)
                          for name, member in Registers(registers).members.items()})


class RegisterBlock(wiring.Component):
    """AXI4-Lite slave (ARM IHI 0022) over a map, by default :data:`hw.registers.REGISTERS`.

    One write and one read at a time, each answered one cycle after it was taken. An address
    without a register is answered with SLVERR and does nothing, and so is a write to a register
    of the job while one is running, unless ``answer_okay`` is set. Outputs come from registers.
    Reset drops transfers in flight and clears the settings.

    Parameters
    ----------
    map_ : tuple of Register
    variant : str
        What the map is for; nothing where it is the accelerator's.

    Members
    -------
    bus : In(AxiLite())
    registers : Out(Registers(map_))
    """

    def __init__(self, map_: tuple[Register, ...] = REGISTERS, variant: str = ""):
        super().__init__({"bus": In(AxiLite()), "registers": Out(Registers(map_))})
        self.map = map_
        self.variant = variant

    def elaborate(self, platform):
        m = Module()
        self._write(m)
        self._read(m)
        return m

    def _write(self, m):
        bus, registers = self.bus, self.registers
        address, strobe, word = Signal(ADDRESS_WIDTH), Signal(4), Signal(32)
        has_address, has_data, write = Signal(), Signal(), Signal()
        m.d.comb += [
            bus.awready.eq(~has_address),
            bus.wready.eq(~has_data),
            write.eq(has_address & has_data & ~bus.bvalid),
        ]
        with m.If(bus.awready & bus.awvalid):
            m.d.sync += [has_address.eq(1), address.eq(bus.awaddr)]
        with m.If(bus.wready & bus.wvalid):
            m.d.sync += [has_data.eq(1), word.eq(bus.wdata), strobe.eq(bus.wstrb)]
        with m.If(bus.bvalid & bus.bready):
            m.d.sync += bus.bvalid.eq(0)

        m.d.sync += [registers.pulses.eq(0), registers.refused.eq(0)]
        with m.If(write):
            m.d.sync += [has_address.eq(0), has_data.eq(0), bus.bvalid.eq(1),
                         bus.bresp.eq(SLVERR)]
            with m.Switch(address[2:]):
                for register in self.map:
                    with m.Case(register.offset // 4):
                        self._write_register(m, register, word, strobe)

    def _write_register(self, m, register, word, strobe):
        if register.job:
            with m.If(self.registers.locked):
                m.d.sync += self.registers.refused.eq(1)
                with m.If(self.registers.settings.answer_okay):
                    m.d.sync += self.bus.bresp.eq(OKAY)
            with m.Else():
                self._write_fields(m, register, word, strobe)
        else:
            self._write_fields(m, register, word, strobe)

    def _write_fields(self, m, register, word, strobe):
        m.d.sync += self.bus.bresp.eq(OKAY)
        for field in register.fields:
            position = register.position(field.name)
            target = {"rw": self.registers.settings, "w1": self.registers.pulses}.get(field.access)
            if target is None:
                continue
            for bit in range(field.width):
                with m.If(strobe[(position + bit) // 8]):
                    m.d.sync += target[field.name][bit].eq(word[position + bit])

    def _read(self, m):
        bus = self.bus
        m.d.comb += bus.arready.eq(~bus.rvalid)
        with m.If(bus.rvalid & bus.rready):
            m.d.sync += bus.rvalid.eq(0)
        with m.If(bus.arready & bus.arvalid):
            m.d.sync += [bus.rvalid.eq(1), bus.rdata.eq(0), bus.rresp.eq(SLVERR)]
            with m.Switch(bus.araddr[2:]):
                for register in self.map:
                    with m.Case(register.offset // 4):
                        m.d.sync += [bus.rresp.eq(OKAY), bus.rdata.eq(self._word(register))]

    def _word(self, register):
        """The register as software reads it."""
        sources = {"rw": self.registers.settings, "ro": self.registers.state}
        return Cat(sources[field.access][field.name] if field.access in sources
                   else C(0, field.width) for field in register.fields)
