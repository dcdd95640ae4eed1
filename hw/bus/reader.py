"""Reads what one stream of the accelerator needs."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Burst, MemoryRun, WordRun
from hw.bus.bursts import Bursts
from hw.bus.room import Room
from hw.bus.unpacker import Element, Unpacker
from hw.config import Design
from hw.stream.fifo import StreamFifo
from hw.stream.register import StreamRegister


__all__ = ["Reader"]


class Reader(wiring.Component):
    """Reads runs of elements, in order, and offers the elements as a stream.

    A burst is asked for once there is room for all of its words, so that whatever comes can be
    taken at once, and no stream holds up another one. While ``drop`` is high nothing is asked for,
    and words are taken and dropped; whoever drops waits for ``idle``. Elements come out of the
    queue of words, or from a register. Reset must not come while bursts are in flight.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, as in :class:`hw.bus.sized.Sized`.
    room : Room
        Bursts, words and runs that may wait.
    bits : int
        Bits of the number of a run's elements.
    registered : bool
        Whether elements leave from a register, a cycle later.

    Members
    -------
    runs : In(stream.Signature(MemoryRun(design, bits)))
    asks : Out(stream.Signature(Burst(design)))
    words : In(stream.Signature(bus_width))
        What was asked for, in order; always ready.
    o : Out(stream.Signature(Element(size)))
    drop : In(1)
    idle : Out(1)
        No word is asked for or here.
    """

    def __init__(self, design: Design, size: int, room: Room, bits: int = 32, *,
                 registered: bool = False):
        super().__init__({
            "runs": In(stream.Signature(self._run(design, bits))),
            "asks": Out(stream.Signature(Burst(design))),
            "words": In(stream.Signature(design.bus_width)),
            "o": Out(stream.Signature(Element(size))),
            "drop": In(1), "idle": Out(1),
        })
        self.design = design
        self.size = size
        self.room = room
        self.bits = bits
        self.registered = registered

    @property
    def variant(self) -> str:
        """Bytes of an element, words that there is room for, and bits of a run's elements."""
        return f"{self.size}_{self.room.words}_{self.bits}"

    def _run(self, design, bits):
        """What is asked for."""
        return MemoryRun(design, bits)

    def elaborate(self, platform):
        m = Module()
        design, drop, forgets = self.design, self.drop, ResetInserter(self.drop)
        bursts = Bursts(design, self.size, self.bits, longest=self.room.longest)
        unpacker, run = Unpacker(design, self.size, self.bits), WordRun(design, self.bits)
        waiting = StreamFifo(run, self.room.runs) if self.room.runs > 1 else StreamRegister(run)
        for name, part in (("bursts", bursts), ("waiting", waiting), ("unpacker", unpacker)):
            m.submodules[name] = forgets(part)
        m.submodules.words = words = StreamFifo(design.bus_width, self.room.words)
        both = Signal()
        m.d.comb += [
            both.eq(bursts.i.ready & waiting.i.ready & ~drop), self.runs.ready.eq(both),
            bursts.i.payload.eq(self.runs.payload), bursts.i.valid.eq(self.runs.valid & both),
            waiting.i.payload.place.eq(self.runs.payload.address),
            *(waiting.i.payload[name].eq(self.runs.payload[name]) for name in ("elements", "last")),
            waiting.i.valid.eq(self.runs.valid & both),
            words.i.payload.eq(self.words.payload), words.i.valid.eq(self.words.valid),
            self.words.ready.eq(1),
            unpacker.words.payload.eq(words.o.payload), unpacker.words.valid.eq(words.o.valid),
            words.o.ready.eq(unpacker.words.ready | drop),
        ]
        self._ask(m, bursts.o, words.o)
        wiring.connect(m, waiting.o, unpacker.runs)
        elements = unpacker.o
        if self.registered:
            register = StreamRegister(Element(self.size))
            m.submodules.register = forgets(register)
            wiring.connect(m, unpacker.o, register.i)
            elements = register.o
        m.d.comb += [self.o.payload.eq(elements.payload),
                     self.o.valid.eq(elements.valid & ~drop), elements.ready.eq(self.o.ready)]
        return m

    def _ask(self, m, bursts, words):
        """Ask for a burst when there is room for it."""
        depth = self.room.words
        words_free, asked = Signal(range(depth + 1), init=depth), Signal(9)
        m.d.comb += [
            self.asks.payload.eq(bursts.payload),
            self.asks.valid.eq(bursts.valid & (bursts.payload.beats <= words_free) & ~self.drop),
            bursts.ready.eq(self.asks.ready & self.asks.valid),
            self.idle.eq(words_free == depth),
        ]
        with m.If(self.asks.valid & self.asks.ready):
            m.d.comb += asked.eq(bursts.payload.beats)
        m.d.sync += words_free.eq(words_free - asked + (words.valid & words.ready))
