"""Stream of dense blocks to stream of compressed blocks."""

from amaranth.hdl import C, Module, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH, Pattern
from hw.gather import Gather, SelectDecoder
from hw.score import Magnitude
from hw.selector import Selected, make_select_stage
from hw.stream import CompressedBlock, DenseBlock, StreamRegister


__all__ = ["Compressor"]


class Compressor(wiring.Component):
    """Keeps the N values of largest magnitude in each block of M.

    Between equal magnitudes the lower feature index wins. Blocks are scored and selected (latency
    and initiation interval are those of the selecting stage), and compacted one cycle later. Under
    back-pressure blocks wait in the stages; none is lost, repeated or reordered. Reset empties
    all stages.

    A dense pattern keeps everything: the same stages without selector and compactor.

    Parameters
    ----------
    pattern : Pattern
    selector : str
        Structure of the selector, one of :data:`hw.config.SELECTORS`.
    stages : int
        Pipeline registers of the radix selector, as :func:`hw.selector.make_select_stage` has them.

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, 8)))
    o : Out(stream.Signature(CompressedBlock(pattern, 8)))
    """

    def __init__(self, pattern: Pattern, selector: str, stages: int = 0):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(pattern, VALUE_WIDTH))),
            "o": Out(stream.Signature(CompressedBlock(pattern, VALUE_WIDTH))),
        })
        self.pattern = pattern
        block = self.i.payload.shape()
        self.selected = (StreamRegister(Selected(block, pattern)) if pattern.dense else
                         make_select_stage(selector, block, pattern, VALUE_WIDTH, stages=stages))

    @property
    def latency(self) -> int:
        """Cycles from a block to its compressed form."""
        return self.selected.latency + 1

    @property
    def interval(self) -> int:
        """Cycles from one block to the next."""
        return self.selected.interval

    def elaborate(self, platform):
        m = Module()
        m.submodules.selected = selected = self.selected
        m.submodules.compressed = compressed = StreamRegister(self.o.payload.shape())

        m.d.comb += [
            selected.i.payload.block.eq(self.i.payload),
            self._score(m, selected.i.payload),
            selected.i.valid.eq(self.i.valid),
            self.i.ready.eq(selected.i.ready),
        ]
        block, mask = selected.o.payload.block, selected.o.payload.mask
        m.d.comb += [
            compressed.i.payload.values.eq(self._compact(m, block.values, mask)),
            compressed.i.payload.mask.eq(mask),
            compressed.i.payload.last.eq(block.last),
            compressed.i.valid.eq(selected.o.valid),
            selected.o.ready.eq(compressed.i.ready),
        ]
        wiring.connect(m, compressed.o, wiring.flipped(self.o))
        return m

    def _score(self, m, payload):
        """Give the selecting stage what it selects by: the scores, or where dense the mask."""
        if self.pattern.dense:
            return payload.mask.eq(~C(0, self.pattern.m))
        m.submodules.magnitude = magnitude = Magnitude(self.pattern)
        m.d.comb += magnitude.values.eq(payload.block.values)
        return payload.scores.eq(magnitude.scores)

    def _compact(self, m, values, mask):
        """Return the values that the mask keeps: the gather applied to the block itself."""
        if self.pattern.dense:
            return values
        m.submodules.decoder = decoder = SelectDecoder(self.pattern)
        m.submodules.compactor = compactor = Gather(self.pattern, signed(VALUE_WIDTH))
        m.d.comb += [
            decoder.mask.eq(mask),
            compactor.selects.eq(decoder.selects),
            compactor.values.eq(values),
        ]
        return compactor.gathered
