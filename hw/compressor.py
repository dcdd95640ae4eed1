"""Stream of dense blocks to stream of compressed blocks."""

from itertools import accumulate
from typing import Any

from amaranth.hdl import C, Module, Mux, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.carry_save import add
from hw.channel import ChannelBeat, ChannelStage
from hw.config import Design, Pattern
from hw.gather import Gather, SelectDecoder
from hw.metadata import IndexEncoder, RankEncoder, rank_parts
from hw.score import Score, ScoreStage
from hw.selector import make_select_stage
from hw.statistics import BlockSums
from hw.steps import Steps
from hw.stream import Block, EncodedBlock, TokenSums, chain, end_stage, fill
from hw.token_shift import MeanStage, MedianStage


__all__ = ["Compressor"]


class Compressor(wiring.Component):
    """Keeps the N values of largest score in each block of M; between equal ones the lower index.

    A row of stages, with a latency of one cycle and one block per cycle unless they say otherwise:

    * ``token``, with a dynamic shift: holds a token back until its mean or median is known;
    * ``channel``, with coefficients or a shift by channel: adds the parameters of the channels;
    * ``score``, with any of these: ``z = x - shift``, saturated, and ``|z| * c``;
    * ``select``: the mask; without the stages above also the score, ``|x|``; as many cycles as
      :func:`hw.selector.make_select_stage` takes;
    * ``compact``: kept values and metadata, and the sums over the block;
    * ``steps``, in place of ``compact`` where the pattern is asked for at run time: N kept values a
      cycle, in two cycles. A block leaves in as many blocks of N:M as it takes, filled up with
      zeros, see :class:`hw.steps.Steps`; the design's N is what the array has lanes for;
    * ``finish``, with statistics or a rank of more than 8 values: adds these up.

    Under back-pressure blocks wait in the stages; none is lost, repeated or reordered. Reset
    empties all stages. A dense pattern that is fixed keeps everything, without selector and
    compactor.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, bits)))
        With a pattern at run time also ``asked``, which may differ from block to block.
    i_coef : In(stream.Signature(ChannelBeat(design)))
        With parameters by channel; see :class:`hw.channel.ChannelStage`.
    shift : In(signed(bits))
        With a scalar shift: static, may change while no token is inside.
    least : In(range(m + 1))
        With a pattern at run time: steps of every block at least, static likewise.
    threshold : In(score_width)
        In an unstructured design: 0, or the least score of the values to keep, whatever their
        number, in place of a pattern; static likewise.
    o : Out(stream.Signature(EncodedBlock(design)))
        Without options the same as ``CompressedBlock(pattern, bits)``.
    """

    def __init__(self, design: Design):
        members = {
            "i": In(stream.Signature(Block(design))),
            "i_coef": In(stream.Signature(ChannelBeat(design))),
            "shift": In(signed(design.number.bits)),
            "least": In(range(design.pattern.m + 1)),
            "threshold": In(design.score_width),
            "o": Out(stream.Signature(EncodedBlock(design))),
        }
        if not design.unstructured:
            del members["threshold"]
        if not design.channel_bits:
            del members["i_coef"]
        if design.shift != "scalar":
            del members["shift"]
        if design.flexible == "none":
            del members["least"]
        super().__init__(members)
        self.design = design
        self.stages = _stages(design)

    @property
    def latency(self) -> int:
        """Cycles from a dense block to its compressed block.

        With a dynamic shift: from the only block of a token.
        """
        return sum(stage.latency for stage in self.stages.values())

    @property
    def interval(self) -> int:
        """Cycles from one block to the next; a block of more steps takes as many as these."""
        return max(stage.interval for stage in self.stages.values())

    def elaborate(self, platform):
        m = Module()
        chain(m, self, self.stages)
        if self.design.channel_bits:
            wiring.connect(m, wiring.flipped(self.i_coef), self.stages["channel"].i_coef)
        if self.design.shift == "scalar":
            m.d.comb += self.stages["score"].shift.eq(self.shift)
        if self.design.flexible != "none":
            m.d.comb += self.stages["steps"].least.eq(self.least)
        if self.design.unstructured:
            m.d.comb += self.stages["select"].threshold.eq(self.threshold)
        return m


