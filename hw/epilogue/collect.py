"""Columns of a row that go through few lanes, and come together again: of every epilogue."""

from amaranth.hdl import Signal

from hw.array.sums import ResultRow


__all__ = ["collect_rows", "feed_columns"]


def feed_columns(m, epilogue, lanes, feed, row_ends, give):
    """Give the columns of a row to the lanes, some in each step.

    ``feed`` says that a step is taken; ``row_ends``, which is driven here, that it is the last one
    of a row. ``give(payload, column)`` are the statements that set the payload of a lane.
    """
    design = epilogue.design
    step = Signal(range(epilogue.steps))
    m.d.comb += row_ends.eq(step == epilogue.steps - 1)
    with m.If(epilogue.run.drop | (feed & row_ends)):
        m.d.sync += step.eq(0)
    with m.Elif(feed):
        m.d.sync += step.eq(step + 1)
    for k, lane in enumerate(lanes):
        m.submodules[f"lane{k}"] = lane
        m.d.comb += [lane.i.valid.eq(feed), lane.i.payload.last.eq(epilogue.i.payload.last)]
        with m.Switch(step):
            for at in range(epilogue.steps):
                column = min(at * design.epilogue_lanes + k, design.columns - 1)
                with m.Case(at):
                    m.d.comb += give(lane.i.payload, column)


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
