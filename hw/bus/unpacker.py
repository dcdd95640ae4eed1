"""Words of the bus to elements of a stream."""

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import data, stream
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import WordRun
from hw.bus.sized import Sized
from hw.config import Design


__all__ = ["Element", "Unpacker"]


class Element(data.StructLayout):
    """An element of a stream; ``last`` marks that of a packet."""

    def __init__(self, size: int):
        super().__init__({"data": 8 * size, "last": 1})


class Unpacker(Sized):
    """Takes the elements of runs out of the words that hold them.

    A word has several elements, or an element several words, the lowest first. What a word holds
    before a run's first element, and after its last one, is dropped. One element per cycle, or one
    word. Combinational from ``words`` to ``o``; ``words.ready`` follows ``o.ready``. Reset
    forgets the run.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, as in :class:`hw.bus.sized.Sized`.
    bits : int
        Bits of the number of a run's elements.

    Members
    -------
    runs : In(stream.Signature(WordRun(design, bits)))
        Taken with the run's last element.
    words : In(stream.Signature(bus_width))
    o : Out(stream.Signature(Element(size)))
    """

    def __init__(self, design: Design, size: int, bits: int = 32):
        super().__init__(design, size, {
            "runs": In(stream.Signature(WordRun(design, bits))),
            "words": In(stream.Signature(design.bus_width)),
            "o": Out(stream.Signature(Element(size))),
        }, bits)

    def elaborate(self, platform):
        m = Module()
        run, done = self.runs.payload, Signal(self.bits)
        at_end, moves = Signal(), Signal()
        m.d.comb += [
            at_end.eq(done == run.elements - 1),
            moves.eq(self.o.valid & self.o.ready),
            self.o.payload.last.eq(at_end & run.last),
            self.runs.ready.eq(moves & at_end),
        ]
        with m.If(moves):
            m.d.sync += done.eq(done + 1)
        with m.If(moves & at_end):
            m.d.sync += done.eq(0)
        if self.size < self.design.bus_bytes:
            self._split(m, run, done != 0, at_end, moves)
        else:
            self._join(m, moves)
        return m

    def _split(self, m, run, started, at_end, moves):
        """A word has several elements."""
        per_word, bits = self.design.bus_bytes // self.size, 8 * self.size
        low = self.size.bit_length() - 1
        place, following = Signal(range(per_word)), Signal(range(per_word))
        word = Array(self.words.payload[k * bits:(k + 1) * bits] for k in range(per_word))
        m.d.comb += [
            place.eq(run.place[low:low + len(place)]),
            self.o.valid.eq(self.runs.valid & self.words.valid),
            self.words.ready.eq(moves & (at_end | (place == per_word - 1))),
            self.o.payload.data.eq(word[place]),
        ]
        with m.If(started):
            m.d.comb += place.eq(following)
        with m.If(moves):
            m.d.sync += following.eq(place + 1)

    def _join(self, m, moves):
        """An element has one word, or several."""
        words = self.size // self.design.bus_bytes
        count, held = Signal(range(max(2, words))), Signal(self.design.bus_width * (words - 1))
        complete = Signal()
        m.d.comb += [
            complete.eq(count == words - 1),
            self.o.valid.eq(self.runs.valid & self.words.valid & complete),
            self.words.ready.eq(self.runs.valid & (~complete | self.o.ready)),
            self.o.payload.data.eq(Cat(held, self.words.payload)),
        ]
        with m.If(self.words.valid & self.words.ready):
            m.d.sync += count.eq(count + 1)
            if words > 1:
                m.d.sync += held.eq(Cat(held, self.words.payload)[self.design.bus_width:])
        with m.If(moves):
            m.d.sync += count.eq(0)
