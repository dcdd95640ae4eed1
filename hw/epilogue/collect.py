"""Columns of a row that go through few lanes, and come together again."""

from amaranth.hdl import Signal

from hw.array.sums import ResultRow
from hw.config import Design


__all__ = ["collect_rows", "column_of"]


def column_of(design: Design, step: int, lane: int) -> int:
    """The column that a lane takes in a step of a row; the last one where there is none left."""
    return min(step * design.epilogue_lanes + lane, design.columns - 1)


def collect_rows(m, epilogue, lanes):
    """Put the columns of a row together again.

    Returns the row, whether it is complete, and whether a step of it comes.
    """
    design = epilogue.design
    row, full, collect = Signal(ResultRow(design)), Signal(), Signal()
    step = Signal(range(epilogue.steps))
    m.d.comb += collect.eq(lanes[0].o.valid & lanes[0].o.ready)
    with m.If(epilogue.o.ready):
        m.d.sync += full.eq(0)
    with m.If(collect):
        m.d.sync += [step.eq(step + 1), row.last.eq(lanes[0].o.payload.last)]
        with m.If(step == epilogue.steps - 1):
            m.d.sync += [step.eq(0), full.eq(1)]
    with m.If(epilogue.run.drop):
        m.d.sync += [step.eq(0), full.eq(0)]
    for k, lane in enumerate(lanes):
        m.d.comb += lane.o.ready.eq(epilogue.run.drop | epilogue.o.ready | ~full)
        for column in range(k, design.columns, len(lanes)):
            with m.If(collect & (step == column // len(lanes))):
                m.d.sync += row.accumulators[column].eq(lane.o.payload.value)
    return row, full, collect
