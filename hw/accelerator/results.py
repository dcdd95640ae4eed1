"""From the rows of the array to the result stream."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.array.sums import ResultRow
from hw.config import Design
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.fifo import StreamFifo
from hw.stream.register import StreamRegister


__all__ = ["ResultRegister", "ResultRoom", "Results", "queued_rows"]


def queued_rows(design: Design) -> int:
    """Rows of results that wait at most: four groups."""
    return 4 * design.rows


class ResultRoom(wiring.Signature):
    """From the stepper to the queue of the results, so that the array never waits for it.

    Members
    -------
    free : In(1)
        There is room for the rows of another group, and they may come.
    reserve : Out(1)
        A group will come; only while ``free`` is high.
    """

    def __init__(self):
        super().__init__({"free": In(1), "reserve": Out(1)})


class Results(wiring.Component):
    """Queues the rows that belong to a token of the job and drops the others.

    The last group of a batch may have fewer tokens than the array has rows. ``last`` marks the
    last token of a batch, for every tile of columns.

    Room for a group of rows is reserved before its sums end. It is free as long as the rows that
    were reserved and have not left are few enough, and keeps groups so far apart that one has moved
    out of the array's result chain before the next one comes in. Latency two cycles, one row per
    cycle. Reset empties it; after ``drop`` the rows that are still to come are dropped.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(ResultRow(design)))
        Rows of the array; always ready.
    o : Out(stream.Signature(ResultRow(design)))
        Tokens of the job.
    run : In(Run())
    room : In(ResultRoom())
    empty : Out(1)
        No row is reserved.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design))),
            "o": Out(stream.Signature(ResultRow(design))),
            "run": In(Run()), "room": In(ResultRoom()), "empty": Out(1),
        })
        self.design = design
        self.depth = queued_rows(design)

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
        wiring.connect(m, wiring.flipped(self.run), passes.run)

        token = Signal(bits_for(design.batch_tokens + 2 * design.rows))
        wanted, dropped, tile_ends = Signal(), Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(1),
            wanted.eq((token < passes.now.tokens) & passes.active & ~self.run.drop),
            dropped.eq(self.i.valid & ~wanted),
            fifo.i.valid.eq(self.i.valid & wanted),
            fifo.i.payload.accumulators.eq(self.i.payload.accumulators),
            fifo.i.payload.last.eq(token + 1 == passes.now.tokens),
            tile_ends.eq(self.i.valid & self.i.payload.last & (token + 1 >= passes.now.tokens)),
            passes.next.eq(tile_ends),
        ]
        with m.If(self.i.valid):
            m.d.sync += token.eq(token + 1)
        with m.If(self.run.begin | tile_ends):
            m.d.sync += token.eq(0)

        reserved = Signal(range(self.depth + 1))
        apart = Signal(range(self.spacing))  # cycles until the next group may come
        m.d.comb += [
            self.room.free.eq((reserved <= self.depth - design.rows) & (apart == 0)),
            self.empty.eq(reserved == 0),
        ]
        m.d.sync += reserved.eq(reserved + Mux(self.room.reserve, design.rows, 0)
                                - dropped - (self.o.valid & self.o.ready))
        with m.If(self.room.reserve):
            m.d.sync += apart.eq(self.spacing - 1)
        with m.Elif(apart != 0):
            m.d.sync += apart.eq(apart - 1)
        return m


class ResultRegister(wiring.Component):
    """Registers what leaves. Latency one cycle, one row per cycle; reset empties it.

    ``drop`` takes and forgets the rows of an aborted job, but for the one that is already on offer:
    AXI4-Stream does not let it be withdrawn.

    ``last`` stays where it is, on the last token of a batch for every tile of columns, or is left
    on the last one of the job, as the design's ``packets`` say.

    Parameters
    ----------
    design : Design

    Members
    -------
    i, o : In, Out(stream.Signature(ResultRow(design)))
    run : In(Run())
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design))),
            "o": Out(stream.Signature(ResultRow(design))),
            "run": In(Run()),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.i.payload.shape())
        wiring.connect(m, register.o, wiring.flipped(self.o))
        last = self.i.payload.last
        if self.design.packets == "job":
            m.submodules.passes = passes = Passes(self.design, chunks=False)
            wiring.connect(m, wiring.flipped(self.run), passes.run)
            m.d.comb += passes.next.eq(self.i.valid & self.i.ready & last)
            last = last & passes.now.last_tile & passes.now.last_batch
        m.d.comb += [
            register.i.payload.accumulators.eq(self.i.payload.accumulators),
            register.i.payload.last.eq(last),
            register.i.valid.eq(self.i.valid & ~self.run.drop),
            self.i.ready.eq(register.i.ready | self.run.drop),
        ]
        return m
