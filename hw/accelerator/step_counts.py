"""How many steps of each block the array needs, where that differs from block to block."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from hw.config import Design
from hw.stream.memory import Memory


__all__ = ["StepCounts", "count_address", "half_counts"]


def half_counts(design: Design) -> int:
    """Counts of one half of the activation buffer: one for each block of each group of tokens."""
    return design.groups * design.max_blocks


def count_address(design: Design) -> int:
    """Bits of the address of a count."""
    return ceil_log2(2 * half_counts(design))


class StepCounts(wiring.Component):
    """Counts, for each block of a group of tokens, the steps that hold anything of any of them.

    All rows of the array take the same step of the same block, since they share its weights: a
    group needs as many steps of a block as the token that keeps most of it. Steps that keep
    nothing are at the end of a block and are not needed; one always is. Steps of the tokens come as
    they are written into the buffer, at least two for each block. A count is final in the cycle
    after the last write of its group, and is read with a latency of one cycle. Reset and ``clear``
    begin with the first half; the memories are not cleared.

    Parameters
    ----------
    design : Design
        With variable steps.

    Members
    -------
    write, needed : In(1)
        A step is written; it holds something.
    token_ends, batch_ends, first_row, last_row : In(1)
        Of this write: whether it ends a token, and a batch; whether the token is the first, or
        the last one, of its group.
    clear : In(1)
    steps, blocks : In
        Steps of a block in the buffer, blocks of a token; stable while a token comes.
    read_address : In, count : Out(range(most_steps + 1))
    """

    def __init__(self, design: Design):
        super().__init__({
            **{name: In(1) for name in ("write", "needed", "token_ends", "batch_ends", "first_row",
                                        "last_row", "clear")},
            "steps": In(range(design.most_steps + 1)),
            "blocks": In(bits_for(design.max_blocks)),
            "read_address": In(count_address(design)),
            "count": Out(range(design.most_steps + 1)),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design, half = self.design, Signal()
        at = Signal(range(design.most_steps))  # step of the block
        block = Signal(range(design.max_blocks))
        base = Signal(count_address(design))  # where the counts of this group begin
        seen, now, before = (Signal.like(self.count, name=name)
                             for name in ("seen", "now", "before"))
        block_ends = Signal()
        memory = self._memory(m, base + block, self.write & block_ends,
                              Mux(now > before, now, before))
        m.d.comb += [
            block_ends.eq(at == self.steps - 1),
            now.eq(Mux(self.needed, at + 1, seen)),
            before.eq(Mux(self.first_row, 1, memory)),
        ]
        with m.If(self.write):
            m.d.sync += [at.eq(at + 1), seen.eq(now)]
            with m.If(block_ends):
                m.d.sync += [at.eq(0), seen.eq(0), block.eq(block + 1)]
            with m.If(self.token_ends):
                m.d.sync += block.eq(0)
                with m.If(self.last_row):
                    m.d.sync += base.eq(base + self.blocks)
            with m.If(self.batch_ends):
                m.d.sync += [half.eq(~half), base.eq(Mux(half, 0, half_counts(design)))]
        with m.If(self.clear):
            m.d.sync += [at.eq(0), seen.eq(0), block.eq(0), base.eq(0), half.eq(0)]
        return m

    def _memory(self, m, address, write, data):
        """Write a count, and return what was at the address a cycle ago.

        Two memories with one content: one is read for the maximum, the other one by the array.
        """
        read = {"maximum": address, "array": self.read_address}
        memories = {}
        for name, read_address in read.items():
            m.submodules[name] = memories[name] = one = Memory(len(data),
                                                               2 * half_counts(self.design))
            m.d.comb += [one.write_address.eq(address), one.write_enable.eq(write),
                         one.write_data.eq(data), one.read_address.eq(read_address),
                         one.read_enable.eq(1)]
        m.d.comb += self.count.eq(memories["array"].read_data)
        return memories["maximum"].read_data
