"""What the stepper and a buffer tell each other."""

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out


__all__ = ["BankReads"]


class BankReads(wiring.Signature):
    """From the stepper to a buffer of two halves, one of which is filled while the other is read.

    Halves are filled, read and released in turn, half 0 first. Each tile of the array has its own
    address, and reads a cycle later than the tile before; the word is there in the cycle after
    ``enable``.

    Parameters
    ----------
    address : int
        Bits of an address in a bank.
    tiles : int
        Tiles of the array along the banks.
    more : Out or In
        Further members of a buffer.

    Members
    -------
    address : Out(ArrayLayout(address, tiles)), enable : Out(tiles)
    release : Out(1)
        The oldest full half is read for the last time.
    full : In(2)
        Which halves are complete.
    """

    def __init__(self, address: int, tiles: int, **more):
        super().__init__({
            "address": Out(data.ArrayLayout(address, tiles)), "enable": Out(tiles),
            "release": Out(1), "full": In(2), **more,
        })
