"""Buffers between the streams and the array: one half is loaded while the other is in use."""

from functools import reduce
from operator import add

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from hw.config import VALUE_WIDTH, Design
from hw.epilogue import RowSums
from hw.fifo import StreamFifo
from hw.framer import Framer
from hw.memory import Memory
from hw.passes import Job, Passes
from hw.step_counts import StepCounts, count_address
from hw.stream import EncodedBlock, StreamRegister
from hw.tokens import TokenSummary


__all__ = ["ActivationBuffer", "WeightBeat", "WeightBuffer", "activation_address",
           "half_words", "weight_address"]


class WeightBeat(data.StructLayout):
    """One block of weights for each column; ``last`` marks the last block of a pass."""

    def __init__(self, design: Design):
        super().__init__({
            "blocks": data.ArrayLayout(
                data.ArrayLayout(signed(VALUE_WIDTH), design.pattern.m), design.columns),
            "last": 1,
        })


def half_words(design: Design) -> int:
    """Words of one half of a bank of the activation buffer: a word for each step of a block."""
    return design.groups * design.max_blocks * design.most_steps


def activation_address(design: Design) -> int:
    """Bits of an address in a bank of the activation buffer."""
    return ceil_log2(2 * half_words(design))


def weight_address(design: Design) -> int:
    """Bits of an address in a bank of the weight buffer; the top bit chooses the half."""
    return ceil_log2(design.max_blocks) + 1


class _Halves:
    """Two halves that are filled and released in turn, as statements of a buffer."""

    def __init__(self, m: Module, full: Signal, *, filled, release, clear):
        self.filling, reading = Signal(name="filling"), Signal(name="reading")
        with m.If(release):
            m.d.sync += [full.bit_select(reading, 1).eq(0), reading.eq(~reading)]
        with m.If(filled):
            m.d.sync += [full.bit_select(self.filling, 1).eq(1), self.filling.eq(~self.filling)]
        with m.If(clear):
            m.d.sync += [full.eq(0), self.filling.eq(0), reading.eq(0)]
        self.free = ~full.bit_select(self.filling, 1)


