"""Writes the results of the accelerator."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Axi4, MemoryRun, Word, WordRun, constants
from hw.bus.bursts import Bursts
from hw.bus.packer import Packer
from hw.bus.room import room, run_bits
from hw.bus.sized import Sized
from hw.bus.unpacker import Element
from hw.config import Design
from hw.stream.fifo import StreamFifo
from hw.stream.register import StreamRegister


__all__ = ["Writer"]


class Writer(Sized):
    """Writes runs of elements, in order, as bursts.

    A burst is asked for once all of its words are here, so that no write is ever left half done:
    the bus waits for nobody. Words follow in the cycles after, one each; the next burst begins a
    cycle after the last word of the one before. At most ``outstanding`` are not answered. While
    ``drop`` is high a burst that was asked for is completed, and all else is taken and dropped;
    whoever drops waits for ``idle``. Reset must not come while bursts are in flight.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, a power of two.
    number : int
        ID of the writes.

    Members
    -------
    runs : In(stream.Signature(MemoryRun(design, bits)))
    i : In(stream.Signature(Element(size)))
    bus : Out(Axi4.half("write", design))
    drop : In(1)
    failed : Out(1)
        High for a cycle when a write was answered with an error.
    idle : Out(1)
        All runs are written and answered.
    """

    def __init__(self, design: Design, size: int, number: int):
        super().__init__(design, size, {
            "runs": In(stream.Signature(MemoryRun(design, run_bits(design, "result")))),
            "i": In(stream.Signature(Element(size))),
            "bus": Out(Axi4.half("write", design)),
            "drop": In(1), "failed": Out(1), "idle": Out(1),
        }, run_bits(design, "result"))
        self.number = number

    def elaborate(self, platform):
        m = Module()
        design, drop, forgets = self.design, self.drop, ResetInserter(self.drop)
        own = room(design, "result")
        bursts = Bursts(design, self.size, self.bits, own.longest)
        packer = Packer(design, self.size, self.bits)
        held = StreamRegister(WordRun(design, self.bits))
        for name, part in (("bursts", bursts), ("held", held), ("packer", packer)):
            m.submodules[name] = forgets(part)
        m.submodules.words = words = StreamFifo(Word(design), own.words)
        both, here = Signal(), Signal(range(own.words + 2))
        taken = Signal()
        wiring.connect(m, held.o, packer.runs)
        m.d.comb += [
            both.eq(bursts.i.ready & held.i.ready & ~drop), self.runs.ready.eq(both),
            bursts.i.payload.eq(self.runs.payload), bursts.i.valid.eq(self.runs.valid & both),
            held.i.payload.place.eq(self.runs.payload.address),
            held.i.payload.elements.eq(self.runs.payload.elements),
            held.i.valid.eq(self.runs.valid & both),
            packer.i.payload.eq(self.i.payload), packer.i.valid.eq(self.i.valid & ~drop),
            self.i.ready.eq(packer.i.ready | drop),
            words.i.payload.eq(packer.o.payload), words.i.valid.eq(packer.o.valid & ~drop),
            packer.o.ready.eq(words.i.ready),
        ]
        m.d.sync += here.eq(here + (words.i.valid & words.i.ready) - taken)
        busy, answers = self._send(m, bursts.o, words.o, here, taken)
        m.d.comb += self.idle.eq(~bursts.busy & ~held.o.valid & (here == 0) & ~busy
                                 & (answers == 0) & ~packer.o.valid)
        return m

    def _send(self, m, bursts, words, here, taken):
        """Write burst after burst; return whether one is being written, and how many fly."""
        design, bus = self.design, self.bus
        left, asking = Signal(9), Signal()  # words of the burst; its address is on offer
        flying, begins = Signal(range(design.outstanding + 1)), Signal()
        shift = design.bus_bytes.bit_length() - 1
        m.d.comb += [
            begins.eq(bursts.valid & (here >= bursts.payload.beats) & (left == 0) & ~asking
                      & (flying != design.outstanding) & ~self.drop),
            bursts.ready.eq(begins),
            *constants(bus, "aw", design), bus.awid.eq(self.number), bus.awvalid.eq(asking),
            bus.wdata.eq(words.payload.data), bus.wstrb.eq(words.payload.strobe),
            bus.wlast.eq(left == 1), bus.wvalid.eq((left != 0) & words.valid),
            words.ready.eq((bus.wvalid & bus.wready) | ((left == 0) & self.drop)),
            taken.eq(words.valid & words.ready),
            bus.bready.eq(1), self.failed.eq(bus.bvalid & bus.bresp[1]),
        ]
        with m.If(begins):
            m.d.sync += [bus.awaddr.eq(bursts.payload.word << shift),
                         bus.awlen.eq(bursts.payload.beats - 1), asking.eq(1),
                         left.eq(bursts.payload.beats)]
        with m.If(bus.awvalid & bus.awready):
            m.d.sync += asking.eq(0)
        with m.If(bus.wvalid & bus.wready):
            m.d.sync += left.eq(left - 1)
        m.d.sync += flying.eq(flying + begins - bus.bvalid)
        return asking | (left != 0), flying
