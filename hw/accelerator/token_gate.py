"""Keeps the tokens of the next job out of the compressor while it is set up for this one."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import VALUE_WIDTH, Design
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.members import only_if
from hw.stream.payloads import Asked, Block, DenseBlock
from hw.stream.register import fill


__all__ = ["TokenGate"]


class TokenGate(wiring.Component):
    """Lets as many tokens pass as a job has, counted by ``last``; others wait for their job.

    Where the pattern comes at run time, every block is told that of the job. Combinational between
    the streams. While ``drop`` is high everything passes. Reset closes the gate.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, 8)))
    o : Out(stream.Signature(Block(design)))
    run : In(Run())
    asked : In(Asked(pattern, flexible)), only where something is flexible
        The job's pattern; stable while its tokens pass.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(design.pattern, VALUE_WIDTH))),
            "o": Out(stream.Signature(Block(design))),
            "run": In(Run()),
            **only_if(design.flexible != "none", asked=In(Asked(design.pattern, design.flexible))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.passes = passes = Passes(self.design, tiles="streamed")
        wiring.connect(m, wiring.flipped(self.run), passes.run)
        fill(m, self.o.payload, self.i.payload,
             **{"asked": self.asked} if self.design.flexible != "none" else {})
        tokens = Signal(bits_for(self.design.largest_batch))  # of the batch that have passed
        open_, token_ends = Signal(), Signal()
        m.d.comb += [
            open_.eq(passes.active | self.run.drop),
            self.o.valid.eq(self.i.valid & open_), self.i.ready.eq(self.o.ready & open_),
            token_ends.eq(self.i.valid & self.i.ready & self.i.payload.last),
            passes.next.eq(token_ends & (tokens + 1 == passes.now.tokens)),
        ]
        with m.If(token_ends):
            m.d.sync += tokens.eq(tokens + 1)
        with m.If(passes.next | self.run.begin | self.run.drop):
            m.d.sync += tokens.eq(0)
        return m
