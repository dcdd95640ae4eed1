"""What the tokens of a job keep, for who brings weights: the union of their masks."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.compressor.compressor import KeptMasks
from hw.config import Design
from hw.job.job import Run
from hw.layouts import mask_bits, rounded
from hw.stream.memory import Memory


__all__ = ["MaskMemory", "MaskReads"]


class MaskReads(wiring.Signature):
    """From who brings weights to the masks of the job.

    Members
    -------
    address : Out(range(max_blocks)), enable : Out(1)
        A block.
    mask : In(mask_bits(design))
        Parts of it that some token keeps, in the cycle after ``enable``; stays until the next one.
    complete : In(1)
        All tokens of the job have been seen; nothing is to be read before.
    """

    def __init__(self, design: Design):
        super().__init__({"address": Out(range(design.max_blocks)), "enable": Out(1),
                          "mask": In(mask_bits(design)), "complete": In(1)})


class MaskMemory(wiring.Component):
    """Holds the union of the masks of a job's tokens: a word for each block, ``max_blocks`` words.

    Features whose weights share a beat of the bus are one bit. A mask per cycle; the memory is read
    for the masks so far and written a cycle later, and complete in the cycle after that of the last
    mask. Reset, and ``drop``, forget the job; the memory is not cleared.

    Parameters
    ----------
    design : Design

    Members
    -------
    kept : In(KeptMasks(design))
    run : In(Run())
        Of jobs with masks: no more than one group of tokens, of no more than ``max_blocks`` blocks.
    reads : In(MaskReads(design))
    """

    def __init__(self, design: Design):
        super().__init__({"kept": In(KeptMasks(design)), "run": In(Run()),
                          "reads": In(MaskReads(design))})
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, run, reads = self.design, self.run, self.reads
        m.submodules.memory = memory = Memory(len(reads.mask), design.max_blocks)
        filling, takes, block_ends, ends = Signal(), Signal(), Signal(), Signal()
        block, token = Signal(range(design.max_blocks)), Signal(range(design.decode_tokens + 1))
        m.d.comb += [
            takes.eq(filling & self.kept.valid),
            block_ends.eq(block == run.job.k_blocks - 1),
            ends.eq(takes & block_ends & (token == run.job.tokens - 1)),
            memory.read_address.eq(Mux(filling, block, reads.address)),
            memory.read_enable.eq(takes | reads.enable), reads.mask.eq(memory.read_data),
        ]
        with m.If(takes):
            m.d.sync += block.eq(block + 1)
            with m.If(block_ends):
                m.d.sync += [block.eq(0), token.eq(token + 1)]
        self._write(m, memory, takes, block, token)
        written = Signal()
        m.d.sync += written.eq(ends)
        with m.If(ends):
            m.d.sync += filling.eq(0)
        with m.If(written):
            m.d.sync += reads.complete.eq(1)
        with m.If(run.begin | run.drop):
            m.d.sync += [filling.eq(run.begin & ~run.drop), reads.complete.eq(0), written.eq(0),
                         block.eq(0), token.eq(0)]
        return m

    def _write(self, m, memory, takes, block, token):
        """A cycle after a mask came, write it with those of the tokens before."""
        mask, place, first = (Signal.like(one, name=f"taken_{name}") for name, one in
                              (("mask", memory.write_data), ("block", block), ("first", takes)))
        before, last, again = Signal.like(mask), Signal.like(mask), Signal()
        m.d.comb += [
            # A token of one block: its word is read while it is being written.
            before.eq(Mux(first, 0, Mux(again, last, memory.read_data))),
            memory.write_address.eq(place), memory.write_data.eq(mask | before),
        ]
        m.d.sync += [memory.write_enable.eq(takes), mask.eq(self._parts()), place.eq(block),
                     first.eq(token == 0), last.eq(memory.write_data),
                     again.eq(memory.write_enable & (place == block))]

    def _parts(self):
        """A bit for each part of a block: whether any of its features is kept."""
        share = rounded(self.design.pattern.m) // mask_bits(self.design)
        mask = self.kept.mask
        return Cat(mask[k:k + share].any() for k in range(0, len(mask), share))
