"""Stream of dense blocks to stream of compressed blocks."""

from dataclasses import replace
from typing import Any

from amaranth.hdl import Module, signed
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out

from hw.compressor.channel import ChannelBeat, ChannelStage
from hw.compressor.compact_stage import CompactStage, FinishStage, StepsStage, metadata_parts
from hw.compressor.nvfp4 import NvquantizeStage
from hw.compressor.quantizer import ConvertStage, QuantizeStage
from hw.compressor.score import ScoreStage
from hw.compressor.select_stage import SelectStage
from hw.compressor.token_shift import MeanStage, MedianStage
from hw.config import Design
from hw.stream.members import only_if
from hw.stream.payloads import Block, EncodedBlock, carried
from hw.stream.register import chain


__all__ = ["Compressor", "CompressorSettings", "KeptMasks"]


class CompressorSettings(wiring.Signature):
    """What is set for the compressor; it may change while no token is inside.

    Members
    -------
    shift : Out(signed(bits))
        With a scalar shift.
    least : Out(range(m + 1))
        With a pattern at run time: steps of every block at least.
    threshold : Out(score_width)
        In an unstructured design: 0, or the least score of the values to keep, whatever their
        number, in place of a pattern.
    tensor : Out(16)
        With NVFP4: scale of the tensor, in bf16.
    """

    def __init__(self, design: Design):
        super().__init__({
            **only_if(design.shift == "scalar", shift=Out(signed(design.number.bits))),
            **only_if(design.flexible != "none", least=Out(range(design.pattern.m + 1))),
            **only_if(design.unstructured, threshold=Out(design.score_width)),
            **only_if(design.tensor_scaled, tensor=Out(16)),
        })


class KeptMasks(wiring.Signature):
    """What is kept of the blocks of a job's tokens: to whoever brings weights for them.

    Nobody answers; the masks of a token come in the order of its blocks, before the blocks leave.

    Members
    -------
    valid : Out(1)
        High for a cycle for one block.
    mask : Out(m)
        Bit ``j`` is set where value ``j`` is kept: of a pattern or threshold of the job, however
        many steps of the array that is.
    """

    def __init__(self, design: Design):
        super().__init__({"valid": Out(1), "mask": Out(design.pattern.m)})


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
      zeros, see :class:`hw.compressor.steps.Steps`; the design's N is what the array has lanes for;
    * ``finish``, with statistics or a rank of more than 8 values: adds these up;
    * ``quantize``, where that is asked for: kept values of bf16 or fp16 to elements, with their
      scale in block formats; three cycles with NVFP4, five where blocks share a scale. With
      selection after quantisation it comes first, and takes all values.

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
        With parameters by channel; see :class:`hw.compressor.channel.ChannelStage`.
    settings : In(CompressorSettings(design))
    o : Out(stream.Signature(EncodedBlock(design)))
        Without options the same as ``CompressedBlock(pattern, bits)``.
    kept : Out(KeptMasks(design))
        With ``decode``.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design))),
            **only_if(design.channel_bits, i_coef=In(stream.Signature(ChannelBeat(design)))),
            "settings": In(CompressorSettings(design)),
            "o": Out(stream.Signature(EncodedBlock(design))),
            **only_if(design.decode, kept=Out(KeptMasks(design))),
        })
        self.design = design
        self.stages = _stages(design)

    @property
    def latency(self) -> int:
        """Cycles from a dense block to its compressed block.

        With a dynamic shift, or a scale for several blocks: from the only block of a token.
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
            m.d.comb += self.stages["score"].shift.eq(self.settings.shift)
        if self.design.flexible != "none":
            m.d.comb += self.stages["steps"].least.eq(self.settings.least)
        if self.design.unstructured:
            m.d.comb += self.stages["select"].threshold.eq(self.settings.threshold)
        if self.design.decode:
            masked = self.stages["select"].o
            m.d.comb += [self.kept.valid.eq(masked.valid & masked.ready),
                         self.kept.mask.eq(masked.payload.mask)]
        if self.design.tensor_scaled:
            m.d.comb += self.stages["quantize"].tensor.eq(self.settings.tensor)
        return m


def _stages(design: Design) -> dict[str, Any]:
    """Stages that a design needs, in the order of the stream."""
    if design.selects_elements:
        return {**_quantizing(design, Block(design), Block(design, *carried(design))),
                **_selecting(design)}
    plain = replace(design, quantize="none")
    return {**_selecting(plain),
            **_quantizing(design, EncodedBlock(plain), EncodedBlock(design))}


def _quantizing(design: Design, before: StructLayout, after: StructLayout) -> dict[str, Any]:
    """The stage of quantisation, if there is one."""
    if design.quantize == "none":
        return {}
    if design.tensor_scaled:
        return {"quantize": NvquantizeStage(before, after, design.shared_blocks)}
    if design.quantized:
        return {"quantize": QuantizeStage(before, after, design.quantized, design.number)}
    marked = design.marks_filler and not design.selects_elements
    return {"quantize": ConvertStage(before, after, design.kept_number, design.number, marked)}


def _selecting(design: Design) -> dict[str, Any]:
    """All stages but that of quantisation."""
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
