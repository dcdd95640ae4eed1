"""Words that wait between two streams."""

from amaranth.hdl import Module, Mux, Shape, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.stream.memory import Memory


__all__ = ["StreamFifo"]


class StreamFifo(wiring.Component):
    """A queue of payloads in a memory. Latency two cycles, one transfer per cycle.

    Holds ``depth`` payloads in the memory and one at its output. ``i.ready`` and ``o.valid``
    depend on registers only. Reset empties it.

    Parameters
    ----------
    shape : ShapeLike
        Payload of both streams.
    depth : int
        Payloads that fit the memory.

    Members
    -------
    i : In(stream.Signature(shape))
    o : Out(stream.Signature(shape))
    empty : Out(1)
    """

    latency = 2

    def __init__(self, shape, depth: int):
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "empty": Out(1),
        })
        self.shape = shape
        self.depth = depth

    @property
    def plain(self) -> "StreamFifo":
        """The same for payloads without fields: one module for all of that size."""
        return StreamFifo(Shape.cast(self.shape).width, self.depth)

    @property
    def variant(self) -> str:
        """Payloads that fit, and bits of each."""
        return f"{self.depth}x{Shape.cast(self.shape).width}"

    def elaborate(self, platform):
        m = Module()
        payload = Value.cast(self.i.payload)
        m.submodules.memory = memory = Memory(len(payload), self.depth)
        stored = Signal(range(self.depth + 1))
        read_at, write_at = Signal(range(self.depth)), Signal(range(self.depth))
        write, read = Signal(), Signal()
        m.d.comb += [
            self.empty.eq((stored == 0) & ~self.o.valid),
            self.i.ready.eq(stored != self.depth),
            write.eq(self.i.valid & self.i.ready),
            read.eq((stored != 0) & (self.o.ready | ~self.o.valid)),
            memory.write_address.eq(write_at),
            memory.write_data.eq(payload),
            memory.write_enable.eq(write),
            memory.read_address.eq(read_at),
            memory.read_enable.eq(read),
            Value.cast(self.o.payload).eq(memory.read_data),
        ]
        for pointer, moves in ((write_at, write), (read_at, read)):
            with m.If(moves):
                m.d.sync += pointer.eq(Mux(pointer == self.depth - 1, 0, pointer + 1))
        m.d.sync += stored.eq(stored + write - read)
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += self.o.valid.eq(read)
        return m
