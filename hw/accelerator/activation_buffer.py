"""Compressed tokens between the compressor and the array."""

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from hw.accelerator.reads import BankReads
from hw.accelerator.step_counts import StepCounts, count_address, half_counts
from hw.array.array import RowBlocks
from hw.config import Design
from hw.epilogue.tokens import TokenSummary
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.halves import Halves
from hw.stream.members import only_if
from hw.stream.memory import Memory
from hw.stream.payloads import EncodedBlock


__all__ = ["ActivationBuffer", "TokenReads", "activation_address", "half_words"]


def half_words(design: Design) -> int:
    """Words of one half of a bank of the activation buffer: a word for each step of a block."""
    return half_counts(design) * design.most_steps


def activation_address(design: Design) -> int:
    """Bits of an address in a bank of the activation buffer."""
    return ceil_log2(2 * half_words(design))


class TokenReads(BankReads):
    """From the stepper to the activation buffer; a half holds a batch.

    A group of tokens may be read before its batch is complete: word after word, as those of its
    last token come. A group that lacks tokens is read once its batch is complete.

    Members
    -------
    filling : In(1), complete : In
        The half that is being filled, and the first of its addresses that some bank lacks: below
        it, all tokens of the group are there.
    held : In, with variable steps
        How many tokens of the batch that is being filled are complete.
    count_address : Out, count : In(range(most_steps + 1)), with variable steps
        A block of a group of tokens, and in the next cycle how many steps the group needs of it;
        final once all tokens of the group are held, see
        :class:`hw.accelerator.step_counts.StepCounts`.
    """

    def __init__(self, design: Design):
        super().__init__(
            activation_address(design), design.row_tiles,
            filling=In(1), complete=In(activation_address(design)),
            **only_if(design.variable_steps, held=In(bits_for(design.largest_batch)),
                      count_address=Out(count_address(design)),
                      count=In(range(design.most_steps + 1))),
        )


