"""Rows x columns of PEs, and the chain on which their results leave."""

from amaranth.hdl import Module, Shape, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.array.binary32 import RoundRow
from hw.array.form import make_decoder, make_pe, timing
from hw.array.sums import ResultRow, sum_shape
from hw.config import Design
from hw.stream.members import only_if


__all__ = ["Array", "Control", "ResultColumn", "RowBlocks"]


class ResultColumn(wiring.Component):
    """Holds the results of one column of PEs and moves them out, row 0 first.

    A row is taken over in the cycle in which its ``capture`` bit is set; ``shift`` moves every
    row one place towards row 0. Flip-flops without reset: they are read only after a capture.

    Parameters
    ----------
    rows : int
    width : int
        Bits of an accumulator.

    Members
    -------
    accumulators : In(ArrayLayout(signed(width), rows))
    capture : In(rows)
    shift : In(1)
    result : Out(signed(width))
        The result of row 0.
    """

    def __init__(self, rows: int, width: int):
        super().__init__({
            "accumulators": In(data.ArrayLayout(signed(width), rows)),
            "capture": In(rows),
            "shift": In(1),
            "result": Out(signed(width)),
        })
        self.rows = rows
        self.width = width

    def elaborate(self, platform):
        m = Module()
        held = [Signal(signed(self.width), name=f"held{row}", reset_less=True)
                for row in range(self.rows)]
        for row, result in enumerate(held):
            with m.If(self.capture[row]):
                m.d.sync += result.eq(self.accumulators[row])
            if row + 1 < self.rows:
                with m.Elif(self.shift):
                    m.d.sync += result.eq(held[row + 1])
        m.d.comb += self.result.eq(held[0])
        return m


class Control(data.StructLayout):
    """What a tile is told in each cycle.

    Fields
    ------
    step : unsigned(1)
        Accumulate the products of this cycle.
    start : unsigned(1)
        Begin a new sum with this step.
    last : unsigned(1)
        This step ends the sum; hand it over to the result chain.
    """

    def __init__(self):
        super().__init__({"step": 1, "start": 1, "last": 1})


class RowBlocks(wiring.Signature):
    """From the activation buffer to the array: a compressed block for each row, in every cycle.

    Row tile i gets its blocks i cycles after row tile 0, and only those of a step matter.

    Members
    -------
    values : Out(ArrayLayout(ArrayLayout(signed(bits), n), rows))
        Kept values of one block of each row's token.
    masks : Out(ArrayLayout(m, rows)), except in a dense design
        Their bitmasks, exactly N bits set in each.
    scales : Out(ArrayLayout(8, rows)), where the format has scales
        Those of the blocks.
    """

    def __init__(self, design: Design):
        kept = data.ArrayLayout(signed(design.number.bits), design.pattern.n)
        super().__init__({
            "values": Out(data.ArrayLayout(kept, design.rows)),
            **only_if(not design.pattern.dense,
                      masks=Out(data.ArrayLayout(design.pattern.m, design.rows))),
            **only_if(bool(design.block), scales=Out(data.ArrayLayout(8, design.rows))),
        })


