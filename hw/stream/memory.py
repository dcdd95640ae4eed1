"""The one memory of the project: one write port, one read port."""

from amaranth.hdl import Module
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


__all__ = ["Memory"]


class Memory(wiring.Component):
    """A memory that FPGA and SRAM compilers can map: one write and one read port, synchronous.

    A word is read one cycle after its address is given, and stays until the next read. Reading
    the address that is written in the same cycle gives the old word. Contents are not reset.

    Parameters
    ----------
    width : int
        Bits of a word.
    depth : int
        Number of words.

    Members
    -------
    write_address, write_data, write_enable : In
    read_address, read_enable : In
    read_data : Out(width)
    """

    def __init__(self, width: int, depth: int):
        address = max(1, ceil_log2(depth))
        super().__init__({
            "write_address": In(address),
            "write_data": In(width),
            "write_enable": In(1),
            "read_address": In(address),
            "read_enable": In(1),
            "read_data": Out(width),
        })
        self.width = width
        self.depth = depth

    @property
    def words(self) -> int:
        """Words that are there: a depth of one would have no address."""
        return max(2, self.depth)

    @property
    def variant(self) -> str:
        """Words and bits: ``4096x80``, what a memory compiler is asked for."""
        return f"{self.words}x{self.width}"

    def elaborate(self, platform):
        m = Module()
        m.submodules.cells = cells = memory.Memory(shape=self.width, depth=self.words, init=[])
        write, read = cells.write_port(), cells.read_port()
        m.d.comb += [
            write.addr.eq(self.write_address),
            write.data.eq(self.write_data),
            write.en.eq(self.write_enable),
            read.addr.eq(self.read_address),
            read.en.eq(self.read_enable),
            self.read_data.eq(read.data),
        ]
        return m
