"""AXI4 (ARM IHI 0022), watched at the master's ports; and the bursts that it is made of."""

from typing import ClassVar

from amaranth.hdl import Cat, Module, Mux, Signal, Value, ValueLike

from hw.bus.bursts import Bursts
from hw.bus.read_port import ReadPort
from hw.bus.writer import Writer
from hw.config import Design
from verify.formal.claim import Claim
from verify.formal.stream import stays


__all__ = ["BurstsClaim", "MasterClaim", "ReadsClaim", "WritesClaim"]


_PAGE = 4096
"""Bytes of the region that no burst may leave (A3.4.1)."""


class MasterClaim(Claim):
    """Channels of a master before a memory that answers in any order, but only what was asked."""

    def _channel(self, kind: str) -> tuple[Value, Value, Value]:
        """Valid and ready of a channel, and all else that the master says there."""
        bus, skip = self.inside.bus, (f"{kind}valid", f"{kind}ready")
        said = [name for name in bus.signature.members
                if name.startswith(kind) and name not in skip]
        return (getattr(bus, f"{kind}valid"), getattr(bus, f"{kind}ready"),
                Cat(Value.cast(getattr(bus, name)) for name in said))

    def _stays(self, m: Module, kind: str) -> Value:
        """Whether what was on offer in a channel and not taken is gone, or another one."""
        valid, ready, said = self._channel(kind)
        return stays(m, _Offer(valid, ready, said))

    def _crosses(self, kind: str) -> Value:
        """Whether a burst on offer is none of INCR with whole beats, or leaves its page."""
        bus, design = self.inside.bus, self.inside.design
        address = getattr(bus, f"{kind}addr")[:_PAGE.bit_length() - 1]
        beats = getattr(bus, f"{kind}len") + 1
        size = design.bus_bytes.bit_length() - 1
        return getattr(bus, f"{kind}valid") & (
            ((address >> size << size) + (beats << size) > _PAGE)
            | (address[:size] != 0) | (getattr(bus, f"{kind}size") != size)
            | (getattr(bus, f"{kind}burst") != 1))

    def _offers_in_reset(self, m: Module, *offers: Value) -> Value:
        """Whether something is on offer in the cycle after a reset."""
        running = Signal()
        m.d.sync += running.eq(1)
        return Cat(offers).any() & ~running


class _Offer:
    """A channel, as a stream."""

    def __init__(self, valid, ready, payload):
        self.valid, self.ready, self.payload = valid, ready, payload


class ReadsClaim(MasterClaim):
    """The read channels, whatever legal bursts the readers ask for, and whether they keep to it.

    The memory ends no burst that it was not asked for.
    """

    rules: ClassVar = {
        "stays": "ARVALID stays until ARREADY, and nothing in the channel changes (A3.2.1)",
        "reset": "ARVALID is low in the cycle after a reset (A3.1.2)",
        "burst": "a burst is INCR of whole beats inside its 4 KiB (A3.4.1)",
        "flying": "no more bursts are in flight than the design says",
        "takes": "RREADY is always high: words have a place before they are asked for",
    }

    def __init__(self, design: Design, ids: dict[str, int]):
        self.ids = ids
        first, second, *_ = reversed(ids)
        self.flying = Signal(range(design.outstanding + 2))
        super().__init__(ReadPort(design, ids, (second, first)))

    def watch(self, m: Module):
        """Count what is asked for and what has ended."""
        bus, flying = self.inside.bus, self.flying
        m.d.sync += flying.eq(flying + (bus.arvalid & bus.arready) - (bus.rvalid & bus.rlast))
        return {
            "stays": self._stays(m, "ar"), "reset": self._offers_in_reset(m, bus.arvalid),
            "burst": self._crosses("ar"), "flying": flying > self.inside.design.outstanding,
            "takes": ~bus.rready,
        }

    def excluded(self, m: Module) -> ValueLike:
        """The end of a burst that is not in flight, and bursts that no reader asks for."""
        bus, design = self.inside.bus, self.inside.design
        asks = [getattr(self.inside, f"asks_{name}") for name in self.ids]
        return (bus.rvalid & bus.rlast & (self.flying == 0)) | Cat(
            ask.valid & _strays(ask.payload, design.burst_beats) for ask in asks).any()


