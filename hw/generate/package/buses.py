"""Which ports belong together: AMBA's buses, found by the names of their signals."""

from collections.abc import Iterable
from dataclasses import dataclass

from hw.stream.axi import Port


__all__ = ["AXI4", "AXI4_LITE", "AXI4_STREAM", "Bus", "Interface", "interfaces"]


@dataclass(frozen=True)
class Bus:
    """A bus of AMBA.

    Attributes
    ----------
    title : str
        Its name for people.
    name, version : str
        Those of Arm's bus definition for IP-XACT, of the library AMBA4.
    identifier : str
        Its name in identifiers.
    """

    title: str
    name: str
    version: str
    identifier: str


AXI4 = Bus("AXI4", "AXI4", "r0p0_0", "axi4")
AXI4_LITE = Bus("AXI4-Lite", "AXI4-Lite", "r0p0_0", "axi4_lite")
AXI4_STREAM = Bus("AXI4-Stream", "AXI4Stream", "r0p0_1", "axi4_stream")

_ADDRESS = "id addr len size burst lock cache prot qos region user valid ready"
_CHANNELS = {"aw": _ADDRESS, "w": "data strb last user valid ready",
             "b": "id resp user valid ready", "ar": _ADDRESS,
             "r": "id data resp last user valid ready",
             "t": "data strb keep last id dest user valid ready"}
_CHANNEL_OF = {channel + signal: channel for channel, signals in _CHANNELS.items()
               for signal in signals.split()}


@dataclass(frozen=True)
class Interface:
    """Ports that form a bus.

    Attributes
    ----------
    name : str
        What the names of its ports begin with.
    bus : Bus
    signals : dict of str to Port
        By AMBA's names in lower case, such as ``tdata``, in the order of the ports.
    """

    name: str
    bus: Bus
    signals: dict[str, Port]

    @property
    def master(self) -> bool:
        """Whether the design begins transfers; else it is the slave."""
        begins = next(name for name in ("tvalid", "awvalid", "arvalid") if name in self.signals)
        return self.signals[begins].direction == "out"

    @property
    def role(self) -> str:
        """``master`` or ``slave``."""
        return "master" if self.master else "slave"

    def width(self, signal: str) -> int:
        """Bits of a signal; 0 if the interface has none of that name."""
        return self.signals[signal].width if signal in self.signals else 0

    @property
    def data_width(self) -> int:
        """Bits of a beat."""
        return max(map(self.width, ("tdata", "wdata", "rdata")))

    @property
    def address_width(self) -> int:
        """Bits of an address; 0 of a stream."""
        return max(map(self.width, ("awaddr", "araddr")))

    @staticmethod
    def split(signal: str) -> tuple[str, str]:
        """Channel and name in it: ``aw`` and ``addr`` of ``awaddr``, ``t`` and ``data``."""
        channel = _CHANNEL_OF[signal]
        return channel, signal.removeprefix(channel)


def interfaces(ports: Iterable[Port]) -> list[Interface]:
    """The buses that ports form, in the order of their first ports."""
    groups: dict[str, dict[str, Port]] = {}
    for port in ports:
        prefix, _, signal = port.name.rpartition("_")
        if prefix and signal in _CHANNEL_OF:
            groups.setdefault(prefix, {})[signal] = port
    return [Interface(prefix, bus, signals) for prefix, signals in groups.items()
            if (bus := _bus(signals.keys()))]


def _bus(signals: Iterable[str]) -> Bus | None:
    present = set(signals)
    if "tvalid" in present:
        return AXI4_STREAM
    if present & {"awlen", "arlen"}:  # bursts are what AXI4-Lite does not have
        return AXI4
    return AXI4_LITE if present & {"awvalid", "arvalid"} else None