class ActivationBuffer(wiring.Component):
    """Compressed tokens of two batches: token t of a batch is in bank t mod rows, one per row.

    A bank holds the tokens of a batch one after the other, as many words each as the chunk has
    blocks, times the job's steps of a block. ``i`` is ready while batches of the job are missing
    and a half is free. One step of a block per cycle in, one word per bank and cycle out, read
    latency one cycle. Tokens are whole: :class:`hw.accelerator.token_gate.TokenGate` sees to that.
    Reset frees both halves; the memories are not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(EncodedBlock(design)))
    run : In(Run())
    reads : In(TokenReads(design))
    rows : Out(RowBlocks(design.multiplied))
        The words that were read.
    o_summary : Out(stream.Signature(TokenSummary(design)))
        What the compressor says of every token, once per batch, with an epilogue; a token's last
        block waits for it.
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(EncodedBlock(design))),
            "run": In(Run()),
            "reads": In(TokenReads(design)),
            "rows": Out(RowBlocks(design.multiplied)),
            **only_if(design.corrects,
                      o_summary=Out(stream.Signature(TokenSummary(design)))),
        })
        self.design, self.passes = design, Passes(design, tiles="streamed")

    def elaborate(self, platform):
        m = Module()
        design, run, reads = self.design, self.run, self.reads
        m.submodules.passes = passes = self.passes
        write, token_ends, batch_ends = Signal(), Signal(), Signal()
        words = Signal(range(design.max_blocks * design.most_steps + 1))  # of a token
        word = Signal(range(design.max_blocks * design.most_steps))  # that comes next
        last_word, last_row = Signal(), Signal()
        held = Signal(bits_for(design.largest_batch))  # tokens of the batch that are complete
        halves = Halves(m, reads.full, filled=batch_ends, release=reads.release,
                         clear=run.begin | run.drop)
        wiring.connect(m, wiring.flipped(run), passes.run)
        m.d.comb += [
            passes.next.eq(batch_ends),
            words.eq(passes.now.blocks * run.job.steps[:bits_for(design.most_steps)]),
            last_word.eq(word == words - 1),
            self.i.ready.eq(passes.active & halves.free
                            & self._summarise(m, passes.now, last_word, token_ends)),
            write.eq(self.i.valid & self.i.ready), token_ends.eq(write & last_word),
            batch_ends.eq(token_ends & (held + 1 == passes.now.tokens)),
            reads.filling.eq(halves.filling),
        ]
        row = Signal(range(design.rows))
        m.d.comb += last_row.eq(row == design.rows - 1)
        with m.If(write):
            m.d.sync += [word.eq(word + 1), reads.complete.eq(reads.complete + last_row)]
        with m.If(token_ends):
            m.d.sync += [word.eq(0), row.eq(Mux(last_row, 0, row + 1)), held.eq(held + 1)]
        with m.If(batch_ends):
            m.d.sync += [row.eq(0), held.eq(0),
                         reads.complete.eq(Mux(halves.filling, 0, half_words(design)))]
        with m.If(run.begin | run.drop):
            m.d.sync += [word.eq(0), row.eq(0), held.eq(0), reads.complete.eq(0)]
        # What is complete grows with the words of the last row; until then the group begins there.
        self._banks(m, write, row=row, address=reads.complete + Mux(last_row, 0, word))
        if design.variable_steps:
            m.d.comb += reads.held.eq(held)
            self._count_steps(m, passes.now, write, token_ends, row, batch_ends)
        return m

    def _count_steps(self, m, now, write, token_ends, row, batch_ends):
        """Keep the largest number of steps that any token of a group needs, for each block."""
        m.submodules.counts = counts = StepCounts(self.design)
        m.d.comb += [
            counts.write.eq(write), counts.needed.eq(self._needed()),
            counts.token_ends.eq(token_ends), counts.batch_ends.eq(batch_ends),
            counts.clear.eq(self.run.begin | self.run.drop),
            counts.first_row.eq(row == 0), counts.last_row.eq(row == self.design.rows - 1),
            counts.steps.eq(self.run.job.steps), counts.blocks.eq(now.blocks),
            counts.read_address.eq(self.reads.count_address), self.reads.count.eq(counts.count),
        ]

    def _needed(self):
        """Whether a step holds anything: kept values are not zero, unless they are marked."""
        values = self.i.payload.values
        if not self.design.marks_filler:
            return Value.cast(values).any()
        filler = 1 << self.design.kept_number.bits - 1  # -0
        return Cat(Value.cast(value).as_unsigned() != filler for value in values).any()

    def _summarise(self, m, now, last_word, token_ends):
        """Offer each token's summary with its last block; return whether that may come."""
        if not self.design.corrects:
            return 1
        m.d.comb += [
            self.o_summary.payload.eq(self._summary(m)),
            self.o_summary.valid.eq(token_ends & now.first_tile & now.first_chunk),
        ]
        return self.o_summary.ready | ~last_word

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

    def _banks(self, m, write, *, row, address):
        design, pattern, block = self.design, self.design.pattern, self.i.payload
        word = data.StructLayout({"values": block.values.shape(),
                                  "mask": 0 if pattern.dense else pattern.m,
                                  **only_if(design.quantized, scale=8)})
        arrived = Cat(block.values, block.mask[:word["mask"].width],
                      *((block.scale,) if design.quantized else ()))
        for r in range(design.rows):
            memory = Memory(word.size, 2 * half_words(design))
            m.submodules[f"bank_r{r}"] = memory
            read = data.View(word, memory.read_data)
            m.d.comb += [
                memory.write_enable.eq(write & (row == r)),
                memory.write_address.eq(address),
                memory.write_data.eq(arrived),
                memory.read_address.eq(self.reads.address[r // design.tile]),
                memory.read_enable.eq(self.reads.enable[r // design.tile]),
                self.rows.values[r].eq(read.values),
            ]
            if not pattern.dense:
                m.d.comb += self.rows.masks[r].eq(read.mask)
            if design.quantized:
                m.d.comb += self.rows.scales[r].eq(read.scale)