class WritesClaim(MasterClaim):
    """The write channels, whatever runs and elements come and whenever they are dropped.

    The memory answers no burst that was not written.
    """

    rules: ClassVar = {
        "address_stays": "AWVALID stays until AWREADY, and nothing in the channel changes (A3.2.1)",
        "data_stay": "WVALID stays until WREADY, and nothing in the channel changes (A3.2.1)",
        "reset": "AWVALID and WVALID are low in the cycle after a reset (A3.1.2)",
        "burst": "a burst is INCR of whole beats inside its 4 KiB (A3.4.1)",
        "owed": "data belong to a burst that was asked for: no more beats than AWLEN says (A3.4.1)",
        "last": "WLAST comes with the last beat of its burst, and with no other (A3.4.1)",
        "here": "the beats of a burst that was asked for follow each other: none is waited for",
        "flying": "no more bursts are without an answer than the design says",
        "takes": "BREADY is always high",
    }

    def __init__(self, design: Design, size: int):
        self.flying = Signal(range(design.outstanding + 2))
        self.left = Signal(9)  # beats of the bursts that were asked for
        super().__init__(Writer(design, size, 1))

    def watch(self, m: Module):
        """Count beats and bursts."""
        bus, left = self.inside.bus, self.left
        waits, owed = Signal(), Signal.like(left)
        m.d.sync += waits.eq(bus.awvalid & ~bus.awready)
        asked, moves = bus.awvalid & ~waits, bus.wvalid & bus.wready
        m.d.comb += owed.eq(Mux(asked, left + bus.awlen + 1, left))
        m.d.sync += [left.eq(owed - moves),
                     self.flying.eq(self.flying + asked - (bus.bvalid & bus.bready))]
        return {
            "address_stays": self._stays(m, "aw"), "data_stay": self._stays(m, "w"),
            "reset": self._offers_in_reset(m, bus.awvalid, bus.wvalid),
            "burst": self._crosses("aw"), "owed": bus.wvalid & (owed == 0),
            "last": bus.wvalid & (bus.wlast != (owed == 1)),
            "here": ~bus.wvalid & (owed != 0),
            "flying": self.flying > self.inside.design.outstanding, "takes": ~bus.bready,
        }

    def excluded(self, m: Module) -> ValueLike:
        """An answer to no burst, and runs of nothing or from within an element."""
        return (self.inside.bus.bvalid & (self.flying == 0)) | _stray(self.inside.runs,
                                                                      self.inside.size)


class BurstsClaim(Claim):
    """Runs of elements that become bursts.

    Runs are of at least one element and end before the last address.
    """

    rules: ClassVar = {
        "stays": "an offered burst stays, unchanged, until it is taken",
        "region": "a burst has a beat, and stays inside an aligned region of so many beats as the "
                  "longest one has",
        "covers": "bursts of a run follow each other from its first word to its last one",
        "offered": "until then one is on offer in every cycle",
    }

    def __init__(self, design: Design, size: int, bits: int):
        super().__init__(Bursts(design, size, bits))

    def watch(self, m: Module):
        """Follow the words of a run."""
        inside = self.inside
        run, burst, shift = inside.i, inside.o, inside.design.bus_bytes.bit_length() - 1
        size = (inside.size - 1).bit_length()
        word, left = Signal.like(burst.payload.word), Signal(inside.bits + size + 2)
        end = Signal(len(left) + shift)
        m.d.comb += end.eq(run.payload.address[:shift] + inside.bytes_of(run.payload.elements)
                           + (inside.design.bus_bytes - 1))
        with m.If(run.valid & run.ready):
            m.d.sync += [word.eq(run.payload.address[shift:]), left.eq(end >> shift)]
        with m.If(burst.valid & burst.ready):
            m.d.sync += [word.eq(word + burst.payload.beats), left.eq(left - burst.payload.beats)]
        return {
            "stays": stays(m, burst),
            "region": burst.valid & _strays(burst.payload, inside.longest),
            "covers": burst.valid & ((burst.payload.word != word) | (burst.payload.beats > left)),
            "offered": burst.valid == (left == 0),
        }

    def excluded(self, m: Module) -> ValueLike:
        """Runs of nothing, and from within an element."""
        return _stray(self.inside.i, self.inside.size)


def _strays(burst, longest: int) -> Value:
    """Whether a burst has no beat, or leaves its region."""
    place = burst.word[:longest.bit_length() - 1] if longest > 1 else 0
    return (burst.beats == 0) | (place + burst.beats > longest)


def _stray(run, size: int) -> Value:
    """Whether a run has no element, or begins within one."""
    within = run.payload.address[:(size & -size).bit_length() - 1]
    return run.valid & ((run.payload.elements == 0) | (within != 0))
