"""Reads the weights that a job needs."""

from amaranth.hdl import Module, ResetInserter, Signal
from amaranth.lib import wiring

from hw.bus.mask_bursts import MaskBursts
from hw.bus.placer import Placed, Placer
from hw.bus.reader import Reader
from hw.bus.room import room, waiting_blocks
from hw.bus.weight_masks import MaskedWeights
from hw.config import Design
from hw.layouts import element_bytes
from hw.stream.fifo import StreamFifo


__all__ = ["WeightReader"]


class WeightReader(Reader):
    """A reader of weights, block by block, of each of which only the needed parts are read.

    The rest is as in :class:`hw.bus.reader.Reader`; ``runs`` are blocks with their masks.

    Parameters
    ----------
    design : Design
    """

    def __init__(self, design: Design):
        super().__init__(design, element_bytes(design)["weight"], room(design, "weight"))

    def _run(self, design, bits):
        return MaskedWeights(design)

    def elaborate(self, platform):
        m = Module()
        design, drop, forgets = self.design, self.drop, ResetInserter(self.drop)
        bursts, placer = MaskBursts(design), Placer(design)
        waiting = StreamFifo(Placed(design), waiting_blocks(design))
        for name, part in (("bursts", bursts), ("waiting", waiting), ("placer", placer)):
            m.submodules[name] = forgets(part)
        m.submodules.words = words = StreamFifo(design.bus_width, self.room.words)
        both, block = Signal(), self.runs.payload
        m.d.comb += [
            both.eq(bursts.i.ready & waiting.i.ready & ~drop), self.runs.ready.eq(both),
            bursts.i.payload.eq(block), bursts.i.valid.eq(self.runs.valid & both),
            waiting.i.payload.mask.eq(block.mask), waiting.i.payload.last.eq(block.last),
            waiting.i.valid.eq(self.runs.valid & both),
            words.i.payload.eq(self.words.payload), words.i.valid.eq(self.words.valid),
            self.words.ready.eq(1),
            placer.words.payload.eq(words.o.payload), placer.words.valid.eq(words.o.valid),
            words.o.ready.eq(placer.words.ready | drop),
            self.o.payload.eq(placer.o.payload), self.o.valid.eq(placer.o.valid & ~drop),
            placer.o.ready.eq(self.o.ready),
        ]
        self._ask(m, bursts.o, words.o)
        wiring.connect(m, waiting.o, placer.masks)
        return m
