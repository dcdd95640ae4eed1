"""What all generated designs have in common: ports, and the streams that several share."""

from amaranth.hdl import Cat, ClockDomain, Module, Value
from amaranth.lib import wiring

from hw.config import Design
from hw.stream.axi import Axis, Port, members
from hw.stream.payloads import Asked


__all__ = ["ASKED_MEANINGS", "StreamTop", "Top", "asked_user", "coef_axis", "connect_coef",
           "dense_axis", "joined"]


ASKED_MEANINGS = {"n": "how many to keep of each block, from 1 to its size",
                   "size": "log2 of the size of a block, from 1 to log2 M"}


class Top(wiring.Component):
    """A component of the inside with the port names of the outside.

    Attributes
    ----------
    ports : list of Port
        Every port but those of clock and reset, in order.
    latency : int
        Cycles from an input to the output that depends on it; 0 is combinational.
    interval : int
        Cycles from one input to the next.
    """

    def __init__(self, design: Design, inside, ports: list[Port]):
        self.design = design
        self.inside = inside
        self.ports = ports
        # Amaranth adds ``clk`` and ``rst`` by itself.
        super().__init__(members([*(self.control if self._inverts else []), *ports]))

    @property
    def control(self) -> list[Port]:
        """Clock and reset; none of a combinational design."""
        if not self.latency:
            return []
        level = self.design.reset.replace("_", " ")
        return [Port("clk", "in", 1, "clock, rising edge"),
                Port("rst_n" if self._inverts else "rst", "in", 1, f"synchronous reset, {level}")]

    @property
    def _inverts(self) -> bool:
        """Whether the reset of the outside is the inverse of that of the inside."""
        return self.design.reset == "active_low"

    def module(self) -> Module:
        """Return an empty module whose parts see an active-high reset."""
        m = Module()
        if self._inverts:
            m.domains.sync = domain = ClockDomain("sync")
            domain.clk = self.clk
            m.d.comb += domain.rst.eq(~self.rst_n)
        return m

    @property
    def latency(self) -> int:
        """Cycles from an input to the output that depends on it."""
        return self.inside.latency

    @property
    def interval(self) -> int:
        """Cycles from one input to the next."""
        return getattr(self.inside, "interval", 1)


class StreamTop(Top):
    """A component with one stream in, ``i``, and one out, ``o``."""

    def __init__(self, design: Design, inside, sink: Axis, source: Axis, *more: Port):
        super().__init__(design, inside, [*sink.ports, *source.ports, *more])
        self.sink = sink
        self.source = source

    def elaborate(self, platform):
        m = self.module()
        m.submodules.inside = inside = self.inside
        self.sink.connect(m, self, inside.i, **self.sink_parts(inside.i.payload))
        self.source.connect(m, self, inside.o, **self.source_parts(inside.o.payload))
        return m

    def sink_parts(self, payload) -> dict:
        """``tdata``, ``tuser`` and ``tlast`` of the input: a dense block unless overridden."""
        return {"data": payload.values, "last": payload.last}


def dense_axis(prefix: str, design: Design, **user) -> Axis:
    return Axis(prefix, design.pattern.m * design.number.bits,
                "M values of one block, feature 0 lowest",
                "last block of the token", **user, padded=design.pad_streams)


def joined(parts) -> Value:
    """Parts as one value that can be read or assigned, the first one lowest."""
    return Cat(Value.cast(part) for part in parts)


def _channel_parts(design: Design) -> list[str]:
    """What a beat of channel parameters holds, the lowest first."""
    parts = [f"M unsigned coefficients of {design.coefficients} bits"] * bool(design.coefficients)
    return parts + [f"M signed shifts of {design.number.bits} bits"] * (design.shift == "channel")


def coef_axis(design: Design) -> Axis:
    return Axis("s_axis_coef", design.channel_bits * design.pattern.m,
                "parameters of the M channels of one block: "
                + " and then ".join(_channel_parts(design)), "last block of the token",
                padded=design.pad_streams)


def connect_coef(m: Module, top, load) -> None:
    names = [name for name in load.payload.shape().members if name != "last"]
    top.coef.connect(m, top, load, data=joined(load.payload[name] for name in names),
                     last=load.payload.last)


def asked_user(design: Design) -> dict:
    """``tuser`` of a stream whose beats ask for a pattern, as parameters of its ``Axis``."""
    if design.flexible == "none":
        return {}
    asked = Asked(design.pattern, design.flexible)
    return {"user": asked.size,
            "user_meaning": "; above it: ".join(ASKED_MEANINGS[name] for name in asked.members)}
