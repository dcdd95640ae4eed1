"""Bias and activation function of rows in bf16 or fp16."""

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array.sums import ResultRow
from hw.config import Design
from hw.epilogue.collect import collect_rows, feed_columns
from hw.epilogue.float_lane import FloatLane, lane_stages
from hw.job.job import Run
from hw.job.packet import JobPacket
from hw.job.passes import Passes
from hw.stream.members import only_if


__all__ = ["BiasBeat", "Finish", "FloatEpilogue", "ScaledTerms"]


class ScaledTerms(data.StructLayout):
    """Scale and bias of an output, in the format of results."""

    def __init__(self, design: Design):
        super().__init__({"scale": design.result_bits, "bias": design.result_bits})


class BiasBeat(data.StructLayout):
    """Biases of all columns of a tile, in the format of results, or :class:`ScaledTerms`.

    ``last`` marks those of the job's last tile.
    """

    def __init__(self, design: Design):
        terms = ScaledTerms(design) if design.scales_outputs else design.result_bits
        super().__init__({"columns": data.ArrayLayout(terms, design.columns), "last": 1})


class Finish(wiring.Signature):
    """From the controller to the epilogue: what software wants of the results of a job.

    Members
    -------
    bias : Out(1)
        Results have a bias, which the job brings; else they pass as they are.
    active : Out(1), with an activation function
        It follows the bias.
    """

    def __init__(self, design: Design):
        super().__init__({"bias": Out(1), **only_if(design.activation != "none", active=Out(1))})


class FloatEpilogue(wiring.Component):
    """Adds biases and applies a function to the rows of the array, some columns per cycle.

    Where outputs have scales, sums are multiplied by them first, and every row has its terms. A row
    takes ``steps`` cycles, and leaves ``latency`` cycles after the last of them was taken; rows
    without a bias pass at once. Back-pressure stops the lanes. Reset and ``drop`` forget all
    rows.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(ResultRow(design.summing)))
    o : Out(stream.Signature(ResultRow(design)))
    run : In(Run())
    finish : In(Finish(design))
    i_bias : In(stream.Signature(BiasBeat(design)))
        A packet for a job with biases, whose beat of each tile is used with all of its rows.
    tlast_error : Out(1)
        High for a cycle when ``last`` of that packet was early or late.
    idle : Out(1)
        No row is inside.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(ResultRow(design.summing))),
            "o": Out(stream.Signature(ResultRow(design))),
            "run": In(Run()), "finish": In(Finish(design)),
            "i_bias": In(stream.Signature(BiasBeat(design))),
            "tlast_error": Out(1), "idle": Out(1),
        })
        self.design = design

    @property
    def steps(self) -> int:
        """Cycles that a row takes."""
        return self.design.row_steps

    @property
    def latency(self) -> int:
        """Cycles behind the last of them."""
        return len(lane_stages(self.design)) + 1

    def elaborate(self, platform):
        m = Module()
        design, drop = self.design, self.run.drop
        passes_by = Const(0) if design.scales_outputs else ~self.finish.bias
        m.submodules.passes = passes = Passes(design, chunks=False)
        m.submodules.packet = packet = JobPacket(BiasBeat(design))
        wiring.connect(m, wiring.flipped(self.run), passes.run, packet.run)
        wiring.connect(m, wiring.flipped(self.i_bias), packet.i)
        feed, row_ends, tile_ends = Signal(), Signal(), Signal()
        lanes = [FloatLane(design) for _ in range(design.epilogue_lanes)]
        m.d.comb += [
            feed.eq(self.i.valid & ~passes_by & ~drop & lanes[0].i.ready & packet.o.valid),
            tile_ends.eq(feed & row_ends & self.i.payload.last), passes.next.eq(tile_ends),
            packet.brings.eq(self.finish.bias), packet.o.ready.eq(tile_ends),
            packet.ends.eq(passes.now.last_tile & passes.now.last_batch),
            self.tlast_error.eq(packet.tlast_error),
        ]
        if design.activation != "none":
            m.d.comb += [lane.active.eq(self.finish.active) for lane in lanes]
        feed_columns(m, self, lanes, feed, row_ends, lambda given, column: [
            given.value.eq(self.i.payload.accumulators[column]),
            *self._terms(given, packet.o.payload.columns[column])])
        row, full, collect = collect_rows(m, self, lanes)
        inside = Signal(range(lanes[0].latency + 1))  # in each lane
        m.d.sync += inside.eq(inside + feed - collect)
        m.d.comb += [
            self.o.valid.eq(~drop & Mux(passes_by, self.i.valid, full)),
            self.o.payload.eq(row if design.scales_outputs else
                              Mux(passes_by, self.i.payload, row)),
            self.i.ready.eq(drop | Mux(passes_by, self.o.ready, feed & row_ends)),
            self.idle.eq((inside == 0) & ~full),
        ]
        return m

    def _terms(self, given, terms):
        """Statements that give a lane what belongs to its output."""
        if not self.design.scales_outputs:
            return [given.bias.eq(terms)]
        return [given.scale.eq(terms.scale), given.bias.eq(terms.bias)]
