"""What streams into a selecting stage, and what streams out of it."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from hw.config import Pattern
from hw.stream.payloads import Asked


__all__ = ["Scored", "Selected"]


class Scored(data.StructLayout):
    """A block on its way to a selector.

    Fields
    ------
    block : what accompanies the scores
    scores : ArrayLayout(unsigned(width), m)
    pattern : Asked, only where something is flexible
    """

    def __init__(self, block, pattern: Pattern, width: int, flexible: str = "none"):
        super().__init__({
            "block": block,
            "scores": data.ArrayLayout(unsigned(width), pattern.m),
            **({} if flexible == "none" else {"pattern": Asked(pattern, flexible)}),
        })


class Selected(data.StructLayout):
    """A block with its mask.

    Fields
    ------
    block : what accompanied the scores
    mask : unsigned(m)
        Bit ``j`` is set where lane ``j`` is kept.
    """

    def __init__(self, block, pattern: Pattern):
        super().__init__({"block": block, "mask": pattern.m})
