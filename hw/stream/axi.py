"""AXI4-Stream and AXI4-Lite at the border of a generated design.

Inside, streams are :class:`amaranth.lib.stream.Signature`; only tops wear AMBA's names.
"""

from dataclasses import dataclass

from amaranth.hdl import C, Module, Value
from amaranth.lib.wiring import In, Out


__all__ = ["Axis", "Port", "members"]


@dataclass(frozen=True)
class Port:
    """One port of a top: ``direction`` is ``in`` or ``out``, ``width`` in bits."""

    name: str
    direction: str
    width: int
    meaning: str


def members(ports: list[Port]) -> dict:
    """Component members for a list of ports."""
    return {port.name: (In if port.direction == "in" else Out)(port.width) for port in ports}


def _bytes(bits: int) -> int:
    """Bytes that hold ``bits``."""
    return -(-bits // 8)


@dataclass(frozen=True)
class Axis:
    """An AXI4-Stream interface of a top (ARM IHI 0051).

    Parameters
    ----------
    prefix : str
        Name of the interface, such as ``s_axis`` or ``m_axis_result``.
    data, user : int
        Bits of payload in ``tdata`` (filled up to whole bytes) and in ``tuser`` (0: no ``tuser``).
    meaning, user_meaning : str
        What they carry.
    last_meaning : str
        What ``tlast`` marks.
    padded : bool
        Whether ``tdata`` has a power of two of bytes, and ``tkeep`` marks those that count, always
        the same. That of a sink is ignored.
    """

    prefix: str
    data: int
    meaning: str
    last_meaning: str
    user: int = 0
    user_meaning: str = ""
    padded: bool = False

    @property
    def bytes(self) -> int:
        """Bytes of ``tdata``, zeros at the top."""
        count = _bytes(self.data)
        return 1 << (count - 1).bit_length() if self.padded else count

    @property
    def ports(self) -> list[Port]:
        """The ports of the interface; a prefix that starts with ``s`` is a sink."""
        forth, back = ("in", "out") if self.prefix.startswith("s") else ("out", "in")
        ports = [
            Port(f"{self.prefix}_tdata", forth, 8 * self.bytes, self.meaning),
            Port(f"{self.prefix}_tvalid", forth, 1, "a beat is offered"),
            Port(f"{self.prefix}_tready", back, 1, "the beat is taken"),
            Port(f"{self.prefix}_tlast", forth, 1, self.last_meaning),
        ]
        if self.user:
            ports.insert(1, Port(f"{self.prefix}_tuser", forth, self.user, self.user_meaning))
        if self.padded:
            ports.insert(1, Port(f"{self.prefix}_tkeep", forth, self.bytes,
                                 "ignored" if forth == "in" else "bytes of tdata that count"))
        return ports

    def connect(self, m: Module, top, stream, *, data, last, user=None) -> None:
        """Wire the interface of ``top`` to a stream of the inside.

        ``data``, ``last`` and ``user`` are the parts of the stream's payload; the rest of a
        padded ``tdata`` is ignored (sink) or zero (source).
        """
        def port(name):
            return getattr(top, f"{self.prefix}_{name}")

        data = Value.cast(data)
        pairs = [(port("tdata")[:len(data)], data), (port("tlast"), last),
                 (port("tvalid"), stream.valid)]
        if user is not None:
            pairs.append((port("tuser"), Value.cast(user)))
        if self.prefix.startswith("s"):
            m.d.comb += [inside.eq(outside) for outside, inside in pairs]
            m.d.comb += port("tready").eq(stream.ready)
        else:
            if self.padded:
                pairs.append((port("tkeep"), C((1 << _bytes(self.data)) - 1, self.bytes)))
            m.d.comb += [outside.eq(inside) for outside, inside in pairs]
            m.d.comb += stream.ready.eq(port("tready"))
