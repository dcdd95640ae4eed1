"""Elements of a stream to words of the bus."""

from amaranth.hdl import C, Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Word, WordRun
from hw.bus.sized import Sized
from hw.bus.unpacker import Element
from hw.config import Design


__all__ = ["Packer"]


class Packer(Sized):
    """Puts the elements of runs into the words that hold them: the reverse of an unpacker.

    Bytes of a word that are of no element of the run are not written. One element per cycle, or
    one word. A word is on offer in the cycle after its last element; words come from registers.
    Reset forgets the run.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, a power of two.
    bits : int
        Bits of the number of a run's elements.

    Members
    -------
    runs : In(stream.Signature(WordRun(design, bits)))
        Taken with the run's last element.
    i : In(stream.Signature(Element(size)))
        ``last`` is not looked at.
    o : Out(stream.Signature(Word(design)))
    """

    def __init__(self, design: Design, size: int, bits: int = 32):
        super().__init__(design, size, {
            "runs": In(stream.Signature(WordRun(design, bits))),
            "i": In(stream.Signature(Element(size))),
            "o": Out(stream.Signature(Word(design))),
        }, bits)

    def elaborate(self, platform):
        m = Module()
        run, done = self.runs.payload, Signal(self.bits)
        at_end, moves, free = Signal(), Signal(), Signal()
        m.d.comb += [
            at_end.eq(done == run.elements - 1),
            free.eq(self.o.ready | ~self.o.valid),
            moves.eq(self.i.valid & self.i.ready),
            self.runs.ready.eq(moves & at_end),
        ]
        with m.If(self.o.ready):
            m.d.sync += self.o.valid.eq(0)
        if self.size < self.design.bus_bytes:
            self._join(m, run, done != 0, at_end, moves, free)
        else:
            self._split(m, moves, free)
        with m.If(moves):
            m.d.sync += done.eq(done + 1)
        with m.If(moves & at_end):
            m.d.sync += done.eq(0)
        return m

    def _join(self, m, run, started, at_end, moves, free):
        """A word has several elements; the one that is being filled is the output's."""
        per_word, bits = self.design.bus_bytes // self.size, 8 * self.size
        low = self.size.bit_length() - 1
        place, following = Signal(range(per_word)), Signal(range(per_word))
        word = self.o.payload
        m.d.comb += [
            place.eq(run.place[low:low + len(place)]),
            self.i.ready.eq(self.runs.valid & free),
        ]
        with m.If(started):
            m.d.comb += place.eq(following)
        with m.If(moves):
            m.d.sync += [following.eq(place + 1),
                         self.o.valid.eq(at_end | (place == per_word - 1))]
            with m.If(~started | (place == 0)):
                m.d.sync += word.strobe.eq(0)
            for k in range(per_word):
                with m.If(place == k):
                    m.d.sync += [
                        word.data[k * bits:(k + 1) * bits].eq(self.i.payload.data),
                        word.strobe[k * self.size:(k + 1) * self.size].eq(-1)]

    def _split(self, m, moves, free):
        """An element has one word, or several."""
        width = self.design.bus_width
        words = self.size // self.design.bus_bytes
        count = Signal(range(max(2, words)))
        m.d.comb += self.i.ready.eq(self.runs.valid & free & (count == words - 1))
        with m.If(self.i.valid & self.runs.valid & free):
            m.d.sync += [
                count.eq(count + 1), self.o.valid.eq(1),
                self.o.payload.data.eq(self.i.payload.data.word_select(count, width)),
                self.o.payload.strobe.eq(C(-1, self.design.bus_bytes)),
            ]
        with m.If(moves):
            m.d.sync += count.eq(0)
