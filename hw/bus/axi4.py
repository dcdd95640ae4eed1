"""AXI4 from a master to a memory."""

from types import SimpleNamespace

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Design
from hw.stream.axi import Port


__all__ = ["ID_WIDTH", "Axi4", "Burst", "MemoryRun", "Word", "WordRun", "constants"]


ID_WIDTH = 3
_INCREMENT = 0b01
_MODIFIABLE = 0b0011


def _address(kind: str, verb: str, design: Design) -> dict:
    """Members of an address channel by name, with their meaning."""
    return {
        f"{kind}id": (Out(ID_WIDTH), f"what is {verb}"),
        f"{kind}addr": (Out(design.address_width), "address in bytes of the first beat"),
        f"{kind}len": (Out(8), "beats less one"),
        f"{kind}size": (Out(3), "bytes of a beat, to the base 2; always all"),
        f"{kind}burst": (Out(2), "always INCR"),
        f"{kind}lock": (Out(1), "always 0"),
        f"{kind}cache": (Out(4), "always modifiable and bufferable"),
        f"{kind}prot": (Out(3), "always 0"),
        f"{kind}qos": (Out(4), "always 0"),
        f"{kind}valid": (Out(1), "a burst is asked for"),
        f"{kind}ready": (In(1), "the burst is accepted"),
    }


def _reads(design: Design) -> dict:
    return {
        **_address("ar", "read", design),
        "rid": (In(ID_WIDTH), "what was read"),
        "rdata": (In(design.bus_width), "data"),
        "rresp": (In(2), "0 or 1, or an error"),
        "rlast": (In(1), "last beat of the burst"),
        "rvalid": (In(1), "a beat is offered"),
        "rready": (Out(1), "always 1: room was reserved"),
    }


def _writes(design: Design) -> dict:
    return {
        **_address("aw", "written", design),
        "wdata": (Out(design.bus_width), "data"),
        "wstrb": (Out(design.bus_bytes), "bytes to write"),
        "wlast": (Out(1), "last beat of the burst"),
        "wvalid": (Out(1), "a beat is offered"),
        "wready": (In(1), "the beat is taken"),
        "bid": (In(ID_WIDTH), "what was written"),
        "bresp": (In(2), "0 or 1, or an error"),
        "bvalid": (In(1), "a response is offered"),
        "bready": (Out(1), "always 1"),
    }


_HALVES = {"read": _reads, "write": _writes}


class Axi4(wiring.Signature):
    """AXI4 (ARM IHI 0022): from a master to a memory. Members have AMBA's names, in lower case.

    Members
    -------
    read, write : Out(Axi4.half(name, design))
        The channels of reads, and of writes.
    """

    def __init__(self, design: Design):
        super().__init__({name: Out(self.half(name, design)) for name in _HALVES})

    @staticmethod
    def half(name: str, design: Design) -> wiring.Signature:
        """The channels of reads, or of writes."""
        return wiring.Signature({name: member
                                 for name, (member, _) in _HALVES[name](design).items()})

    @staticmethod
    def ports(prefix: str, design: Design) -> list[Port]:
        """The ports of a top that is such a master."""
        return [Port(f"{prefix}_{name}", "out" if member.flow == Out else "in", member.shape,
                     meaning)
                for signals in _HALVES.values()
                for name, (member, meaning) in signals(design).items()]

    @staticmethod
    def memory(top, prefix: str, design: Design) -> SimpleNamespace:
        """The memory behind these ports of ``top``, as an interface to connect."""
        return SimpleNamespace(signature=Axi4(design).flip(), **{
            half: SimpleNamespace(signature=Axi4.half(half, design).flip(), **{
                name: getattr(top, f"{prefix}_{name}") for name in signals(design)})
            for half, signals in _HALVES.items()})


def constants(bus, kind: str, design: Design) -> list:
    """Statements for what never changes of the address channel ``ar`` or ``aw``."""
    values = {"size": design.bus_bytes.bit_length() - 1, "burst": _INCREMENT, "lock": 0,
              "cache": _MODIFIABLE, "prot": 0, "qos": 0}
    return [getattr(bus, f"{kind}{name}").eq(value) for name, value in values.items()]


class MemoryRun(data.StructLayout):
    """Consecutive elements in memory.

    Parameters
    ----------
    design : Design
    bits : int
        Bits of their number.

    Fields
    ------
    address : unsigned
        Of the first one, in bytes.
    elements : unsigned(bits)
        How many, at least one.
    last : unsigned(1)
        Whether the packet of the stream ends with the run.
    """

    def __init__(self, design: Design, bits: int = 32):
        super().__init__({"address": design.address_width, "elements": bits, "last": 1})


class WordRun(data.StructLayout):
    """The same once the words of a run are here: byte of the first word where it begins."""

    def __init__(self, design: Design, bits: int = 32):
        super().__init__({"place": design.bus_bytes.bit_length() - 1, "elements": bits, "last": 1})


class Burst(data.StructLayout):
    """Consecutive beats of the bus: number of the first one in memory, and how many."""

    def __init__(self, design: Design):
        word_bits = design.bus_bytes.bit_length() - 1
        super().__init__({"word": design.address_width - word_bits, "beats": 9})


class Word(data.StructLayout):
    """A beat of the bus on its way to the memory: data, and the bytes of it that are written."""

    def __init__(self, design: Design):
        super().__init__({"data": design.bus_width, "strobe": design.bus_bytes})
