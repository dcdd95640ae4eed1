"""AXI4-Lite access to the register map."""

from amaranth.hdl import C, Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.registers import REGISTERS
from hw.stream.axi import Port


__all__ = ["ADDRESS_WIDTH", "AXIL_PORTS", "RegisterBlock", "fields_of"]


ADDRESS_WIDTH = 12
OKAY, SLVERR = 0, 2

AXIL_PORTS = [
    Port("s_axil_awaddr", "in", ADDRESS_WIDTH, "write address in bytes"),
    Port("s_axil_awprot", "in", 3, "ignored"),
    Port("s_axil_awvalid", "in", 1, "a write address is offered"),
    Port("s_axil_awready", "out", 1, "the write address is taken"),
    Port("s_axil_wdata", "in", 32, "write data"),
    Port("s_axil_wstrb", "in", 4, "bytes to write"),
    Port("s_axil_wvalid", "in", 1, "write data are offered"),
    Port("s_axil_wready", "out", 1, "the write data are taken"),
    Port("s_axil_bresp", "out", 2, "OKAY, or SLVERR where no register is, or it is locked"),
    Port("s_axil_bvalid", "out", 1, "a write response is offered"),
    Port("s_axil_bready", "in", 1, "the write response is taken"),
    Port("s_axil_araddr", "in", ADDRESS_WIDTH, "read address in bytes"),
    Port("s_axil_arprot", "in", 3, "ignored"),
    Port("s_axil_arvalid", "in", 1, "a read address is offered"),
    Port("s_axil_arready", "out", 1, "the read address is taken"),
    Port("s_axil_rdata", "out", 32, "read data"),
    Port("s_axil_rresp", "out", 2, "OKAY, or SLVERR where no register is"),
    Port("s_axil_rvalid", "out", 1, "read data are offered"),
    Port("s_axil_rready", "in", 1, "the read data are taken"),
]


def fields_of(access: str) -> data.StructLayout:
    """All fields of the map with that access, by name."""
    return data.StructLayout({field.name: field.width for register in REGISTERS
                              for field in register.fields if field.access == access})


class RegisterBlock(wiring.Component):
    """AXI4-Lite slave (ARM IHI 0022) over :data:`hw.registers.REGISTERS`.

    One write and one read at a time, each answered one cycle after it was taken. An address
    without a register is answered with SLVERR and does nothing, and so is a write to a register
    of the job while one is running. Outputs come from registers.
    Reset drops transfers in flight and clears the settings.

    Members
    -------
    s_axil_* : the bus, see :data:`AXIL_PORTS`
    settings : Out(fields_of("rw"))
        Fields that software has written.
    pulses : Out(fields_of("w1"))
        High for one cycle after software wrote 1.
    state : In(fields_of("ro"))
        Fields that software reads.
    locked : In(1)
        A job is running.
    refused : Out(1)
        High for one cycle when a write was refused for that.
    """

    def __init__(self):
        super().__init__({
            **{port.name: (In if port.direction == "in" else Out)(port.width)
               for port in AXIL_PORTS},
            "settings": Out(fields_of("rw")),
            "pulses": Out(fields_of("w1")),
            "state": In(fields_of("ro")),
            "locked": In(1),
            "refused": Out(1),
        })

    def elaborate(self, platform):
        m = Module()
        self._write(m)
        self._read(m)
        return m

    def _write(self, m):
        address, strobe, word = Signal(ADDRESS_WIDTH), Signal(4), Signal(32)
        has_address, has_data, write = Signal(), Signal(), Signal()
        m.d.comb += [
            self.s_axil_awready.eq(~has_address),
            self.s_axil_wready.eq(~has_data),
            write.eq(has_address & has_data & ~self.s_axil_bvalid),
        ]
        with m.If(self.s_axil_awready & self.s_axil_awvalid):
            m.d.sync += [has_address.eq(1), address.eq(self.s_axil_awaddr)]
        with m.If(self.s_axil_wready & self.s_axil_wvalid):
            m.d.sync += [has_data.eq(1), word.eq(self.s_axil_wdata), strobe.eq(self.s_axil_wstrb)]
        with m.If(self.s_axil_bvalid & self.s_axil_bready):
            m.d.sync += self.s_axil_bvalid.eq(0)

        m.d.sync += [self.pulses.eq(0), self.refused.eq(0)]
        with m.If(write):
            m.d.sync += [has_address.eq(0), has_data.eq(0), self.s_axil_bvalid.eq(1),
                         self.s_axil_bresp.eq(SLVERR)]
            with m.Switch(address[2:]):
                for register in REGISTERS:
                    with m.Case(register.offset // 4):
                        self._write_register(m, register, word, strobe)

    def _write_register(self, m, register, word, strobe):
        if register.job:
            with m.If(self.locked):
                m.d.sync += self.refused.eq(1)
            with m.Else():
                self._write_fields(m, register, word, strobe)
        else:
            self._write_fields(m, register, word, strobe)

    def _write_fields(self, m, register, word, strobe):
        m.d.sync += self.s_axil_bresp.eq(OKAY)
        for field in register.fields:
            position = register.position(field.name)
            target = {"rw": self.settings, "w1": self.pulses}.get(field.access)
            if target is None:
                continue
            for bit in range(field.width):
                with m.If(strobe[(position + bit) // 8]):
                    m.d.sync += target[field.name][bit].eq(word[position + bit])

    def _read(self, m):
        m.d.comb += self.s_axil_arready.eq(~self.s_axil_rvalid)
        with m.If(self.s_axil_rvalid & self.s_axil_rready):
            m.d.sync += self.s_axil_rvalid.eq(0)
        with m.If(self.s_axil_arready & self.s_axil_arvalid):
            m.d.sync += [self.s_axil_rvalid.eq(1), self.s_axil_rdata.eq(0),
                         self.s_axil_rresp.eq(SLVERR)]
            with m.Switch(self.s_axil_araddr[2:]):
                for register in REGISTERS:
                    with m.Case(register.offset // 4):
                        m.d.sync += [self.s_axil_rresp.eq(OKAY),
                                     self.s_axil_rdata.eq(self._word(register))]

    def _word(self, register):
        """The register as software reads it."""
        sources = {"rw": self.settings, "ro": self.state}
        return Cat(sources[field.access][field.name] if field.access in sources
                   else C(0, field.width) for field in register.fields)
