"""Stream of compressed blocks to stream of dense blocks."""

from functools import reduce
from operator import or_

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH, Pattern
from hw.gather import SelectDecoder
from hw.stream import CompressedBlock, DenseBlock, StreamRegister


__all__ = ["Decompressed", "Decompressor"]


class Decompressed(data.StructLayout):
    """A dense block, zero where no value was kept.

    Fields
    ------
    block : DenseBlock
    illegal : unsigned(1)
        The bitmask did not have exactly N bits set; every value of the block is zero.
    """

    def __init__(self, pattern: Pattern):
        super().__init__({"block": DenseBlock(pattern, VALUE_WIDTH), "illegal": 1})


class Decompressor(wiring.Component):
    """Puts the N kept values of each block back to their places; the others are zero.

    A bitmask that no block can have (popcount other than N) gives a block of zeros that is
    flagged ``illegal``. Latency 1 cycle, one block per cycle, back-pressure and reset as in
    :class:`hw.stream.StreamRegister`.

    Parameters
    ----------
    pattern : Pattern

    Members
    -------
    i : In(stream.Signature(CompressedBlock(pattern, 8)))
    o : Out(stream.Signature(Decompressed(pattern)))
    """

    latency = 1
    interval = 1

    def __init__(self, pattern: Pattern):
        super().__init__({
            "i": In(stream.Signature(CompressedBlock(pattern, VALUE_WIDTH))),
            "o": Out(stream.Signature(Decompressed(pattern))),
        })
        self.pattern = pattern

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        compressed, opened = self.i.payload, register.i.payload

        legal = Signal()
        m.d.comb += [
            legal.eq(sum(compressed.mask) == self.pattern.n),
            opened.illegal.eq(~legal),
            opened.block.last.eq(compressed.last),
        ]
        for k, value in enumerate(self._scatter(m, compressed)):
            m.d.comb += opened.block.values[k].eq(Mux(legal, value, 0))
        m.d.comb += [register.i.valid.eq(self.i.valid), self.i.ready.eq(register.i.ready)]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _scatter(self, m, compressed):
        """Values by position: the gather read the other way round."""
        pattern = self.pattern
        if pattern.dense:
            return list(compressed.values)
        m.submodules.decoder = decoder = SelectDecoder(pattern)
        m.d.comb += decoder.mask.eq(compressed.mask)
        return [
            reduce(or_, (Mux(decoder.selects[lane][k - lane], compressed.values[lane], 0)
                         for lane in range(pattern.n) if 0 <= k - lane < pattern.span))
            for k in range(pattern.m)
        ]
