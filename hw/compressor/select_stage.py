"""The stage of a compressor that finds out what to keep."""

from amaranth.hdl import C, Module, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.compressor.score import Score
from hw.config import Design
from hw.selector import make_select_stage
from hw.stream.members import only_if
from hw.stream.payloads import Block, carried
from hw.stream.register import end_stage, fill


__all__ = ["SelectStage"]


class SelectStage(wiring.Component):
    """Adds the mask to a block; scores the values itself if they are not ``scored``.

    Latency and initiation interval are those of the selector. With a ``threshold`` other than 0
    the mask is that of all scores that reach it; the selector's is not used.
    """

    def __init__(self, design: Design, *, scored: bool):
        scores = ("scores",) if scored else ()
        selected = Block(design, *carried(design), "mask")
        passing = data.StructLayout({
            **{name: shape for name, shape in selected.members.items() if name != "mask"},
            **only_if(design.unstructured, reached=design.pattern.m),
        })
        super().__init__({
            "i": In(stream.Signature(Block(design, *carried(design), *scores))),
            "o": Out(stream.Signature(selected)),
            **only_if(design.unstructured, threshold=In(design.score_width)),
        })
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
        m.submodules.score = score = Score(self.design.pattern, self.design.selected_number)
        m.d.comb += score.values.eq(self.i.payload.values)
        return score.scores
