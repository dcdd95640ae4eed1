"""What happens to the rows of the array after the last block."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array.sums import ResultRow
from hw.config import Design
from hw.epilogue.collect import collect_rows, feed_columns
from hw.epilogue.corrections import Corrections
from hw.epilogue.lane import Lane
from hw.epilogue.terms import ChannelTerms, TokenTerms, row_sum_shape
from hw.fixed_point import Output
from hw.job.job import Run


__all__ = ["ChannelBeat", "Epilogue", "RowSums"]


class ChannelBeat(data.StructLayout):
    """Terms of all columns of a tile; ``last`` marks those of the job's last tile."""

    def __init__(self, design: Design):
        super().__init__({"columns": data.ArrayLayout(ChannelTerms(), design.columns), "last": 1})


class RowSums(data.StructLayout):
    """Sums of the weights of all columns of a tile."""

    def __init__(self, design: Design):
        super().__init__({"columns": data.ArrayLayout(row_sum_shape(design), design.columns)})


class Epilogue(wiring.Component):
    """Corrects, scales and rounds the rows of the array, ``epilogue_lanes`` columns per cycle.

    A row takes ``steps`` cycles, and leaves ``latency`` cycles after the last of them was taken;
    raw rows pass at once. Back-pressure stops the lanes. Reset and ``drop`` forget all rows.

    Parameters
    ----------
    design : Design

    Members
    -------
    i, o : In, Out(stream.Signature(ResultRow(design)))
    run : In(Run())
    corrections : In(Corrections())
    i_token : In(stream.Signature(TokenTerms()))
        Terms of each row's token; raw rows take none.
    i_row_sums : In(stream.Signature(RowSums(design)))
        Of each tile, taken with its last row; raw rows take none.
    i_channel : In(stream.Signature(ChannelBeat(design)))
        Likewise, by rows that are scaled alone: int8 and floats.
    idle : Out(1)
        No row is inside.
    """

    latency = Lane.latency + 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design))),
            "o": Out(stream.Signature(ResultRow(design))),
            "run": In(Run()), "corrections": In(Corrections()),
            "i_token": In(stream.Signature(TokenTerms())),
            "i_row_sums": In(stream.Signature(RowSums(design))),
            "i_channel": In(stream.Signature(ChannelBeat(design))),
            "idle": Out(1),
        })
        self.design = design

    @property
    def steps(self) -> int:
        """Cycles that a row takes."""
        return self.design.row_steps

    def elaborate(self, platform):
        m = Module()
        drop, output = self.run.drop, self.corrections.output
        raw, scaled, feed, row_ends = Signal(), Signal(), Signal(), Signal()
        lanes = self._feed(m, raw, scaled, feed, row_ends)
        row, full, collect = collect_rows(m, self, lanes)
        inside = Signal(range(Lane.latency + 1))  # in each lane
        m.d.sync += inside.eq(inside + feed - collect)
        m.d.comb += [
            raw.eq(output == Output.RAW), scaled.eq(output >= Output.INT8),
            self.o.valid.eq(~drop & Mux(raw, self.i.valid, full)),
            self.o.payload.eq(Mux(raw, self.i.payload, row)),
            self.i.ready.eq(drop | Mux(raw, self.o.ready, feed & row_ends)),
            self.i_token.ready.eq(feed & row_ends),
            self.i_row_sums.ready.eq(feed & row_ends & self.i.payload.last),
            self.i_channel.ready.eq(feed & row_ends & self.i.payload.last & scaled),
            self.idle.eq((inside == 0) & ~full),
        ]
        return m

    def _feed(self, m, raw, scaled, feed, row_ends):
        """Give the columns of a row to the lanes, with all that belongs to them."""
        lanes = [Lane(self.design) for _ in range(self.design.epilogue_lanes)]
        m.d.comb += feed.eq(self.i.valid & ~raw & ~self.run.drop & self.i_token.valid
                            & self.i_row_sums.valid & lanes[0].i.ready
                            & (~scaled | self.i_channel.valid))
        feed_columns(m, self, lanes, feed, row_ends, lambda given, column: [
            given.accumulator.eq(self.i.payload.accumulators[column]),
            given.row_sum.eq(self.i_row_sums.payload.columns[column]),
            given.channel.eq(self.i_channel.payload.columns[column])])
        for lane in lanes:
            m.d.comb += [lane.i.payload.token.eq(self.i_token.payload),
                         lane.output.eq(self.corrections.output),
                         lane.exponent.eq(self.corrections.exponent)]
        return lanes
