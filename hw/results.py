"""From the rows of the array to the result stream."""

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.array import ResultRow
from hw.buffers import Job
from hw.config import Design
from hw.stream import StreamRegister


__all__ = ["Results"]


class Results(wiring.Component):
    """Passes on the rows that belong to a token of the job and drops the others.

    The last group of a job may have fewer tokens than the array has rows. ``last`` marks the
    last token of a tile of columns. Latency one cycle, one row per cycle; back-pressure holds
    the rows in the array. Reset empties the output register.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(ResultRow(design)))
        Rows of the array.
    o : Out(stream.Signature(ResultRow(design)))
        Tokens of the job; ``last`` on the last token of a tile.
    job : In(Job(design)), begin : In(1)
    group_left : Out(1)
        The last row of a group was taken from the array.
    job_left : Out(1)
        The last result of the job was taken from ``o``, and the array is empty.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design))),
            "o": Out(stream.Signature(ResultRow(design))),
            "job": In(Job(design)),
            "begin": In(1),
            "group_left": Out(1),
            "job_left": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        wiring.connect(m, register.o, wiring.flipped(self.o))

        token = Signal(bits_for(self.design.max_tokens + self.design.rows))
        wanted, tile_ends, take = Signal(), Signal(), Signal()
        m.d.comb += [
            wanted.eq(token < self.job.tokens),
            tile_ends.eq(token + 1 >= self.job.tokens),
            register.i.valid.eq(self.i.valid & wanted),
            register.i.payload.accumulators.eq(self.i.payload.accumulators),
            register.i.payload.last.eq(tile_ends),
            self.i.ready.eq(register.i.ready | ~wanted),
            take.eq(self.i.valid & self.i.ready),
            self.group_left.eq(take & self.i.payload.last),
        ]
        with m.If(take):
            m.d.sync += token.eq(token + 1)
            with m.If(self.i.payload.last & tile_ends):
                m.d.sync += token.eq(0)

        # Rows without a token follow the last token in the chain: the job ends after them.
        dropping, results_taken = Signal(), Signal()
        with m.If(take):
            m.d.sync += dropping.eq((dropping | tile_ends) & ~self.i.payload.last)

        tiles_left = Signal(16)
        tile_left, last_left = Signal(), Signal()
        m.d.comb += [
            tile_left.eq(self.o.valid & self.o.ready & self.o.payload.last),
            last_left.eq(results_taken | (tile_left & (tiles_left == 1))),
            self.job_left.eq(last_left & ~dropping),
        ]
        m.d.sync += results_taken.eq(last_left & dropping)
        with m.If(tile_left):
            m.d.sync += tiles_left.eq(tiles_left - 1)
        with m.If(self.begin):
            m.d.sync += [token.eq(0), tiles_left.eq(self.job.column_tiles)]
        return m
