"""Buffer that hands out whole tokens once or several times."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import Design
from hw.stream.memory import Memory
from hw.stream.payloads import Block


__all__ = ["Replayed", "TokenBuffer"]


class Replayed(data.StructLayout):
    """A block that leaves the buffer: ``block``, and whether for the last time (``final``)."""

    def __init__(self, design: Design):
        super().__init__({"block": Block(design), "final": 1})


class TokenBuffer(wiring.Component):
    """Holds blocks in a memory; each token leaves ``passes`` times, all its blocks in each pass.

    Latency 2 cycles, one block per cycle on either side, in between passes too. A place is free
    again once its block is read for the last time. The sender waits while the memory is full; with
    several passes it therefore has to hold the longest token. Reset empties the buffer.

    Parameters
    ----------
    design : Design
    depth : int
        Blocks that the memory holds.
    passes : int

    Members
    -------
    i : In(stream.Signature(Block(design)))
    o : Out(stream.Signature(Replayed(design)))
    """

    latency = 2
    interval = 1

    def __init__(self, design: Design, *, depth: int, passes: int):
        super().__init__({
            "i": In(stream.Signature(Block(design))),
            "o": Out(stream.Signature(Replayed(design))),
        })
        self.design = design
        self.depth = depth
        self.passes = passes

    def elaborate(self, platform):
        m = Module()
        m.submodules.memory = memory = Memory(self.i.payload.shape().size, self.depth)
        begin = Signal(range(self.depth))  # of what is kept: the oldest token in full, or its rest
        held = Signal(range(self.depth + 1))  # blocks from there on
        ahead = Signal(range(self.depth + 1))  # those of them that were not read in this pass
        number = Signal(bits_for(self.passes - 1))  # of the pass of the block that was read last

        write, taken, ends, read = Signal(), Signal(), Signal(), Signal()
        reading, again, free = Signal.like(number), Signal(), Signal()
        block = self.o.payload.block
        final = number == self.passes - 1
        m.d.comb += [
            self.i.ready.eq(held != self.depth),
            write.eq(self.i.valid & self.i.ready),
            taken.eq(self.o.valid & self.o.ready),
            ends.eq(self.o.valid & block.last),  # what is read next begins a pass
            again.eq(ends & ~final),
            reading.eq(Mux(ends, Mux(final, 0, number + 1), number)),
            read.eq((taken | ~self.o.valid) & (again | ahead.any())),
            free.eq(read & (reading == self.passes - 1)),
        ]
        with m.If(read | (taken & ends)):
            m.d.sync += number.eq(reading)
        with m.If(taken | ~self.o.valid):
            m.d.sync += self.o.valid.eq(read)
        m.d.sync += [
            held.eq(held + write - free),
            ahead.eq(Mux(again & read, held, ahead) + write - read),
        ]
        with m.If(free):
            m.d.sync += begin.eq(self._after(memory.read_address))
        self._addresses(m, memory, write=write, read=read, first=again, begin=begin)
        m.d.comb += [
            memory.write_data.eq(self.i.payload),
            block.eq(memory.read_data),
            self.o.payload.final.eq(final),
        ]
        return m

    def _addresses(self, m, memory, *, write, read, first, begin):
        """Where to write and read; the ``first`` block of a further pass is at ``begin``."""
        write_address, next_address = Signal.like(begin), Signal.like(begin)
        m.d.comb += [
            memory.write_address.eq(write_address),
            memory.write_enable.eq(write),
            memory.read_address.eq(Mux(first, begin, next_address)),
            memory.read_enable.eq(read),
        ]
        with m.If(write):
            m.d.sync += write_address.eq(self._after(write_address))
        with m.If(read):
            m.d.sync += next_address.eq(self._after(memory.read_address))

    def _after(self, address):
        return Mux(address == self.depth - 1, 0, address + 1)
