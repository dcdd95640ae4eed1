"""Stream of dense blocks to stream of compressed blocks."""

from amaranth.hdl import C, Module, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH, Pattern
from hw.gather import Gather, SelectDecoder
from hw.score import Magnitude
from hw.selector import make_selector
from hw.stream import CompressedBlock, DenseBlock, StreamRegister


__all__ = ["Compressor"]


class Selected(data.StructLayout):
    """A dense block on its way through the compressor, with its bitmask."""

    def __init__(self, pattern: Pattern):
        super().__init__({"block": DenseBlock(pattern, VALUE_WIDTH), "mask": pattern.m})


class Compressor(wiring.Component):
    """Keeps the N values of largest magnitude in each block of M.

    Between equal magnitudes the lower feature index wins. The first stage scores and selects,
    the second one compacts. Latency 2 cycles, one block per cycle. Under back-pressure blocks
    wait in the two stages; none is lost, repeated or reordered. Reset empties both stages.

    A dense pattern keeps everything: the same stages without selector and compactor.

    Parameters
    ----------
    pattern : Pattern
    selector : str
        Structure of the selector, one of :data:`hw.config.SELECTORS`.

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, 8)))
    o : Out(stream.Signature(CompressedBlock(pattern, 8)))
    """

    latency = 2
    interval = 1

    def __init__(self, pattern: Pattern, selector: str):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(pattern, VALUE_WIDTH))),
            "o": Out(stream.Signature(CompressedBlock(pattern, VALUE_WIDTH))),
        })
        self.pattern = pattern
        self.selector = selector

    def elaborate(self, platform):
        m = Module()
        m.submodules.selected = selected = StreamRegister(Selected(self.pattern))
        m.submodules.compressed = compressed = StreamRegister(self.o.payload.shape())

        m.d.comb += [
            selected.i.payload.block.eq(self.i.payload),
            selected.i.payload.mask.eq(self._mask(m, self.i.payload.values)),
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

    def _mask(self, m, values):
        """Bitmask of the values to keep."""
        if self.pattern.dense:
            return ~C(0, self.pattern.m)
        m.submodules.magnitude = magnitude = Magnitude(self.pattern)
        m.submodules.selector = selector = make_selector(self.selector, self.pattern, VALUE_WIDTH)
        m.d.comb += [magnitude.values.eq(values), selector.scores.eq(magnitude.scores)]
        return selector.mask

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
