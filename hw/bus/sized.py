"""Parts of the bus that go through runs of elements of one size."""

from functools import reduce
from operator import add

from amaranth.lib import wiring

from hw.config import Design


__all__ = ["Sized"]


class Sized(wiring.Component):
    """A component of the bus that is made for elements of one size.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element: a power of two, or of several beats of the bus any number.
    members : dict
        Its ports.
    bits : int
        Bits of the number of a run's elements.
    """

    def __init__(self, design: Design, size: int, members, bits: int = 32):
        super().__init__(members)
        self.design = design
        self.size = size
        self.bits = bits

    def bytes_of(self, elements):
        """Bytes of as many elements."""
        places = [k for k in range(self.size.bit_length()) if self.size >> k & 1]
        return reduce(add, [elements << k for k in places])

    @property
    def variant(self) -> str:
        """Bytes of an element, and bits of their number."""
        return f"{self.size}_{self.bits}"