class ActivationBuffer(wiring.Component):
    """Compressed tokens of two batches: token t of a batch is in bank t mod rows, one per row.

    A bank holds the tokens of a batch one after the other, as many words each as the chunk has
    blocks, times the job's steps of a block. ``i`` is ready while batches of the job are missing
    and a half is free. One step of a block per cycle in, one word per bank and cycle out, read
    latency one cycle. A token with a misplaced ``last`` is handled by :class:`hw.framer.Framer`; a
    missing step is zero. Reset frees both halves; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(EncodedBlock(design)))
    job : In(Job()), begin : In(1)
        ``begin`` is high in the first cycle of a job, which is stable while it runs.
    drop : In(1)
        Forget the job, and take and drop what comes.
    full : Out(2)
        Which halves hold a complete batch. Batches fill half 0, half 1, half 0, ...
    filling : Out(1), held : Out
        The half that is being filled, and how many tokens of its batch are complete.
    release : In(1)
        The oldest full half was read for the last time.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a token's last block.
    o_summary : Out(stream.Signature(TokenSummary(design)))
        What the compressor says of every token, once per batch, with an epilogue; a token's last
        block waits for it.
    count_address : In, count : Out, with variable steps
        As in :class:`hw.step_counts.StepCounts`.
    read_address, read_enable : In, one for each row tile
    values, masks : Out, one for each row; no masks in a dense design
    """

    def __init__(self, design: Design):
        pattern = design.pattern
        members = {
            "i": In(stream.Signature(EncodedBlock(design))),
            "job": In(Job()), "begin": In(1), "drop": In(1),
            "full": Out(2), "filling": Out(1), "held": Out(bits_for(design.largest_batch)),
            "release": In(1),
            "tlast_error": Out(1),
            "o_summary": Out(stream.Signature(TokenSummary(design))),
            "read_address": In(data.ArrayLayout(activation_address(design), design.row_tiles)),
            "read_enable": In(design.row_tiles),
            "values": Out(data.ArrayLayout(data.ArrayLayout(signed(VALUE_WIDTH), pattern.n),
                                           design.rows)),
            "masks": Out(data.ArrayLayout(pattern.m, design.rows)),
        }
        if pattern.dense:
            del members["masks"]
        if not design.epilogue_lanes:
            del members["o_summary"]
        if design.variable_steps:
            members |= {"count_address": In(count_address(design)),
                        "count": Out(range(design.most_steps + 1))}
        super().__init__(members)
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.passes = passes = Passes(design, tiles="streamed")
        m.submodules.framer = framer = Framer(design.max_blocks * design.most_steps)
        token_ends, batch_ends = framer.ends, Signal()
        words = Signal(range(design.max_blocks * design.most_steps + 1))  # of a token
        halves = _Halves(m, self.full, filled=batch_ends, release=self.release,
                         clear=self.begin | self.drop)
        m.d.comb += [
            passes.job.eq(self.job), passes.begin.eq(self.begin), passes.stop.eq(self.drop),
            passes.next.eq(batch_ends),
            framer.valid.eq(self.i.valid), framer.last.eq(self.i.payload.last),
            self.i.ready.eq(framer.ready),
            framer.enable.eq(passes.active & halves.free & self._summarise(m, passes.now, framer)),
            words.eq(passes.now.blocks * self.job.steps[:bits_for(design.most_steps)]),
            framer.blocks.eq(words), framer.drop.eq(self.drop),
            batch_ends.eq(token_ends & (self.held + 1 == passes.now.tokens)),
            self.tlast_error.eq(framer.error),
            self.filling.eq(halves.filling),
        ]
        row = Signal(range(design.rows))
        base = Signal(activation_address(design))  # where the tokens of this group begin
        with m.If(token_ends):
            m.d.sync += [row.eq(row + 1), self.held.eq(self.held + 1)]
            with m.If(row == design.rows - 1):
                m.d.sync += [row.eq(0), base.eq(base + words)]
        with m.If(batch_ends):
            m.d.sync += [row.eq(0), self.held.eq(0),
                         base.eq(Mux(halves.filling, 0, half_words(design)))]
        with m.If(self.begin | self.drop):
            m.d.sync += [row.eq(0), self.held.eq(0), base.eq(0)]
        self._banks(m, framer, row=row, address=base + framer.block)
        if design.variable_steps:
            self._count_steps(m, passes.now, framer, row, batch_ends)
        return m

    def _count_steps(self, m, now, framer, row, batch_ends):
        """Keep the largest number of steps that any token of a group needs, for each block."""
        m.submodules.counts = counts = StepCounts(self.design)
        m.d.comb += [
            counts.write.eq(framer.write), counts.needed.eq(
                Value.cast(self.i.payload.values).any() & ~framer.missing),
            counts.token_ends.eq(framer.ends), counts.batch_ends.eq(batch_ends),
            counts.clear.eq(self.begin | self.drop),
            counts.first_row.eq(row == 0), counts.last_row.eq(row == self.design.rows - 1),
            counts.steps.eq(self.job.steps), counts.blocks.eq(now.blocks),
            counts.read_address.eq(self.count_address), self.count.eq(counts.count),
        ]

    def _summarise(self, m, now, framer):
        """Offer each token's summary with its last block; return whether that may come."""
        if not self.design.epilogue_lanes:
            return 1
        # Of a token that ends early, the summary is that of the last block that came.
        came, held = self._summary(m), Signal(TokenSummary(self.design))
        with m.If(framer.write & ~framer.missing):
            m.d.sync += held.eq(came)
        m.d.comb += [
            self.o_summary.payload.eq(Mux(framer.missing, held, came)),
            self.o_summary.valid.eq(framer.ends & now.first_tile & now.first_chunk),
        ]
        return self.o_summary.ready | (framer.block != framer.blocks - 1)

    def _summary(self, m):
        """What the compressor says in this block."""
        design, block = self.design, self.i.payload
        summary = Signal(TokenSummary(design))
        if design.dynamic_shift:
            m.d.comb += summary.eta.eq(block.eta)
        if design.statistics:
            m.d.comb += [summary.moments[name].eq(block.sums[name])
                         for name in summary.moments.shape().members]
        return summary

    def _banks(self, m, framer, *, row, address):
        design, pattern, block = self.design, self.design.pattern, self.i.payload
        word = data.StructLayout({"values": block.values.shape(),
                                  "mask": 0 if pattern.dense else pattern.m})
        arrived = Cat(block.values, block.mask[:word["mask"].width])
        # A block that did not come keeps N zeros, so that its mask is one that a block can have.
        absent = Cat(C(0, word["values"].width), C((1 << pattern.n) - 1, pattern.m))
        for r in range(design.rows):
            memory = Memory(word.size, 2 * half_words(design))
            m.submodules[f"bank_r{r}"] = memory
            read = data.View(word, memory.read_data)
            m.d.comb += [
                memory.write_enable.eq(framer.write & (row == r)),
                memory.write_address.eq(address),
                memory.write_data.eq(Mux(framer.missing, absent[:word.size], arrived)),
                memory.read_address.eq(self.read_address[r // design.tile]),
                memory.read_enable.eq(self.read_enable[r // design.tile]),
                self.values[r].eq(read.values),
            ]
            if not pattern.dense:
                m.d.comb += self.masks[r].eq(read.mask)


class _BlockSums(data.StructLayout):
    """Sums of the weights of one block for each column, and whether a tile ends with it."""

    def __init__(self, design: Design):
        bits = VALUE_WIDTH + (design.pattern.m - 1).bit_length()
        super().__init__({"columns": data.ArrayLayout(signed(bits), design.columns), "last": 1})


class WeightBuffer(wiring.Component):
    """Weights of two passes: one is loaded while the other is in use.

    One bank for each column of PEs, two halves of ``max_blocks`` words. ``i`` is ready while
    passes of the job are missing and a half is free. One beat per cycle in, one word per bank and
    cycle out, read latency one cycle. A misplaced ``last`` is handled by
    :class:`hw.framer.Framer`. Reset frees both halves; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(WeightBeat(design)))
    job : In(Job()), begin : In(1), drop : In(1)
        As in :class:`ActivationBuffer`.
    full : Out(2)
        Which halves hold a complete pass. Passes fill half 0, half 1, half 0, ...
    release : In(1)
        The oldest full half was read for the last time.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a pass' last block.
    o_row_sums : Out(stream.Signature(RowSums(design)))
        Sums of the weights of every tile, with an epilogue.
    sum_rows : In(1)
        Whether they are wanted; stable during a job.
    idle : Out(1)
        No sums are waiting.
    read_address, read_enable : In, one for each column tile
    weights : Out, one block for each column
    """

    def __init__(self, design: Design):
        members = {
            "i": In(stream.Signature(WeightBeat(design))),
            "o_row_sums": Out(stream.Signature(RowSums(design))), "sum_rows": In(1),
            "idle": Out(1),
            "job": In(Job()), "begin": In(1), "drop": In(1),
            "full": Out(2),
            "release": In(1),
            "tlast_error": Out(1),
            "read_address": In(data.ArrayLayout(weight_address(design), design.column_tiles)),
            "read_enable": In(design.column_tiles),
            "weights": Out(WeightBeat(design)["blocks"].shape),
        }
        if not design.epilogue_lanes:
            del members["o_row_sums"], members["sum_rows"], members["idle"]
        super().__init__(members)
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.passes = passes = Passes(design)
        m.submodules.framer = framer = Framer(design.max_blocks)
        halves = _Halves(m, self.full, filled=framer.ends, release=self.release,
                         clear=self.begin | self.drop)
        m.d.comb += [
            passes.job.eq(self.job), passes.begin.eq(self.begin), passes.stop.eq(self.drop),
            passes.next.eq(framer.ends),
            framer.valid.eq(self.i.valid), framer.last.eq(self.i.payload.last),
            self.i.ready.eq(framer.ready),
            framer.enable.eq(passes.active & halves.free & self._sum_rows(m, passes.now, framer)),
            framer.blocks.eq(passes.now.blocks), framer.drop.eq(self.drop),
            self.tlast_error.eq(framer.error),
        ]
        address = Cat(framer.block[:weight_address(design) - 1], halves.filling)
        for c in range(design.columns):
            word = self.i.payload.blocks[c]
            memory = Memory(word.shape().size, 1 << weight_address(design))
            m.submodules[f"bank_c{c}"] = memory
            m.d.comb += [
                memory.write_enable.eq(framer.write),
                memory.write_address.eq(address),
                memory.write_data.eq(Mux(framer.missing, 0, word)),
                memory.read_address.eq(self.read_address[c // design.tile]),
                memory.read_enable.eq(self.read_enable[c // design.tile]),
                self.weights[c].eq(memory.read_data),
            ]
        return m

    def _sum_rows(self, m, now, framer):
        """Add up each column's weights; return whether there is room for the sums."""
        design = self.design
        if not design.epilogue_lanes:
            return 1
        # Four: of the tile that loads, the next one, the one in the array, and that which leaves.
        m.submodules.row_sums = queue = StreamFifo(RowSums(design), 4)
        m.submodules.summed = block = StreamRegister(_BlockSums(design))
        total, sums = Signal(RowSums(design)), queue.i.payload
        for column, weights in enumerate(self.i.payload.blocks):
            m.d.comb += [
                block.i.payload.columns[column].eq(
                    Mux(framer.missing, 0, _tree_sum(list(weights)))),
                sums.columns[column].eq(total.columns[column] + block.o.payload.columns[column]),
            ]
        ends = block.o.valid & block.o.payload.last
        with m.If(block.o.valid & block.o.ready):
            m.d.sync += total.eq(sums)
        with m.If((ends & block.o.ready) | self.begin | self.drop):
            m.d.sync += total.eq(0)
        m.d.comb += [
            block.i.valid.eq(framer.write), block.i.payload.last.eq(framer.ends & now.last_chunk),
            block.o.ready.eq(self.drop | ~self.sum_rows | ~ends | queue.i.ready),
            queue.i.valid.eq(ends & self.sum_rows & ~self.drop),
            self.o_row_sums.payload.eq(queue.o.payload),
            self.o_row_sums.valid.eq(queue.o.valid),
            queue.o.ready.eq(self.o_row_sums.ready | self.drop),
            self.idle.eq(queue.empty & ~block.o.valid),
        ]
        return block.i.ready


def _tree_sum(values):
    """Sum in a balanced tree."""
    while len(values) > 1:
        values = [reduce(add, values[k:k + 2]) for k in range(0, len(values), 2)]
    return values[0]
