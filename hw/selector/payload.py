"""What streams into a selecting stage, and what streams out of it."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from hw.config import Pattern


__all__ = ["Asked", "Scored", "Selected"]


class Asked(data.StructLayout):
    """The pattern that a block asks for at run time.

    Fields
    ------
    n : range(m + 1)
        How many to keep of each block, from 1 to its size. Other values give no defined mask.
    size : range(log2(m) + 1), only where the size is asked for, too
        Logarithm of the block's size to the base 2, at least 1.
    """

    def __init__(self, pattern: Pattern, flexible: str):
        sizes = {"size": range(pattern.m.bit_length())} if flexible == "all" else {}
        super().__init__({"n": range(pattern.m + 1), **sizes})


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
