"""Double buffering: one half of a memory is filled while the other one is read."""

from amaranth.hdl import Module, Signal


__all__ = ["Halves"]


class Halves:
    """Two halves that are filled and released in turn, as statements of a buffer."""

    def __init__(self, m: Module, full: Signal, *, filled, release, clear):
        self.filling, reading = Signal(name="filling"), Signal(name="reading")
        with m.If(release):
            m.d.sync += [full.bit_select(reading, 1).eq(0), reading.eq(~reading)]
        with m.If(filled):
            m.d.sync += [full.bit_select(self.filling, 1).eq(1), self.filling.eq(~self.filling)]
        with m.If(clear):
            m.d.sync += [full.eq(0), self.filling.eq(0), reading.eq(0)]
        self.free = ~full.bit_select(self.filling, 1)
