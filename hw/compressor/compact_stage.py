"""The stages of a compressor behind its mask: kept values, metadata and sums."""

from itertools import accumulate

from amaranth.hdl import C, Module, Mux, signed
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.carry_save import add
from hw.compressor.metadata import IndexEncoder, RankEncoder, rank_parts
from hw.compressor.statistics import BlockSums
from hw.compressor.steps import Steps
from hw.config import Design, Pattern
from hw.gather.gather import Gather, SelectDecoder
from hw.stream.payloads import Block, EncodedBlock, TokenSums, carried
from hw.stream.register import end_stage, fill


__all__ = ["CompactStage", "FinishStage", "StepsStage", "metadata_parts"]


def metadata_parts(design: Design) -> list[int]:
    """Widths of the parts that the metadata consists of until the last stage."""
    return rank_parts(design.pattern) if design.encoding == "rank" else [design.metadata_bits]


def _unfinished(design: Design) -> EncodedBlock:
    return EncodedBlock(design, metadata_bits=sum(metadata_parts(design)), blocks=1)


class CompactStage(wiring.Component):
    """Takes the kept values out of a block, encodes their mask, adds the sums over the block."""

    latency = 1
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design, *carried(design), "mask"))),
            "o": Out(stream.Signature(_unfinished(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        block, design = self.i.payload, self.design
        selects = self._selects(m, "decoder", design.pattern, block.mask)
        parts = {
            "values": self._gather(m, "compactor", design.pattern, selects),
            EncodedBlock.metadata_field(design): self._encode(m, selects),
        }
        if design.complement:
            others = Pattern(design.pattern.m - design.pattern.n, design.pattern.m)
            parts["dropped"] = self._gather(
                m, "complement", others,
                self._selects(m, "complement_decoder", others, ~block.mask))
        if design.statistics:
            m.submodules.sums = sums = BlockSums(design)
            m.d.comb += [sums.values.eq(block.values), sums.mask.eq(block.mask)]
            parts["sums"] = sums.sums
        end_stage(m, self, **parts)
        return m

    def _selects(self, m, name, pattern, mask):
        """One-hot positions of the values that the mask keeps."""
        if pattern.dense:
            return ~C(0, pattern.n)
        m.submodules[name] = decoder = SelectDecoder(pattern)
        m.d.comb += decoder.mask.eq(mask)
        return decoder.selects

    def _gather(self, m, name, pattern, selects):
        """The values that the mask keeps: the gather of a PE, applied to the block itself."""
        if pattern.dense:
            return self.i.payload.values
        m.submodules[name] = gather = Gather(pattern, signed(self.design.selected_number.bits))
        m.d.comb += [gather.selects.eq(selects), gather.values.eq(self.i.payload.values)]
        return gather.gathered

    def _encode(self, m, selects):
        """Metadata of the block."""
        if self.design.encoding == "bitmask":
            return self.i.payload.mask
        kind = IndexEncoder if self.design.encoding == "index" else RankEncoder
        m.submodules.encoder = encoder = kind(self.design.pattern)
        m.d.comb += encoder.selects.eq(selects)
        return encoder.code


class StepsStage(wiring.Component):
    """Splits a block into steps, and adds the sums over the block.

    Latency 2 cycles, one step per cycle, see :class:`hw.compressor.steps.Steps`.
    """

    latency = 2
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design, *carried(design), "mask"))),
            "least": In(range(design.pattern.m + 1)),
            "o": Out(stream.Signature(_unfinished(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, block = self.design, self.i.payload
        whole = {name: shape for name, shape in self.o.payload.shape().members.items()
                 if name in ("eta", "scale", "sums")}
        m.submodules.steps = steps = Steps(design.pattern, design.selected_number.bits, whole,
                                           marks=design.marks_filler)
        parts = {}
        if design.statistics:
            m.submodules.sums = sums = BlockSums(design)
            m.d.comb += [sums.values.eq(block.values), sums.mask.eq(block.mask)]
            parts["sums"] = sums.sums
        fill(m, steps.i.payload, block, **parts)
        fill(m, self.o.payload, steps.o.payload)
        m.d.comb += [
            steps.least.eq(self.least),
            steps.i.valid.eq(self.i.valid), self.i.ready.eq(steps.i.ready),
            self.o.valid.eq(steps.o.valid), steps.o.ready.eq(self.o.ready),
        ]
        return m


class FinishStage(wiring.Component):
    """Adds up the partial sums of a rank, and the sums over the blocks of a token."""

    latency = 1
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(_unfinished(design))),
            "o": Out(stream.Signature(EncodedBlock(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        added = {}
        widths = metadata_parts(self.design)
        if len(widths) > 1:
            ends = list(accumulate(widths))
            parts = [self.i.payload.metadata[end - width:end]
                     for width, end in zip(widths, ends, strict=True)]
            added["metadata"] = add(m, parts, self.design.metadata_bits)
        register = end_stage(m, self, **added)
        if self.design.statistics:
            # The register still holds the block before: its sums go on, unless it was the last.
            before = register.o.payload
            for name in TokenSums(self.design, 1).members:
                m.d.comb += register.i.payload.sums[name].eq(
                    Mux(before.last, 0, before.sums[name]) + self.i.payload.sums[name])
        return m
