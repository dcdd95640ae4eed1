"""Weights between their stream and the array, and their sums for the epilogue."""

from functools import reduce
from operator import add

from amaranth.hdl import Cat, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from hw.accelerator.reads import BankReads
from hw.config import VALUE_WIDTH, Design
from hw.epilogue.corrections import Corrections
from hw.epilogue.epilogue import RowSums
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.fifo import StreamFifo
from hw.stream.framer import Framer
from hw.stream.halves import Halves
from hw.stream.members import only_if
from hw.stream.memory import Memory
from hw.stream.register import StreamRegister


__all__ = ["WeightBeat", "WeightBuffer", "WeightReads", "weight_address"]


class WeightBeat(data.StructLayout):
    """One block of weights for each column; ``last`` marks the last block of a pass.

    In a block format with ``scales``, as it has them, one for each column.
    """

    def __init__(self, design: Design):
        super().__init__({
            "blocks": data.ArrayLayout(
                data.ArrayLayout(signed(design.weight.bits), design.pattern.m), design.columns),
            **only_if(design.quantized, scales=data.ArrayLayout(8, design.columns)),
            "last": 1,
        })


def weight_address(design: Design) -> int:
    """Bits of an address in a bank of the weight buffer; the top bit chooses the half."""
    return ceil_log2(design.max_blocks) + 1


class WeightReads(BankReads):
    """From the stepper to the weight buffer; a half holds a pass."""

    def __init__(self, design: Design):
        super().__init__(weight_address(design), design.column_tiles)


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
    :class:`hw.stream.framer.Framer`. Reset frees both halves; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(WeightBeat(design)))
    run : In(Run())
    reads : In(WeightReads(design))
    weights : Out, one block for each column
        The words that were read.
    scales : Out(ArrayLayout(8, columns)), in a block format
        Those of the blocks.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a pass' last block.
    corrections : In(Corrections()), o_row_sums : Out(stream.Signature(RowSums(design)))
        With an epilogue: the sums of the weights of every tile, where they are wanted.
    idle : Out(1), with an epilogue
        No sums are waiting.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(WeightBeat(design))),
            "run": In(Run()),
            "reads": In(WeightReads(design)),
            "weights": Out(WeightBeat(design)["blocks"].shape),
            **only_if(design.quantized, scales=Out(data.ArrayLayout(8, design.columns))),
            "tlast_error": Out(1),
            **only_if(design.corrects, corrections=In(Corrections()),
                      o_row_sums=Out(stream.Signature(RowSums(design))), idle=Out(1)),
        })
        self.design = design
        self.passes, self.framer = Passes(design), Framer(design.max_blocks)

    def elaborate(self, platform):
        m = Module()
        design, run, reads = self.design, self.run, self.reads
        m.submodules.passes = passes = self.passes
        m.submodules.framer = framer = self.framer
        halves = Halves(m, reads.full, filled=framer.ends, release=reads.release,
                         clear=run.begin | run.drop)
        wiring.connect(m, wiring.flipped(run), passes.run)
        m.d.comb += [
            passes.next.eq(framer.ends),
            framer.valid.eq(self.i.valid), framer.last.eq(self.i.payload.last),
            self.i.ready.eq(framer.ready),
            framer.enable.eq(passes.active & halves.free & self._sum_rows(m, passes.now, framer)),
            framer.blocks.eq(passes.now.blocks), framer.drop.eq(run.drop),
            self.tlast_error.eq(framer.error),
        ]
        address = Cat(framer.block[:weight_address(design) - 1], halves.filling)
        for c in range(design.columns):
            word, held = self.i.payload.blocks[c], Value.cast(self.weights[c])
            if design.quantized:
                word, held = Cat(word, self.i.payload.scales[c]), Cat(held, self.scales[c])
            memory = Memory(len(held), 1 << weight_address(design))
            m.submodules[f"bank_c{c}"] = memory
            m.d.comb += [
                memory.write_enable.eq(framer.write),
                memory.write_address.eq(address),
                memory.write_data.eq(Mux(framer.missing, 0, word)),
                memory.read_address.eq(reads.address[c // design.tile]),
                memory.read_enable.eq(reads.enable[c // design.tile]),
                held.eq(memory.read_data),
            ]
        return m

    def to(self, array):
        """Statements that give an array what was read."""
        given = [array.weights.eq(self.weights)]
        return [*given, array.weight_scales.eq(self.scales)] if self.design.quantized else given

    def _sum_rows(self, m, now, framer):
        """Add up each column's weights; return whether there is room for the sums."""
        if not self.design.corrects:
            return 1
        design, run, wanted = self.design, self.run, self.corrections.wanted
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
        with m.If((ends & block.o.ready) | run.drop):
            m.d.sync += total.eq(0)
        m.d.comb += [
            block.i.valid.eq(framer.write), block.i.payload.last.eq(framer.ends & now.last_chunk),
            block.o.ready.eq(~ends | queue.i.ready),  # which there is while none are wanted
            queue.i.valid.eq(ends & wanted & ~run.drop),
            self.o_row_sums.payload.eq(queue.o.payload),
            self.o_row_sums.valid.eq(queue.o.valid),
            queue.o.ready.eq(self.o_row_sums.ready | run.drop),
            self.idle.eq(queue.empty & ~block.o.valid),
        ]
        return block.i.ready


def _tree_sum(values):
    """Sum in a balanced tree."""
    while len(values) > 1:
        values = [reduce(add, values[k:k + 2]) for k in range(0, len(values), 2)]
    return values[0]