def _stages(design: Design) -> dict[str, Any]:
    """Stages that a design needs, in the order of the stream."""
    stages: dict[str, Any] = {}
    if design.dynamic_shift:
        stages["token"] = (MeanStage if design.shift == "mean" else MedianStage)(design)
    if design.channel_bits:
        stages["channel"] = ChannelStage(design)
    if design.channel_bits or design.shift != "none":
        stages["score"] = ScoreStage(design)
    stages["select"] = SelectStage(design, scored="score" in stages)
    if design.flexible == "none":
        stages["compact"] = CompactStage(design)
    else:
        stages["steps"] = StepsStage(design)
    if len(metadata_parts(design)) > 1 or design.statistics:
        stages["finish"] = FinishStage(design)
    return stages


def metadata_parts(design: Design) -> list[int]:
    """Widths of the parts that the metadata consists of until the last stage."""
    return rank_parts(design.pattern) if design.encoding == "rank" else [design.metadata_bits]


def _unfinished(design: Design) -> EncodedBlock:
    return EncodedBlock(design, metadata_bits=sum(metadata_parts(design)), blocks=1)


def _eta(design: Design) -> tuple[str, ...]:
    return ("eta",) if design.dynamic_shift else ()


class SelectStage(wiring.Component):
    """Adds the mask to a block; scores the values itself if they are not ``scored``.

    Latency and initiation interval are those of the selector. With a ``threshold`` other than 0
    the mask is that of all scores that reach it; the selector's is not used.
    """

    def __init__(self, design: Design, *, scored: bool):
        scores = ("scores",) if scored else ()
        selected = Block(design, *_eta(design), "mask")
        passing = data.StructLayout({name: shape for name, shape in selected.members.items()
                                     if name != "mask"})
        members = {
            "i": In(stream.Signature(Block(design, *_eta(design), *scores))),
            "o": Out(stream.Signature(selected)),
        }
        if design.unstructured:
            passing = data.StructLayout(passing.members | {"reached": design.pattern.m})
            members["threshold"] = In(design.score_width)
        super().__init__(members)
        self.design = design
        self.scored = scored
        self.selector = None
        if design.flexible != "none" or not design.pattern.dense:
            self.selector = make_select_stage(
                design.selector, passing, design.pattern, design.score_width,
                stages=design.stages, flexible=design.flexible)

    @property
    def latency(self) -> int:
        """Cycles from a block to its mask."""
        return self.selector.latency if self.selector else 1

    @property
    def interval(self) -> int:
        """Cycles from one block to the next."""
        return self.selector.interval if self.selector else 1

    def elaborate(self, platform):
        m = Module()
        design, selector = self.design, self.selector
        if selector is None:
            end_stage(m, self, mask=~C(0, design.pattern.m))
            return m
        m.submodules.selector = selector
        sink, source = selector.i, selector.o
        scores, reached, mask = self._scores(m), {}, source.payload.mask
        if design.unstructured:
            reached["reached"] = [scores[k] >= self.threshold for k in range(design.pattern.m)]
            mask = Mux(self.threshold == 0, mask, source.payload.block.reached)
        fill(m, sink.payload.block, self.i.payload, **reached)
        fill(m, self.o.payload, source.payload.block, mask=mask)
        m.d.comb += [
            sink.payload.scores.eq(scores),
            sink.valid.eq(self.i.valid),
            self.i.ready.eq(sink.ready),
            self.o.valid.eq(source.valid),
            source.ready.eq(self.o.ready),
        ]
        if design.flexible != "none":
            m.d.comb += sink.payload.pattern.eq(self.i.payload.asked)
        return m

    def _scores(self, m):
        """What the values are selected by."""
        if self.scored:
            return self.i.payload.scores
        m.submodules.score = score = Score(self.design.pattern, self.design.number)
        m.d.comb += score.values.eq(self.i.payload.values)
        return score.scores


class CompactStage(wiring.Component):
    """Takes the kept values out of a block, encodes their mask, adds the sums over the block."""

    latency = 1
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design, *_eta(design), "mask"))),
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
        m.submodules[name] = gather = Gather(pattern, signed(self.design.number.bits))
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

    Latency 2 cycles, one step per cycle, see :class:`hw.steps.Steps`.
    """

    latency = 2
    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design, *_eta(design), "mask"))),
            "least": In(range(design.pattern.m + 1)),
            "o": Out(stream.Signature(_unfinished(design))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, block = self.design, self.i.payload
        whole = {name: shape for name, shape in self.o.payload.shape().members.items()
                 if name in ("eta", "sums")}
        m.submodules.steps = steps = Steps(design.pattern, design.number.bits, whole)
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
