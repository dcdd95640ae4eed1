"""Lets the tokens of a job into the compressor, once it is set up for them."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import Design
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.framer import Framer
from hw.stream.members import only_if
from hw.stream.payloads import Asked, Block, DenseBlock
from hw.stream.register import fill


__all__ = ["TokenGate"]


class TokenGate(wiring.Component):
    """Lets as many tokens pass as a job has, each of as many blocks; others wait for their job.

    A token with a misplaced ``last`` is handled by :class:`hw.stream.framer.Framer`: the compressor
    sees whole tokens only, with zeros for blocks that did not come. Where the pattern comes at run
    time, every block is told that of the job. Combinational between the streams; ``i.ready``
    follows no valid. While ``drop`` is high everything is taken and dropped. Reset closes the gate.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(DenseBlock(pattern, bits)))
    o : Out(stream.Signature(Block(design)))
    run : In(Run())
    asked : In(Asked(pattern, flexible)), only where something is flexible
        The job's pattern; stable while its tokens pass.
    wait : In(1)
        What the tokens need is not there yet.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a token's last block.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(DenseBlock(design.pattern, design.number.bits))),
            "o": Out(stream.Signature(Block(design))),
            "run": In(Run()), "wait": In(1), "tlast_error": Out(1),
            **only_if(design.flexible != "none", asked=In(Asked(design.pattern, design.flexible))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.passes = passes = Passes(self.design, tiles="streamed")
        wiring.connect(m, wiring.flipped(self.run), passes.run)
        m.submodules.framer = framer = Framer(self.design.max_blocks)
        values = Value.cast(self.i.payload.values)
        fill(m, self.o.payload, self.i.payload,
             values=Mux(framer.missing, 0, values), last=framer.at_end,
             **{"asked": self.asked} if self.design.flexible != "none" else {})
        tokens = Signal(bits_for(self.design.largest_batch))  # of the batch that have passed
        open_ = Signal()
        m.d.comb += [
            open_.eq(passes.active & ~self.wait),
            framer.valid.eq(self.i.valid), framer.last.eq(self.i.payload.last),
            framer.enable.eq(open_ & self.o.ready), framer.blocks.eq(passes.now.blocks),
            framer.drop.eq(self.run.drop),
            self.o.valid.eq(open_ & framer.offers), self.i.ready.eq(framer.ready),
            self.tlast_error.eq(framer.error),
            passes.next.eq(framer.ends & (tokens + 1 == passes.now.tokens)),
        ]
        with m.If(framer.ends):
            m.d.sync += tokens.eq(tokens + 1)
        with m.If(passes.next | self.run.begin | self.run.drop):
            m.d.sync += tokens.eq(0)
        return m
