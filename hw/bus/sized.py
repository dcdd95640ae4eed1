"""Parts of the bus that go through runs of elements of one size."""

from amaranth.lib import wiring
from amaranth.utils import bits_for

from hw.config import Design
from hw.registers import DESCRIPTOR_BYTES


__all__ = ["Sized", "run_bits"]


def run_bits(design: Design, name: str) -> int:
    """Bits of the number of elements in a run of one of :data:`hw.layouts.STREAMS`."""
    return {"act": bits_for(design.max_blocks), "weight": bits_for(design.max_blocks),
            "result": bits_for(design.largest_batch), "descriptor": bits_for(DESCRIPTOR_BYTES // 4)
            }.get(name, 32)


class Sized(wiring.Component):
    """A component of the bus that is made for elements of one size.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, a power of two.
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

    @property
    def variant(self) -> str:
        """Bytes of an element, and bits of their number."""
        return f"{self.size}_{self.bits}"
