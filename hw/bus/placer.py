"""Words of the bus to blocks of weights of which only parts were read."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.unpacker import Element
from hw.config import Design
from hw.layouts import element_bytes, mask_bits, weight_words


__all__ = ["Placed", "Placer"]


class Placed(data.StructLayout):
    """Parts of a block that come; ``last`` marks the last block of a packet."""

    def __init__(self, design: Design):
        super().__init__({"mask": mask_bits(design), "last": 1})


class Placer(wiring.Component):
    """Puts the words that were read to their places in an element; what was not read is zero.

    A word per cycle, and a block without any takes a cycle. A block is on offer in the cycle after
    its last word, from registers, in which the next one is put together once it is taken:
    ``words.ready`` and ``masks.ready`` follow ``o.ready``. Reset forgets the block.

    Parameters
    ----------
    design : Design

    Members
    -------
    masks : In(stream.Signature(Placed(design)))
        Taken with the block's last word.
    words : In(stream.Signature(bus_width))
    o : Out(stream.Signature(Element(size)))
        Blocks of weights.
    """

    def __init__(self, design: Design):
        super().__init__({
            "masks": In(stream.Signature(Placed(design))),
            "words": In(stream.Signature(design.bus_width)),
            "o": Out(stream.Signature(Element(element_bytes(design)["weight"]))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        scale = weight_words(self.design) // mask_bits(self.design)  # words of a part
        started, left, at = Signal(), Signal(mask_bits(self.design)), Signal(range(scale))
        mask, low, rest = Signal.like(left), Signal.like(left), Signal.like(left)
        empty, ends, moves, free = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            mask.eq(Mux(started, left, self.masks.payload.mask)),
            low.eq(mask & -mask), empty.eq(mask == 0),
            rest.eq(Mux(at == scale - 1, mask & ~low, mask)), ends.eq(rest == 0),
            free.eq(self.o.ready | ~self.o.valid),
            self.words.ready.eq(self.masks.valid & ~empty & free),
            moves.eq(self.masks.valid & (self.words.valid | empty) & free),
            self.masks.ready.eq(moves & ends),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(moves & ends)
        with m.If(moves):
            m.d.sync += [started.eq(~ends), left.eq(rest),
                         at.eq(Mux(empty | (at == scale - 1), 0, at + 1)),
                         self.o.payload.last.eq(self.masks.payload.last)]
            for part in range(len(low)):
                for k in range(scale):
                    held = self.o.payload.data.word_select(part * scale + k, self.design.bus_width)
                    with m.If(low[part] & (at == k)):
                        m.d.sync += held.eq(self.words.payload)
                    with m.Elif(~started):
                        m.d.sync += held.eq(0)
        return m
