"""From the rows of the array to the result stream."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.array.array import ResultRow
from hw.config import Design
from hw.job.passes import Job, Passes
from hw.stream.fifo import StreamFifo


__all__ = ["Results"]


class Results(wiring.Component):
    """Queues the rows that belong to a token of the job and drops the others.

    The last group of a batch may have fewer tokens than the array has rows. ``last`` marks the
    last token of a batch, for every tile of columns.

    The array never waits for this queue: a group of rows is asked for with ``reserve`` before its
    sums end, and may be while ``room`` is high. ``room`` counts the rows that were reserved and
    have not left, and keeps groups so far apart that one has moved out of the array's result
    chain before the next one comes in. Latency two cycles, one row per cycle. Reset empties it.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(ResultRow(design)))
        Rows of the array; always ready.
    o : Out(stream.Signature(ResultRow(design)))
        Tokens of the job.
    job : In(Job()), begin : In(1)
    drop : In(1)
        Forget the job; the rows that are still to come are dropped.
    room : Out(1), reserve : In(1)
        Whether another group may come; a group will come.
    left : In(1)
        A row of ``o`` has left for good.
    empty : Out(1)
        No row is reserved.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design))),
            "o": Out(stream.Signature(ResultRow(design))),
            "job": In(Job()), "begin": In(1), "drop": In(1),
            "room": Out(1), "reserve": In(1), "left": In(1), "empty": Out(1),
        })
        self.design = design
        self.depth = 4 * design.rows

    @property
    def spacing(self) -> int:
        """Cycles from one group to the next: its rows, and the skew of the array's tiles."""
        return self.design.rows + self.design.row_tiles + self.design.column_tiles - 2

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.passes = passes = Passes(design, chunks=False)
        m.submodules.fifo = fifo = StreamFifo(self.i.payload.shape(), self.depth)
        wiring.connect(m, fifo.o, wiring.flipped(self.o))

        token = Signal(bits_for(design.batch_tokens + 2 * design.rows))
        wanted, dropped, tile_ends = Signal(), Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(1),
            wanted.eq((token < passes.now.tokens) & passes.active & ~self.drop),
            dropped.eq(self.i.valid & ~wanted),
            fifo.i.valid.eq(self.i.valid & wanted),
            fifo.i.payload.accumulators.eq(self.i.payload.accumulators),
            fifo.i.payload.last.eq(token + 1 == passes.now.tokens),
            tile_ends.eq(self.i.valid & self.i.payload.last & (token + 1 >= passes.now.tokens)),
            passes.job.eq(self.job), passes.begin.eq(self.begin), passes.stop.eq(self.drop),
            passes.next.eq(tile_ends),
        ]
        with m.If(self.i.valid):
            m.d.sync += token.eq(token + 1)
        with m.If(self.begin | tile_ends):
            m.d.sync += token.eq(0)

        reserved = Signal(range(self.depth + 1))
        apart = Signal(range(self.spacing))  # cycles until the next group may come
        m.d.comb += [
            self.room.eq((reserved <= self.depth - design.rows) & (apart == 0)),
            self.empty.eq(reserved == 0),
        ]
        m.d.sync += reserved.eq(reserved + Mux(self.reserve, design.rows, 0)
                                - dropped - self.left)
        with m.If(self.reserve):
            m.d.sync += apart.eq(self.spacing - 1)
        with m.Elif(apart != 0):
            m.d.sync += apart.eq(apart - 1)
        return m
