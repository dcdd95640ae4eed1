"""Keeps a loader in step with ``tlast``, whatever comes."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out


__all__ = ["Framer"]


class Framer(wiring.Component):
    """Cuts a stream of blocks into packets of a known length, and resynchronises on ``last``.

    A packet whose ``last`` comes early ends there; its missing blocks are written as zeros, one
    per cycle, while the stream waits. Of a packet whose ``last`` is late, the surplus beats are
    taken and dropped, up to and with the one that carries ``last``. Either way the next packet
    begins with the next beat. Combinational from the stream to the write; reset and ``drop``
    forget the packet.

    Parameters
    ----------
    largest : int
        Blocks of the longest packet.

    Members
    -------
    valid, last : In(1), ready : Out(1)
        The stream. ``ready`` depends on registers and ``enable`` only.
    enable : In(1)
        There is room for a block.
    blocks : In
        Length of the packet.
    drop : In(1)
        Take and forget everything.
    offers : Out(1)
        A block is there, whether there is room for it or not.
    at_end : Out(1)
        The block that is written next completes the packet.
    write : Out(1), block : Out
        A block is written, at this place of its packet.
    missing : Out(1)
        The block did not come: it is zero.
    ends : Out(1)
        This write completes the packet.
    error : Out(1)
        High for a cycle when ``last`` was early or late.
    """

    def __init__(self, largest: int):
        super().__init__({
            "valid": In(1), "last": In(1), "ready": Out(1),
            "enable": In(1), "blocks": In(range(largest + 1)), "drop": In(1),
            "offers": Out(1), "at_end": Out(1),
            "write": Out(1), "block": Out(range(largest)), "missing": Out(1), "ends": Out(1),
            "error": Out(1),
        })
        self.largest = largest

    @property
    def variant(self) -> str:
        """Blocks of the longest packet."""
        return f"{self.largest}"

    def elaborate(self, platform):
        m = Module()
        surplus = Signal()
        m.d.comb += [
            self.ready.eq(self.drop | surplus | (self.enable & ~self.missing)),
            self.offers.eq(~self.drop & (self.missing | (self.valid & ~surplus))),
            self.write.eq(self.enable & self.offers),
            self.at_end.eq(self.block == self.blocks - 1),
            self.ends.eq(self.write & self.at_end),
            self.error.eq(self.write & ~self.missing & (self.last != self.at_end)),
        ]
        with m.If(self.write):
            m.d.sync += self.block.eq(self.block + 1)
        with m.If(self.error):
            m.d.sync += [self.missing.eq(self.last), surplus.eq(~self.last)]
        with m.If(self.ends):
            m.d.sync += [self.block.eq(0), self.missing.eq(0)]
        with m.If(surplus & self.valid & self.last):
            m.d.sync += surplus.eq(0)
        with m.If(self.drop):
            m.d.sync += [self.block.eq(0), self.missing.eq(0), surplus.eq(0)]
        return m
