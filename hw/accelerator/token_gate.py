"""Keeps the tokens of the next job out of the compressor while it is set up for this one."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import VALUE_WIDTH, Design
from hw.job.passes import Job, Passes
from hw.stream.payloads import DenseBlock


__all__ = ["TokenGate"]


class TokenGate(wiring.Component):
    """Lets as many tokens pass as a job has, counted by ``last``; others wait for their job.

    Combinational between the streams. While ``drop`` is high everything passes. Reset closes the
    gate.

    Parameters
    ----------
    design : Design

    Members
    -------
    i, o : In, Out(stream.Signature(DenseBlock(pattern, 8)))
    job : In(Job()), begin : In(1), drop : In(1)
        As in :class:`hw.accelerator.activation_buffer.ActivationBuffer`.
    """

    def __init__(self, design: Design):
        block = DenseBlock(design.pattern, VALUE_WIDTH)
        super().__init__({
            "i": In(stream.Signature(block)), "o": Out(stream.Signature(block)),
            "job": In(Job()), "begin": In(1), "drop": In(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.passes = passes = Passes(self.design, tiles="streamed")
        tokens = Signal(bits_for(self.design.largest_batch))  # of the batch that have passed
        open_, token_ends = Signal(), Signal()
        m.d.comb += [
            open_.eq(passes.active | self.drop),
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & open_), self.i.ready.eq(self.o.ready & open_),
            token_ends.eq(self.i.valid & self.i.ready & self.i.payload.last),
            passes.job.eq(self.job), passes.begin.eq(self.begin), passes.stop.eq(self.drop),
            passes.next.eq(token_ends & (tokens + 1 == passes.now.tokens)),
        ]
        with m.If(token_ends):
            m.d.sync += tokens.eq(tokens + 1)
        with m.If(passes.next | self.begin | self.drop):
            m.d.sync += tokens.eq(0)
        return m
