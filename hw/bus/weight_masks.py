"""Which weights a job needs, block by block, in the order in which it needs them."""

from amaranth.hdl import C, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Burst
from hw.bus.mask_memory import MaskReads
from hw.config import Design
from hw.job.job import Run
from hw.job.passes import Passes
from hw.layouts import mask_bits, weight_words


__all__ = ["MaskedWeights", "WeightMasks"]


class MaskedWeights(data.StructLayout):
    """The weights of a block.

    Fields
    ------
    word : unsigned
        Number of their first beat of the bus in memory.
    mask : unsigned(mask_bits(design))
        Parts of them that are needed.
    last : unsigned(1)
        Whether the packet of the stream ends with the block.
    """

    def __init__(self, design: Design):
        super().__init__({"word": Burst(design)["word"].shape, "mask": mask_bits(design),
                          "last": 1})


class WeightMasks(wiring.Component):
    """Walks through the weights of a job, as :class:`hw.bus.walkers.WeightRuns` does, by blocks.

    Of a job that is ``sparse`` the masks say what is needed, once they are complete; of others all
    is. A block a cycle, the first one three cycles after ``begin``, or two after the masks are
    complete. Reset, and ``drop``, end the walk.

    Parameters
    ----------
    design : Design

    Members
    -------
    run : In(Run())
    base : In(address_width)
        Where the weights begin; stable during a job.
    sparse : In(1)
        Stable during a job.
    masks : Out(MaskReads(design))
    o : Out(stream.Signature(MaskedWeights(design)))
    """

    strided = False

    def __init__(self, design: Design):
        super().__init__({
            "run": In(Run()), "base": In(design.address_width), "sparse": In(1),
            "masks": Out(MaskReads(design)),
            "o": Out(stream.Signature(MaskedWeights(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, masks, weights = self.design, self.masks, self.o.payload
        m.submodules.passes = passes = Passes(design)
        wiring.connect(m, wiring.flipped(self.run), passes.run)
        now, block, place = passes.now, Signal(range(design.max_blocks)), Signal.like(weights.word)
        base, free = self.base[design.bus_bytes.bit_length() - 1:], Signal()
        moves, ends = Signal(), Signal()
        m.d.comb += [
            free.eq(self.o.ready | ~self.o.valid),
            moves.eq(passes.active & (masks.complete | ~self.sparse) & free),
            ends.eq(block == now.blocks - 1), passes.next.eq(moves & ends),
            masks.address.eq(block), masks.enable.eq(moves & self.sparse),
            weights.mask.eq(Mux(self.sparse, masks.mask, ~C(0, len(masks.mask)))),
        ]
        with m.If(free):
            m.d.sync += self.o.valid.eq(moves)
        with m.If(moves):
            m.d.sync += [weights.word.eq(place), weights.last.eq(ends), block.eq(block + 1),
                         place.eq(place + weight_words(design))]
            with m.If(ends):
                m.d.sync += block.eq(0)
                with m.If(now.last_chunk & now.last_tile):
                    m.d.sync += place.eq(base)
        with m.If(self.run.begin):
            m.d.sync += [place.eq(base), block.eq(0)]
        with m.If(self.run.drop):
            m.d.sync += self.o.valid.eq(0)
        return m
