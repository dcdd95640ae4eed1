"""Who writes and reads registers: the host, and the sequencer in between."""

from types import SimpleNamespace

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.registers import BUS_REGISTERS, Register, offset_of
from hw.stream.axi_lite import ADDRESS_WIDTH, OKAY, SLVERR, AxiLite


__all__ = ["Access", "Router"]


BORDER = BUS_REGISTERS[0].offset
"""Registers below are the accelerator's, those from here on the master's."""


class Access(wiring.Signature):
    """One write to a register at a time: from the sequencer to the router.

    Members
    -------
    valid : Out(1)
        A write is asked for; it stays so, unchanged, until ``done``.
    clear : Out(1)
        Reset the accelerator, in place of a write: nobody uses its registers then.
    address : Out(12), data : Out(32)
    done : In(1)
        High for a cycle when the write is over.
    """

    def __init__(self):
        super().__init__({
            "valid": Out(1), "clear": Out(1), "address": Out(ADDRESS_WIDTH), "data": Out(32),
            "done": In(1),
        })


class Router(wiring.Component):
    """Hands accesses on to the registers of the accelerator, or of the master, one at a time.

    Those of the sequencer go first. A host that writes the accelerator's CONTROL, or while
    ``locked`` a register of the job or a start, gets SLVERR, or OKAY with ``okay``, and nothing is
    written.
    An access of the host takes four cycles more than the registers themselves. Responses leave
    from registers; no ready depends on a valid. Reset drops what is in flight.

    Parameters
    ----------
    locks : tuple of Register
        Those of the job.

    Members
    -------
    host : In(AxiLite()), access : In(Access())
    accelerator, master : Out(AxiLite())
    locked : In(1)
        A job runs, or is being prepared.
    okay : In(1)
        Refused writes are answered with OKAY.
    clear : Out(1)
        High for a cycle in which the accelerator is to be reset.
    """

    def __init__(self, locks: tuple[Register, ...]):
        super().__init__({
            "host": In(AxiLite()), "access": In(Access()),
            "accelerator": Out(AxiLite()), "master": Out(AxiLite()),
            "locked": In(1), "okay": In(1), "clear": Out(1),
        })
        self.locks = locks

    def elaborate(self, platform):
        m = Module()
        host = self._host(m)
        now = SimpleNamespace(
            write=Signal(), address=Signal(ADDRESS_WIDTH), data=Signal(32), strobe=Signal(4),
            own=Signal(), asking=Signal(), data_asking=Signal(), over=Signal(),
            response=Signal(2), word=Signal(32))
        refused = self._refused(m, host.address, host.data)
        self._targets(m, now)
        with m.FSM():
            with m.State("IDLE"):
                self._choose(m, host, refused, now)
            with m.State("ASK"), m.If(now.over):
                m.next = "ANSWER"
            with m.State("ANSWER"):
                with m.If(now.own):
                    m.d.comb += self.access.done.eq(1)
                with m.Elif(now.write):
                    m.d.comb += host.write_over.eq(1)
                    m.d.sync += [self.host.bvalid.eq(1), self.host.bresp.eq(now.response)]
                with m.Else():
                    m.d.comb += host.read_over.eq(1)
                    m.d.sync += [self.host.rvalid.eq(1), self.host.rresp.eq(now.response),
                                 self.host.rdata.eq(now.word)]
                m.next = "IDLE"
        return m

    def _choose(self, m, host, refused, now):
        """Begin an access: of the sequencer, or a write or a read of the host."""
        access = self.access
        m.d.sync += now.own.eq(access.valid)

        def begin(write, address, data=0, strobe=0):
            m.d.sync += [now.write.eq(write), now.address.eq(address), now.data.eq(data),
                         now.strobe.eq(strobe), now.asking.eq(1), now.data_asking.eq(write)]
            m.next = "ASK"

        with m.If(access.valid & access.clear):
            m.d.comb += [self.clear.eq(1), access.done.eq(1)]
        with m.Elif(access.valid):
            begin(1, access.address, access.data, 0xF)
        with m.Elif(host.writes & refused):
            m.d.sync += [now.write.eq(1), now.response.eq(Mux(self.okay, OKAY, SLVERR))]
            m.next = "ANSWER"
        with m.Elif(host.writes):
            begin(1, host.address, host.data, host.strobe)
        with m.Elif(host.reads):
            begin(0, host.read_address)

    def _host(self, m):
        """Take what the host asks for, one write and one read, and keep it until it is over."""
        host = self.host
        has_address, has_data, has_read = Signal(), Signal(), Signal()
        asked = SimpleNamespace(
            address=Signal(ADDRESS_WIDTH), data=Signal(32), strobe=Signal(4),
            read_address=Signal(ADDRESS_WIDTH), writes=Signal(), reads=Signal(),
            write_over=Signal(), read_over=Signal())
        m.d.comb += [
            host.awready.eq(~has_address), host.wready.eq(~has_data), host.arready.eq(~has_read),
            asked.writes.eq(has_address & has_data & ~host.bvalid),
            asked.reads.eq(has_read & ~host.rvalid),
        ]
        with m.If(host.awvalid & host.awready):
            m.d.sync += [has_address.eq(1), asked.address.eq(host.awaddr)]
        with m.If(host.wvalid & host.wready):
            m.d.sync += [has_data.eq(1), asked.data.eq(host.wdata), asked.strobe.eq(host.wstrb)]
        with m.If(host.arvalid & host.arready):
            m.d.sync += [has_read.eq(1), asked.read_address.eq(host.araddr)]
        with m.If(host.bvalid & host.bready):
            m.d.sync += host.bvalid.eq(0)
        with m.If(host.rvalid & host.rready):
            m.d.sync += host.rvalid.eq(0)
        with m.If(asked.write_over):
            m.d.sync += [has_address.eq(0), has_data.eq(0)]
        with m.If(asked.read_over):
            m.d.sync += has_read.eq(0)
        return asked

    def _refused(self, m, address, data):
        """Whether the host may not write that there now."""
        refused = Signal()
        control = next(one for one in BUS_REGISTERS if one.name == "BUS_CONTROL")
        with m.Switch(address[2:]):
            with m.Case(offset_of("CONTROL") // 4):
                m.d.comb += refused.eq(1)
            with m.Case(control.offset // 4):
                m.d.comb += refused.eq(self.locked & data[control.position("bus_start")])
            for register in self.locks:
                with m.Case(register.offset // 4):
                    m.d.comb += refused.eq(self.locked)
        return refused

    def _targets(self, m, now):
        """Do the access that is kept where its address says."""
        beyond = Signal()
        m.d.comb += beyond.eq(now.address >= BORDER)
        for target, mine in ((self.accelerator, ~beyond), (self.master, beyond)):
            m.d.comb += [
                target.awaddr.eq(now.address), target.awvalid.eq(now.asking & now.write & mine),
                target.wdata.eq(now.data), target.wstrb.eq(now.strobe),
                target.wvalid.eq(now.data_asking & mine), target.bready.eq(1),
                target.araddr.eq(now.address), target.arvalid.eq(now.asking & ~now.write & mine),
                target.rready.eq(1),
            ]
            with m.If((target.awvalid & target.awready) | (target.arvalid & target.arready)):
                m.d.sync += now.asking.eq(0)
            with m.If(target.wvalid & target.wready):
                m.d.sync += now.data_asking.eq(0)
            with m.If(target.bvalid | target.rvalid):
                m.d.comb += now.over.eq(1)
                m.d.sync += [now.response.eq(Mux(now.write, target.bresp, target.rresp)),
                             now.word.eq(target.rdata)]
