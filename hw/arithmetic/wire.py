"""A net of its own for a value."""

from amaranth.hdl import Module, Signal, Value


__all__ = ["wire"]


def wire(m: Module, value: Value) -> Signal:
    """A value as a net: whoever takes a bit of an expression would get gates of its own."""
    signal = Signal(value.shape())
    m.d.comb += signal.eq(value)
    return signal
