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
    order. Who stands first goes first, the two that read most after each other; none waits for
    ever, as each asks only for what it has room for. At most ``outstanding`` bursts are in flight.
    A request leaves from registers, a cycle after it was made, and stays until it is accepted;
    words pass through.

    Parameters
    ----------
    design : Design
    ids : dict of str to int
        Readers and their IDs, the most urgent first.
    in_turn : tuple of str
        The two last readers.

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

    def __init__(self, design: Design, ids: dict[str, int], in_turn: tuple[str, str]):
        super().__init__({
            **{f"asks_{name}": In(stream.Signature(Burst(design))) for name in ids},
            **{f"words_{name}": Out(stream.Signature(design.bus_width))
               for name in ids},
            "bus": Out(Axi4.half("read", design)),
            "failed": Out(1), "failed_id": Out(ID_WIDTH), "idle": Out(1),
        })
        self.design = design
        self.ids = tuple(ids.items())
        self.in_turn = in_turn

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
        waits = self._waits(m, request.i)
        for first, (name, number) in zip((m.If, *[m.Elif] * len(self.ids)), self.ids, strict=False):
            asks = getattr(self, f"asks_{name}")
            with first(asks.valid & (~waits if name == self.in_turn[0] else 1)):
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

    def _waits(self, m, request):
        """Whether the first of the two that take turns waits for the second one."""
        first, second = self.in_turn
        served, ids = Signal(), dict(self.ids)  # whether the first one asked later
        with m.If(request.valid & request.ready):
            for name, value in ((first, 1), (second, 0)):
                with m.If(request.payload.id == ids[name]):
                    m.d.sync += served.eq(value)
        return served & getattr(self, f"asks_{second}").valid
