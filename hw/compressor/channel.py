"""Parameters of the channels: loaded once per layer, handed out block by block."""

from amaranth.hdl import Cat, Module, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design
from hw.stream.members import only_if
from hw.stream.memory import Memory
from hw.stream.payloads import Block
from hw.stream.register import StreamRegister, fill


__all__ = ["ChannelBeat", "ChannelStage"]


class ChannelBeat(data.StructLayout):
    """Parameters of the M channels of one block of a token.

    Fields
    ------
    factors : ArrayLayout(unsigned(coefficients), m)
        With coefficients.
    shifts : ArrayLayout(signed(bits), m)
        With a shift by channel.
    last : unsigned(1)
        Whether the block is the token's last.
    """

    def __init__(self, design: Design):
        size, bits = design.pattern.m, design.number.bits
        super().__init__({
            **only_if(design.coefficients, factors=data.ArrayLayout(design.coefficients, size)),
            **only_if(design.shift == "channel", shifts=data.ArrayLayout(signed(bits), size)),
            "last": 1,
        })


class ChannelStage(wiring.Component):
    """Adds to each block the parameters of its place in the token.

    ``i_coef`` carries one beat for each block of a token, in order, ``last`` on the last one. Once
    its first beat is on offer, the token that is inside goes on, and the next one waits until the
    load has ended. What is taken before the load's first beat has the parameters of before, what
    is taken after its last one has the new ones, and nothing is taken in between: ready of either
    stream depends on no valid. After reset no token passes before the first load: contents are
    not reset. A token may have as many blocks as were loaded, at most ``design.max_blocks``.
    Latency one cycle, one block per cycle; a load takes one cycle more than it has beats.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(Block(design[, "eta"])))
    i_coef : In(stream.Signature(ChannelBeat(design)))
    o : Out(stream.Signature(Block(design[, "eta"], "factors" and/or "shifts")))
    """

    latency = 1
    interval = 1

    def __init__(self, design: Design):
        eta = ("eta",) if design.dynamic_shift else ()
        self.names = [name for name in ChannelBeat(design).members if name != "last"]
        super().__init__({
            "i": In(stream.Signature(Block(design, *eta))),
            "i_coef": In(stream.Signature(ChannelBeat(design))),
            "o": Out(stream.Signature(Block(design, *eta, *self.names))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        width = self.design.channel_bits * self.design.pattern.m
        m.submodules.register = register = StreamRegister(self.i.payload.shape())
        m.submodules.memory = memory = Memory(width, self.design.max_blocks)
        load, write, read = self.i_coef, Signal(), Signal()
        inside = Signal()  # of a token: some of its blocks were taken, its last one was not
        loading, loaded = Signal(), Signal()
        enter = Signal()  # a block may
        m.d.comb += [
            enter.eq(inside | (loaded & ~loading)),
            register.i.payload.eq(self.i.payload),
            register.i.valid.eq(self.i.valid & enter),
            self.i.ready.eq(register.i.ready & enter),
            load.ready.eq(loading & ~inside),
            read.eq(self.i.valid & self.i.ready),
            write.eq(load.valid & load.ready),
        ]
        with m.If(read):
            m.d.sync += inside.eq(~self.i.payload.last)
        with m.If(load.valid):
            m.d.sync += loading.eq(1)
        with m.If(write & load.payload.last):
            m.d.sync += [loading.eq(0), loaded.eq(1)]
        self._place(m, memory.read_address, read, self.i.payload.last)
        self._place(m, memory.write_address, write, load.payload.last)

        parameters = data.View(data.StructLayout(
            {name: load.payload.shape()[name].shape for name in self.names}), memory.read_data)
        m.d.comb += [
            memory.read_enable.eq(read),
            memory.write_enable.eq(write),
            memory.write_data.eq(Cat(Value.cast(load.payload[name]) for name in self.names)),
            self.o.valid.eq(register.o.valid),
            register.o.ready.eq(self.o.ready),
        ]
        fill(m, self.o.payload, register.o.payload,
             **{name: parameters[name] for name in self.names})
        return m

    def _place(self, m, address, step, last):
        """Count the blocks of a token."""
        place = Signal.like(address)
        m.d.comb += address.eq(place)
        with m.If(step):
            m.d.sync += place.eq(place + 1)
            with m.If(last):
                m.d.sync += place.eq(0)
