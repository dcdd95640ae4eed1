"""Payloads that streams carry, and the register between two streams."""

from amaranth.hdl import Module, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern


__all__ = ["CompressedBlock", "DenseBlock", "StreamRegister"]


class DenseBlock(data.StructLayout):
    """The M values of one block of a token.

    Fields
    ------
    values : ArrayLayout(signed(width), m)
        Feature 0 of the block first.
    last : unsigned(1)
        Whether the block is the token's last.
    """

    def __init__(self, pattern: Pattern, width: int):
        super().__init__({
            "values": data.ArrayLayout(signed(width), pattern.m),
            "last": 1,
        })


class CompressedBlock(data.StructLayout):
    """The N kept values of one block, in ascending feature order, with the bitmask.

    Fields
    ------
    values : ArrayLayout(signed(width), n)
    mask : unsigned(m)
        Bit ``j`` is set where feature ``j`` of the block is kept; exactly N bits are set.
    last : unsigned(1)
        Whether the block is the token's last.
    """

    def __init__(self, pattern: Pattern, width: int):
        super().__init__({
            "values": data.ArrayLayout(signed(width), pattern.n),
            "mask": pattern.m,
            "last": 1,
        })


class StreamRegister(wiring.Component):
    """Registers a stream: payload and valid leave from flip-flops.

    Latency one cycle, one transfer per cycle. ``i.ready`` depends on ``o.ready`` within the
    cycle, ``o.valid`` depends on nothing but registers. Reset empties the register.

    Parameters
    ----------
    shape : ShapeLike
        Payload of both streams.

    Members
    -------
    i : In(stream.Signature(shape))
    o : Out(stream.Signature(shape))
    """

    latency = 1
    interval = 1

    def __init__(self, shape):
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
        })
        self.shape = shape

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.i.ready.eq(self.o.ready | ~self.o.valid)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += self.o.payload.eq(self.i.payload)
        return m
