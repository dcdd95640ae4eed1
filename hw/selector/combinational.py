"""What all combinational selectors look like from outside."""

from amaranth.hdl import unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern


__all__ = ["CombinationalSelector"]


class CombinationalSelector(wiring.Component):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    Parameters
    ----------
    pattern : Pattern
        How many scores to keep of how many. Not dense, unless flexible.
    width : int
        Bits of a score.
    flexible : str
        ``none``, or ``n``: how many are kept is an input, and that of ``pattern`` is not used.

    Members
    -------
    scores : In(ArrayLayout(unsigned(width), m))
        The scores of one block.
    n : In(range(m + 1)), only where flexible
        How many to keep, from 1 to ``m``. The mask is not defined for other values.
    mask : Out(m)
        Bit ``j`` is set where score ``j`` is kept. Exactly ``n`` bits are set.
    """

    latency = 0

    def __init__(self, pattern: Pattern, *, width: int, flexible: str = "none"):
        self.pattern = pattern
        self.width = width
        self.flexible = flexible
        super().__init__({
            "scores": In(data.ArrayLayout(unsigned(width), pattern.m)),
            "mask": Out(pattern.m),
            **({"n": In(range(pattern.m + 1))} if flexible == "n" else {}),
        })
