"""Parts of the bus that go through runs of elements of one size."""

from amaranth.lib import wiring

from hw.config import Design


__all__ = ["Sized"]


class Sized(wiring.Component):
    """A component of the bus that is made for elements of one size.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, a power of two.
    members : dict
        Its ports.
    """

    def __init__(self, design: Design, size: int, members):
        super().__init__(members)
        self.design = design
        self.size = size

    @property
    def variant(self) -> str:
        """Bytes of an element."""
        return f"{self.size}"
