"""The register between two streams, and stages in a row."""

from amaranth.hdl import Cat, Module, Shape, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out


__all__ = ["StreamRegister", "chain", "end_stage", "fill", "relay"]


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

    @property
    def plain(self) -> "StreamRegister":
        """The same for payloads without fields: one module for all of that width."""
        return StreamRegister(Shape.cast(self.shape).width)

    @property
    def variant(self) -> str:
        """Bits of a payload."""
        return f"{Shape.cast(self.shape).width}"

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.i.ready.eq(self.o.ready | ~self.o.valid)
        with m.If(self.i.ready):
            m.d.sync += self.o.valid.eq(self.i.valid)
        with m.If(self.i.ready & self.i.valid):
            m.d.sync += self.o.payload.eq(self.i.payload)
        return m


def fill(m: Module, target, source, **fields) -> None:
    """Drive every field of a payload: by ``fields``, or by the field of ``source`` of that name."""
    for name in target.shape().members:
        value = fields[name] if name in fields else source[name]
        value = Cat(value) if isinstance(value, list) else Value.cast(value)
        m.d.comb += Value.cast(target[name]).eq(value)


def relay(m: Module, source, target) -> None:
    """Hand over a stream's transfers and ``last``; other fields of its payload are the caller's."""
    m.d.comb += [
        target.payload.last.eq(source.payload.last), target.valid.eq(source.valid),
        source.ready.eq(target.ready),
    ]


def end_stage(m: Module, stage: wiring.Component, **fields) -> StreamRegister:
    """Register what a stage gives: ``fields``, and what passes through it unchanged."""
    m.submodules.register = register = StreamRegister(stage.o.payload.shape())
    fill(m, register.i.payload, stage.i.payload, **fields)
    m.d.comb += [register.i.valid.eq(stage.i.valid), stage.i.ready.eq(register.i.ready)]
    wiring.connect(m, register.o, wiring.flipped(stage.o))
    return register


def chain(m: Module, component: wiring.Component, stages: dict[str, wiring.Component]) -> None:
    """Put stages with streams ``i`` and ``o`` in a row, from the component's ``i`` to its ``o``."""
    previous = wiring.flipped(component.i)
    for name, stage in stages.items():
        m.submodules[name] = stage
        wiring.connect(m, previous, stage.i)
        previous = stage.o
    wiring.connect(m, previous, wiring.flipped(component.o))
