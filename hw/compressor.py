"""Stream of dense blocks to stream of compressed blocks."""

from typing import Any

from amaranth.hdl import C, Module, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design
from hw.gather import Gather, SelectDecoder
from hw.metadata import IndexEncoder, RankEncoder, rank_parts
from hw.score import Score
from hw.selector import make_selector
from hw.stream import DenseBlock, EncodedBlock, StreamRegister, chain


__all__ = ["Compressor"]


class Selected(data.StructLayout):
    """A dense block on its way through the compressor, with its bitmask."""

    def __init__(self, design: Design):
        super().__init__({"block": DenseBlock(design.pattern, design.number.bits),
                          "mask": design.pattern.m})


class Compressor(wiring.Component):
    """Keeps the N values of largest magnitude in each block of M.

    Between equal magnitudes the lower feature index wins. A row of stages: score and select,
    compact and encode; a rank of more than 8 values takes a third one to be added up. Each stage
    takes one cycle and one block per cycle. Under back-pressure blocks wait in the stages; none is
    lost, repeated or reordered. Reset empties all stages.

    A dense pattern keeps everything: the same stages without selector and compactor.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, bits)))
    o : Out(stream.Signature(EncodedBlock(design)))
        With the encoding ``bitmask`` the same as ``CompressedBlock(pattern, bits)``.
    """

    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(design.pattern, design.number.bits))),
            "o": Out(stream.Signature(EncodedBlock(design))),
        })
        self.design = design
        compact = CompactStage(design)
        self.stages: dict[str, Any] = {"select": SelectStage(design), "compact": compact}
        if compact.parts > 1:
            self.stages["add"] = AddStage(design)

    @property
    def latency(self) -> int:
        """Cycles from a dense block to its compressed block."""
        return sum(stage.latency for stage in self.stages.values())

    def elaborate(self, platform):
        m = Module()
        chain(m, self, self.stages)
        return m


class SelectStage(wiring.Component):
    """Adds the mask to a block. Latency one cycle."""

    latency = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(design.pattern, design.number.bits))),
            "o": Out(stream.Signature(Selected(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        m.d.comb += [
            register.i.payload.block.eq(self.i.payload),
            register.i.payload.mask.eq(self._mask(m, self.i.payload.values)),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _mask(self, m, values):
        """Bitmask of the values to keep."""
        design = self.design
        if design.pattern.dense:
            return ~C(0, design.pattern.m)
        m.submodules.score = score = Score(design.pattern, design.number)
        m.submodules.selector = selector = make_selector(design.selector, design.pattern,
                                                         design.score_width)
        m.d.comb += [score.values.eq(values), selector.scores.eq(score.scores)]
        return selector.mask


class CompactStage(wiring.Component):
    """Takes the kept values out of a block and encodes their mask. Latency one cycle."""

    latency = 1

    def __init__(self, design: Design):
        self.parts = rank_parts(design.pattern) if design.encoding == "rank" else 1
        super().__init__({
            "i": In(stream.Signature(Selected(design))),
            "o": Out(stream.Signature(EncodedBlock(design, self.parts))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        block, mask = self.i.payload.block, self.i.payload.mask
        compressed = register.i.payload
        field = EncodedBlock.metadata_field(self.design)
        selects = self._selects(m, mask)
        m.d.comb += [
            compressed.values.eq(self._compact(m, block.values, selects)),
            compressed[field].eq(self._encode(m, mask, selects)),
            compressed.last.eq(block.last),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _selects(self, m, mask):
        """One-hot positions of the kept values."""
        if self.design.pattern.dense:
            return ~C(0, self.design.pattern.n)
        m.submodules.decoder = decoder = SelectDecoder(self.design.pattern)
        m.d.comb += decoder.mask.eq(mask)
        return decoder.selects

    def _compact(self, m, values, selects):
        """Return the values that the mask keeps: the gather applied to the block itself."""
        if self.design.pattern.dense:
            return values
        m.submodules.compactor = compactor = Gather(self.design.pattern,
                                                    signed(self.design.number.bits))
        m.d.comb += [compactor.selects.eq(selects), compactor.values.eq(values)]
        return compactor.gathered

    def _encode(self, m, mask, selects):
        """Metadata of the block."""
        if self.design.encoding == "bitmask":
            return mask
        if self.design.encoding == "index":
            m.submodules.encoder = encoder = IndexEncoder(self.design.pattern)
            metadata = encoder.indices
        else:
            m.submodules.encoder = encoder = RankEncoder(self.design.pattern)
            metadata = encoder.parts
        m.d.comb += encoder.selects.eq(selects)
        return metadata


class AddStage(wiring.Component):
    """Adds the partial sums of a rank. Latency one cycle."""

    latency = 1

    def __init__(self, design: Design):
        self.parts = rank_parts(design.pattern)
        super().__init__({
            "i": In(stream.Signature(EncodedBlock(design, self.parts))),
            "o": Out(stream.Signature(EncodedBlock(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        bits = self.design.metadata_bits
        parts = [self.i.payload.metadata.word_select(k, bits) for k in range(self.parts)]
        for name in self.o.payload.shape().members:
            if name != "metadata":
                m.d.comb += Value.cast(register.i.payload[name]).eq(self.i.payload[name])
        m.d.comb += [
            register.i.payload.metadata.eq((parts[0] + parts[1]) + (parts[2] + parts[3])),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m
