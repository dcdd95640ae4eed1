"""What all combinational selectors look like from outside."""

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.stream.payloads import Asked


__all__ = ["CombinationalSelector", "ask"]


class CombinationalSelector(wiring.Component):
    """Marks the ``n`` largest of ``m`` scores; between equal scores the lower index wins.

    Parameters
    ----------
    pattern : Pattern
        How many scores to keep of how many. Not dense, unless flexible.
    width : int
        Bits of a score.
    flexible : str
        One of :data:`hw.config.FLEXIBLE`: what of the pattern is an input. How many are kept of
        ``pattern`` is then not used.

    Members
    -------
    scores : In(ArrayLayout(unsigned(width), m))
        The scores of one block.
    n, size : In, only where flexible
        The fields of :class:`hw.stream.payloads.Asked`. The mask is not defined for other values
        than theirs.
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
            **({} if flexible == "none" else
               {name: In(shape) for name, shape in Asked(pattern, flexible).members.items()}),
        })


def ask(m: Module, selector: CombinationalSelector, asked) -> None:
    """Give a flexible selector the pattern ``asked`` for, fields of ``Asked``."""
    m.d.comb += [getattr(selector, name).eq(asked[name])
                 for name in Asked(selector.pattern, selector.flexible).members]
