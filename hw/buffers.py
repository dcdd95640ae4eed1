"""Buffers between the streams and the array."""

from amaranth.hdl import Cat, Module, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from hw.config import VALUE_WIDTH, Design
from hw.memory import Memory
from hw.stream import CompressedBlock


__all__ = ["ActivationBuffer", "Job", "WeightBeat", "WeightBuffer",
           "activation_address", "weight_address"]


class Job(data.StructLayout):
    """Size of a job: features in blocks, tokens, and output features in tiles of columns."""

    def __init__(self, design: Design):
        super().__init__({
            "k_blocks": bits_for(design.max_blocks),
            "tokens": bits_for(design.max_tokens),
            "column_tiles": 16,
        })


class WeightBeat(data.StructLayout):
    """One block of weights for each column; ``last`` marks the last block of a tile."""

    def __init__(self, design: Design):
        super().__init__({
            "blocks": data.ArrayLayout(
                data.ArrayLayout(signed(VALUE_WIDTH), design.pattern.m), design.columns),
            "last": 1,
        })


def activation_address(design: Design) -> int:
    """Bits of an address in a bank of the activation buffer."""
    return max(1, ceil_log2(design.groups * design.max_blocks))


def weight_address(design: Design) -> int:
    """Bits of an address in a bank of the weight buffer; the top bit chooses the half."""
    return ceil_log2(design.max_blocks) + 1


class ActivationBuffer(wiring.Component):
    """Compressed tokens of one job: token t is in bank t mod rows, one bank for each row of PEs.

    A bank holds its tokens one after the other, K_BLOCKS words each. ``i`` is ready from
    ``begin`` until the job's last token is in. One block per cycle in, one word per bank and
    cycle out, read latency one cycle. Reset ends the loading; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(CompressedBlock(pattern, 8)))
    job : In(Job(design))
        Stable while the job runs.
    begin : In(1)
        Start to load.
    tokens_held : Out
        Tokens of the job that are completely in the buffer.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a token's last block.
    read_address, read_enable : In, one for each row tile
    values, masks : Out, one for each row; no masks in a dense design
    """

    def __init__(self, design: Design):
        pattern = design.pattern
        members = {
            "i": In(stream.Signature(CompressedBlock(pattern, VALUE_WIDTH))),
            "job": In(Job(design)),
            "begin": In(1),
            "tokens_held": Out(bits_for(design.max_tokens)),
            "tlast_error": Out(1),
            "read_address": In(data.ArrayLayout(activation_address(design), design.row_tiles)),
            "read_enable": In(design.row_tiles),
            "values": Out(data.ArrayLayout(data.ArrayLayout(signed(VALUE_WIDTH), pattern.n),
                                           design.rows)),
            "masks": Out(data.ArrayLayout(pattern.m, design.rows)),
        }
        if pattern.dense:
            del members["masks"]
        super().__init__(members)
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design = self.design
        loading = Signal()
        block = Signal(range(design.max_blocks))
        row = Signal(range(design.rows))
        base = Signal(activation_address(design))  # where the tokens of this group begin
        write, token_ends = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(loading),
            write.eq(self.i.valid & self.i.ready),
            token_ends.eq(block == self.job.k_blocks - 1),
            self.tlast_error.eq(write & (self.i.payload.last != token_ends)),
        ]
        with m.If(write):
            m.d.sync += block.eq(block + 1)
            with m.If(token_ends):
                m.d.sync += [block.eq(0), row.eq(row + 1),
                             self.tokens_held.eq(self.tokens_held + 1)]
                with m.If(row == design.rows - 1):
                    m.d.sync += [row.eq(0), base.eq(base + self.job.k_blocks)]
                with m.If(self.tokens_held + 1 == self.job.tokens):
                    m.d.sync += loading.eq(0)
        with m.If(self.begin):
            m.d.sync += [loading.eq(1), block.eq(0), row.eq(0), base.eq(0),
                         self.tokens_held.eq(0)]
        self._banks(m, write=write, row=row, address=base + block)
        return m

    def _banks(self, m, *, write, row, address):
        design = self.design
        word = data.StructLayout({"values": self.i.payload.values.shape(),
                                  "mask": 0 if design.pattern.dense else design.pattern.m})
        for r in range(design.rows):
            memory = Memory(word.size, design.groups * design.max_blocks)
            m.submodules[f"bank_r{r}"] = memory
            read = data.View(word, memory.read_data)
            m.d.comb += [
                memory.write_enable.eq(write & (row == r)),
                memory.write_address.eq(address),
                memory.write_data.eq(Cat(self.i.payload.values,
                                         self.i.payload.mask[:word["mask"].width])),
                memory.read_address.eq(self.read_address[r // design.tile]),
                memory.read_enable.eq(self.read_enable[r // design.tile]),
                self.values[r].eq(read.values),
            ]
            if not design.pattern.dense:
                m.d.comb += self.masks[r].eq(read.mask)


class WeightBuffer(wiring.Component):
    """Weights of two tiles of output features: one is loaded while the other is in use.

    One bank for each column of PEs, two halves of ``max_blocks`` words. ``i`` is ready while
    tiles of the job are missing and a half is free. One beat per cycle in, one word per bank and
    cycle out, read latency one cycle. Reset frees both halves; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(WeightBeat(design)))
    job : In(Job(design))
        Stable while the job runs.
    begin : In(1)
        Start to load.
    full : Out(2)
        Which halves hold a complete tile. Tiles fill half 0, half 1, half 0, ...
    release : In(1)
        The oldest full half was read for the last time.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with a tile's last block.
    read_address, read_enable : In, one for each column tile
    weights : Out, one block for each column
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(WeightBeat(design))),
            "job": In(Job(design)),
            "begin": In(1),
            "full": Out(2),
            "release": In(1),
            "tlast_error": Out(1),
            "read_address": In(data.ArrayLayout(weight_address(design), design.column_tiles)),
            "read_enable": In(design.column_tiles),
            "weights": Out(WeightBeat(design)["blocks"].shape),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design = self.design
        missing = Signal(16)  # tiles of the job that are still to come
        block = Signal(ceil_log2(design.max_blocks))
        filling, reading = Signal(), Signal()  # halves
        write, tile_ends = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq((missing != 0) & ~self.full.bit_select(filling, 1)),
            write.eq(self.i.valid & self.i.ready),
            tile_ends.eq(block == self.job.k_blocks - 1),
            self.tlast_error.eq(write & (self.i.payload.last != tile_ends)),
        ]
        with m.If(self.release):
            m.d.sync += [self.full.bit_select(reading, 1).eq(0), reading.eq(~reading)]
        with m.If(write):
            m.d.sync += block.eq(block + 1)
            with m.If(tile_ends):
                m.d.sync += [block.eq(0), missing.eq(missing - 1), filling.eq(~filling),
                             self.full.bit_select(filling, 1).eq(1)]
        with m.If(self.begin):
            m.d.sync += [missing.eq(self.job.column_tiles), block.eq(0), filling.eq(0),
                         reading.eq(0), self.full.eq(0)]

        for c in range(design.columns):
            word = self.i.payload.blocks[c]
            memory = Memory(word.shape().size, 1 << weight_address(design))
            m.submodules[f"bank_c{c}"] = memory
            m.d.comb += [
                memory.write_enable.eq(write),
                memory.write_address.eq(Cat(block, filling)),
                memory.write_data.eq(word),
                memory.read_address.eq(self.read_address[c // design.tile]),
                memory.read_enable.eq(self.read_enable[c // design.tile]),
                self.weights[c].eq(memory.read_data),
            ]
        return m
