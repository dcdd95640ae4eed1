"""Where in an element of memory the parts of a stream's beat are."""

from collections.abc import Iterator

from amaranth.hdl import Cat, Value

from hw.config import Design
from hw.layouts import rounded, weight_scale_bit


__all__ = ["parts"]


def parts(name: str, payload, design: Design) -> Iterator[tuple[int, Value]]:
    """Bit of an element, and the part of a beat that is there; other bits are not used.

    Parameters
    ----------
    name : str
        One of :data:`hw.layouts.STREAMS`.
    payload : View
        A beat of that stream.
    design : Design
        Of which the beat is.
    """
    if name == "weight":
        # Feature by feature, so that features which no token keeps could be left out.
        for feature in range(design.pattern.m):
            for column in range(design.columns):
                place = feature * rounded(design.columns) + column
                yield place * design.weight.bits, Value.cast(payload.blocks[column][feature])
        if design.quantized:
            yield weight_scale_bit(design), Value.cast(payload.scales)
    else:
        yield 0, Cat(Value.cast(payload[field]) for field in payload.shape().members
                     if field != "last")
