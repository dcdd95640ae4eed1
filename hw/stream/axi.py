"""AXI4-Stream and AXI4-Lite at the border of a generated design.

Inside, streams are :class:`amaranth.lib.stream.Signature`; only tops wear AMBA's names.
"""

from dataclasses import dataclass

from amaranth.hdl import Module, Value
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
    """Bits of a ``tdata`` that holds ``bits``: whole bytes, zeros at the top."""
    return -(-bits // 8) * 8


@dataclass(frozen=True)
class Axis:
    """An AXI4-Stream interface of a top (ARM IHI 0051).

    Parameters
    ----------
    prefix : str
        Name of the interface, such as ``s_axis`` or ``m_axis_result``.
    data, user : int
        Bits of payload in ``tdata`` (padded to whole bytes) and in ``tuser`` (0: no ``tuser``).
    meaning, user_meaning : str
        What they carry.
    last_meaning : str
        What ``tlast`` marks.
    """

    prefix: str
    data: int
    meaning: str
    last_meaning: str
    user: int = 0
    user_meaning: str = ""

    @property
    def ports(self) -> list[Port]:
        """The ports of the interface; a prefix that starts with ``s`` is a sink."""
        forth, back = ("in", "out") if self.prefix.startswith("s") else ("out", "in")
        ports = [
            Port(f"{self.prefix}_tdata", forth, _bytes(self.data), self.meaning),
            Port(f"{self.prefix}_tvalid", forth, 1, "a beat is offered"),
            Port(f"{self.prefix}_tready", back, 1, "the beat is taken"),
            Port(f"{self.prefix}_tlast", forth, 1, self.last_meaning),
        ]
        if self.user:
            ports.insert(1, Port(f"{self.prefix}_tuser", forth, self.user, self.user_meaning))
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
            m.d.comb += [outside.eq(inside) for outside, inside in pairs]
            m.d.comb += stream.ready.eq(port("tready"))