class Array(wiring.Component):
    """Output-stationary array: ``accumulator[r, c] = sum of values[r] * gather(weights[c])``.

    Rows and columns form tiles of ``design.tile`` by ``design.tile`` PEs. Inside a tile values
    and weights are broadcast; between tiles they are registered, so that no wire grows with the
    array. Tile (i, j) therefore works i + j cycles after tile (0, 0): row tile i takes its inputs
    i cycles after row tile 0, and column tile j its weights j cycles after column tile 0.

    What the kept positions select is decoded once per row and shared by every column.

    Tiles register weights and selects as they come. With ``pipeline`` ``gathered`` every PE
    registers its gathered weights in their place, and only tiles behind the first keep copies:
    the gather then works in the cycle in which the inputs come, at the same ``latency``. PEs of
    ``multiplier`` ``dsp`` take a block's parts in different cycles, and longer: every register of
    a row or column before them is shared by its tile.

    One step per cycle. ``latency`` cycles after a ``last`` step the first row of results is
    offered on ``o``, row 0 first. The chain holds one set of results: after ``last``, the next
    ``last`` may come only once all rows have left; the next ``start`` may come at once. Reset
    clears the controls and the chain. Sums of floats are rounded to binary32 behind it.

    Parameters
    ----------
    design : Design

    Members
    -------
    rows : In(RowBlocks(design))
    weights : In(ArrayLayout(ArrayLayout(signed(weight bits), m), columns))
        Weights of the same block for each output feature.
    weight_scales : In(ArrayLayout(8, columns)), where the format has scales
        Those of the blocks of weights.
    control : In(ArrayLayout(Control, row_tiles))
    o : Out(stream.Signature(ResultRow(design)))
    """

    interval = 1

    def __init__(self, design: Design):
        design = design.multiplied  # what leaves a compressor that quantises
        block = data.ArrayLayout(signed(design.weight.bits), design.pattern.m)
        super().__init__({
            "rows": In(RowBlocks(design)),
            "weights": In(data.ArrayLayout(block, design.columns)),
            **only_if(bool(design.block), weight_scales=In(data.ArrayLayout(8, design.columns))),
            "control": In(data.ArrayLayout(Control(), design.row_tiles)),
            "o": Out(stream.Signature(ResultRow(design))),
        })
        self.design = design
        self._registers, self._depth = timing(design)

    @property
    def latency(self) -> int:
        """Cycles from a ``last`` step to the first row of results."""
        skew = self.design.row_tiles + self.design.column_tiles - 2
        rounding = 0 if self.design.number.integer else RoundRow.latency
        return self._depth + 1 + skew + rounding  # the result chain

    def elaborate(self, platform):
        m = Module()
        design = self.design
        shared = self._shared(m)
        weights = self._weights(m, "weights")
        scales = self._weights(m, "weight_scales") if design.block else []
        sums_end = self._sums_end(m)

        accumulators = {}
        for row in range(design.rows):
            for column in range(design.columns):
                i, j = row // design.tile, column // design.tile
                pe = make_pe(design)
                m.submodules[f"pe_r{row}c{column}"] = pe
                m.d.comb += [
                    pe.shared.eq(shared[row][j]),
                    pe.weights.eq(weights[column][i]),
                ]
                if design.block:
                    m.d.comb += pe.weight_scale.eq(scales[column][i])
                accumulators[row, column] = pe.accumulator
        self._results(m, accumulators, sums_end)
        return m

    def _tiles(self, m, source, first, count, name, **kwargs):
        """``source`` behind ``first`` registers, and behind one more for each further tile."""
        stages = [source]
        for k in range(first + count - 1):
            stage = Signal(source.shape(), name=f"{name}_t{k}", **kwargs)
            m.d.sync += stage.eq(stages[-1])
            stages.append(stage)
        return stages[first:]

    def _shared(self, m):
        """Per row and column tile: what the PEs of the row share, each part when PEs take it."""
        design, rows = self.design, []
        for row in range(design.rows):
            decoder = make_decoder(design)
            m.submodules[f"decoder_r{row}"] = decoder
            control = self.control[row // design.tile]
            m.d.comb += [
                decoder.values.eq(self.rows.values[row]),
                decoder.step.eq(control.step),
                decoder.start.eq(control.start),
            ]
            if not design.pattern.dense:
                m.d.comb += decoder.mask.eq(self.rows.masks[row])
            if design.block:
                m.d.comb += decoder.scale.eq(self.rows.scales[row])
            layout = decoder.shared.shape()
            decoded = Signal(layout, name=f"decoded_r{row}")
            m.d.comb += decoded.eq(decoder.shared)
            tiles = [Signal(layout, name=f"shared_r{row}c{j}")
                     for j in range(design.column_tiles)]
            for name, _ in layout:
                stages = self._tiles(m, decoded[name], self._registers[name], design.column_tiles,
                                     f"{name}_r{row}", reset_less=True)
                m.d.comb += [tile[name].eq(stage)
                             for tile, stage in zip(tiles, stages, strict=True)]
            rows.append(tiles)
        return rows

    def _weights(self, m, name):
        """Per column and row tile: the column's weights, or their scales."""
        return [self._tiles(m, getattr(self, name)[column], self._registers[name],
                            self.design.row_tiles, f"{name}_c{column}", reset_less=True)
                for column in range(self.design.columns)]

    def _sums_end(self, m):
        """Per row tile and column tile: whether its sums stand in the accumulators."""
        ends = []
        for i in range(self.design.row_tiles):
            last = Signal(name=f"last_r{i}")
            m.d.comb += last.eq(self.control[i].step & self.control[i].last)
            ends.append(self._tiles(m, last, self._depth, self.design.column_tiles,
                                    f"sums_end_r{i}"))
        return ends

    def _chain_end(self, m):
        """The stream of rows at the end of the chain, and the sums in its payload."""
        if self.design.number.integer:
            return self.o, self.o.payload.accumulators
        m.submodules.rounding = rounding = RoundRow(self.design)
        wiring.connect(m, rounding.o, wiring.flipped(self.o))
        return rounding.i, rounding.i.payload.sums

    def _results(self, m, accumulators, sums_end):
        """The chain: every tile is captured when its sums end; rows leave after the last tile."""
        design = self.design
        o, sums = self._chain_end(m)
        left = Signal(range(design.rows + 1))  # rows that wait in the chain
        shift = Signal()
        m.d.comb += [
            o.valid.eq(left != 0),
            o.payload.last.eq(left == 1),
            shift.eq(o.valid & o.ready),
        ]
        with m.If(sums_end[-1][-1]):
            m.d.sync += left.eq(design.rows)
        with m.Elif(shift):
            m.d.sync += left.eq(left - 1)

        for column in range(design.columns):
            chain = ResultColumn(design.rows, Shape.cast(sum_shape(design)).width)
            m.submodules[f"results_c{column}"] = chain
            m.d.comb += [
                chain.shift.eq(shift),
                Value.cast(sums[column]).eq(chain.result),
            ]
            for row in range(design.rows):
                m.d.comb += [
                    chain.accumulators[row].eq(Value.cast(accumulators[row, column])),
                    chain.capture[row].eq(
                        sums_end[row // design.tile][column // design.tile]),
                ]
