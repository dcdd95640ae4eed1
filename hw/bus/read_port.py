"""The read channels of the bus, which all readers share."""

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import ID_WIDTH, Axi4, Burst, constants
from hw.config import Design
from hw.stream.register import StreamRegister


__all__ = ["ReadPort"]


class _Request(data.StructLayout):
    def __init__(self, design: Design):
        super().__init__({"burst": Burst(design), "id": ID_WIDTH})


class ReadPort(wiring.Component):
    """Sends what readers ask for to the memory, and what comes back to them.

    Every reader has an ID of its own: its words come in order, those of others in between, in any
    order. Who stands first in ``names`` goes first; none waits for ever, as each asks only for
    what it has room for. At most ``outstanding`` bursts are in flight. A request leaves from
    registers, a cycle after it was made, and stays until it is accepted; words pass through.

    Parameters
    ----------
    design : Design
    names : tuple of str
        Readers, the most urgent first.
    ids : dict of str to int
        Their IDs.

    Members
    -------
    asks_<name> : In(stream.Signature(Burst(design)))
    words_<name> : Out(stream.Signature(bus_width))
    bus : Out(Axi4.half("read", design))
    failed : Out(1), failed_id : Out(ID_WIDTH)
        High for a cycle when a word came with an error; the word itself is handed on.
    idle : Out(1)
        No burst is in flight.
    """

    def __init__(self, design: Design, names: tuple[str, ...], ids: dict[str, int]):
        super().__init__({
            **{f"asks_{name}": In(stream.Signature(Burst(design))) for name in names},
            **{f"words_{name}": Out(stream.Signature(design.bus_width))
               for name in names},
            "bus": Out(Axi4.half("read", design)),
            "failed": Out(1), "failed_id": Out(ID_WIDTH), "idle": Out(1),
        })
        self.design = design
        self.names = names
        self.ids = tuple((name, ids[name]) for name in names)

    def elaborate(self, platform):
        m = Module()
        design, bus = self.design, self.bus
        m.submodules.request = request = StreamRegister(_Request(design))
        flying, room = Signal(range(design.outstanding + 1)), Signal()
        sent, ended = Signal(), Signal()
        m.d.comb += [
            room.eq(flying != design.outstanding),
            sent.eq(request.i.valid & request.i.ready),
            ended.eq(bus.rvalid & bus.rlast),
            self.idle.eq(flying == 0),
            bus.rready.eq(1),
            self.failed.eq(bus.rvalid & bus.rresp[1]), self.failed_id.eq(bus.rid),
        ]
        m.d.sync += flying.eq(flying + sent - ended)
        for first, (name, number) in zip((m.If, *[m.Elif] * len(self.ids)), self.ids, strict=False):
            asks = getattr(self, f"asks_{name}")
            with first(asks.valid):
                m.d.comb += [request.i.payload.burst.eq(asks.payload),
                             request.i.payload.id.eq(number), request.i.valid.eq(room),
                             asks.ready.eq(room & request.i.ready)]
        for name, number in self.ids:
            words = getattr(self, f"words_{name}")
            m.d.comb += [words.payload.eq(bus.rdata),
                         words.valid.eq(bus.rvalid & (bus.rid == number))]
        asked = request.o.payload
        shift = design.bus_bytes.bit_length() - 1
        m.d.comb += [
            *constants(bus, "ar", design),
            bus.araddr.eq(asked.burst.word << shift), bus.arlen.eq(asked.burst.beats - 1),
            bus.arid.eq(asked.id), bus.arvalid.eq(request.o.valid),
            request.o.ready.eq(bus.arready),
        ]
        return m
