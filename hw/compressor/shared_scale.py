"""Blocks that wait for the others with which they share a scale."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.stream.fifo import StreamFifo
from hw.stream.register import fill


__all__ = ["MeasuredBlock", "SharedLargest"]


class MeasuredBlock(data.StructLayout):
    """A block, and the largest magnitude of its values: bits of bf16 without the sign."""

    def __init__(self, block: data.StructLayout, bits: int):
        super().__init__({"block": block, "largest": bits})


class SharedLargest(wiring.Component):
    """Gives every block the largest magnitude of all that share a scale with it.

    That is as many blocks of a token as make up a scale, or what its end leaves of them. They wait
    in a queue until the last one of them has come: latency two cycles from that, one block per
    cycle. Under back-pressure blocks wait in the queue; ``i.ready`` depends on registers alone.
    Reset forgets them.

    Parameters
    ----------
    measured : MeasuredBlock
    blocks : int
        How many share a scale, at least 2.

    Members
    -------
    i : In(stream.Signature(measured))
        With the largest magnitude of each block.
    o : Out(stream.Signature(measured))
        With that of all.
    """

    latency = StreamFifo.latency
    interval = 1

    def __init__(self, measured: MeasuredBlock, blocks: int):
        super().__init__({"i": In(stream.Signature(measured)),
                          "o": Out(stream.Signature(measured))})
        self.blocks = blocks

    def elaborate(self, platform):
        m = Module()
        given, largest = self.i.payload, self.i.payload.largest
        block = given.block.shape()
        # While those of one scale leave, the next ones come.
        m.submodules.waiting = waiting = StreamFifo(
            data.StructLayout({"block": block, "ends": 1}), 2 * self.blocks)
        # Every block that waits may be a token of its own.
        m.submodules.found = found = StreamFifo(largest.shape(), self.blocks + 1)
        count, before, most = Signal(range(self.blocks)), Signal.like(largest), Signal.like(largest)
        takes, ends = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(waiting.i.ready & found.i.ready),
            takes.eq(self.i.valid & self.i.ready),
            ends.eq(given.block.last | (count == self.blocks - 1)),
            most.eq(Mux((count != 0) & (before > largest), before, largest)),
            waiting.i.valid.eq(takes), waiting.i.payload.block.eq(given.block),
            waiting.i.payload.ends.eq(ends),
            found.i.valid.eq(takes & ends), found.i.payload.eq(most),
            self.o.valid.eq(waiting.o.valid & found.o.valid),
            waiting.o.ready.eq(found.o.valid & self.o.ready),
            found.o.ready.eq(self.o.ready & waiting.o.valid & waiting.o.payload.ends),
        ]
        fill(m, self.o.payload, waiting.o.payload, largest=found.o.payload)
        with m.If(takes):
            m.d.sync += [before.eq(most), count.eq(Mux(ends, 0, count + 1))]
        return m
