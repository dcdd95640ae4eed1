"""Selector that looks at one bit of every score per cycle."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector.count import add, at_least, lift_bits, lift_of, reaches
from hw.selector.payload import Scored, Selected


__all__ = ["SerialStage", "settles", "shared_lift", "thresholds_of_any_size"]


class SerialStage(wiring.Component):
    """Marks the largest scores of a block, in ``width + log2(m)`` cycles. The smallest selector.

    The radix search of :class:`hw.selector.radix.RadixSelector`, one bit per cycle. Every lane is
    a shift register whose top bit is the bit that is probed. Once a lane differs from the
    threshold it is settled, and its top bit stays: one for a lane that is kept. Behind its score a
    lane shifts in the complement of its index, low lanes being greater, so that ties need no logic
    of their own; and then ones, which make the threshold's own lane end with a one. The top bits
    then are the mask. As nothing but ones follows a block, a new one is loaded by an AND.

    Latency and initiation interval are ``width + log2(m) + 1`` cycles. Under back-pressure the mask
    waits and no block is taken. Reset drops the block inside; for ``width`` cycles no block is
    taken then.

    Parameters
    ----------
    block : ShapeLike
        What accompanies the scores, unchanged.
    pattern : Pattern
        How many scores to keep of how many. Not dense.
    width : int
        Bits of a score.
    flexible : str
        What the block's scores bring along, one of :data:`hw.config.FLEXIBLE`. With ``all``, ``m``
        is a power of two, and its lanes hold blocks of the size asked for, side by side.

    Members
    -------
    i : In(stream.Signature(Scored(block, pattern, width, flexible)))
    o : Out(stream.Signature(Selected(block, pattern)))
    """

    def __init__(self, block, pattern: Pattern, *, width: int, flexible: str = "none"):
        self.pattern = pattern
        self.width = width
        self.flexible = flexible
        super().__init__({
            "i": In(stream.Signature(Scored(block, pattern, width, flexible))),
            "o": Out(stream.Signature(Selected(block, pattern))),
        })

    @property
    def latency(self) -> int:
        """Cycles from a block to its mask."""
        return self._steps + 1

    @property
    def interval(self) -> int:
        """Cycles from one block to the next."""
        return self._steps + 1

    @property
    def _steps(self) -> int:
        return self.width + lift_bits(self.pattern.m)

    def elaborate(self, platform):
        m = Module()
        load, full, left = Signal(), Signal(), Signal(range(self._steps + 1), init=self.width)
        done = Signal()
        m.d.comb += [
            done.eq(left == 0),
            load.eq(self.i.valid & self.i.ready),
            self.i.ready.eq(done & (~full | self.o.ready)),
            self.o.valid.eq(done & full),
        ]
        with m.If(load):
            m.d.sync += [left.eq(self._steps), full.eq(1)]
        with m.Else():
            m.d.sync += [left.eq(left - ~done), full.eq(full & ~(done & self.o.ready))]

        tops = Signal(self.pattern.m)
        m.d.comb += self.o.payload.mask.eq(tops)
        block = Signal.like(self.i.payload.block)
        m.d.comb += self.o.payload.block.eq(block)
        with m.If(load):
            m.d.sync += block.eq(self.i.payload.block)
        thresholds = self._thresholds(m, tops, load)
        behind = self._behind(m, left)
        for k, threshold in enumerate(thresholds):
            self._lane(m, k, load, threshold, behind[k], tops[k])
        return m

    def _lane(self, m, k, load, threshold, behind, top):
        """Shift register and state of one lane; ``behind`` follows the score."""
        score = self.i.payload.scores[k]
        bits, settled = Signal(self.width, name=f"bits{k}"), Signal(name=f"settled{k}")
        settle = Signal(name=f"settle{k}")
        following = Cat(behind, bits)[:self.width]
        shifted = Cat(following[:-1], Mux(settle, top, following[-1]))
        m.d.comb += [
            top.eq(bits[-1]),
            settle.eq(~load & settles(settled, top, threshold)),
        ]
        m.d.sync += [
            settled.eq(settle),
            bits.eq(shifted & (score | ~load.replicate(self.width))),
        ]

    def _behind(self, m, left) -> list[Value]:
        """What every lane shifts in: its index, complemented, high bit first; then ones."""
        rows: list[Value] = [Const(0, 1)]
        for bit in range(lift_bits(self.pattern.m)):
            turn = Signal(name=f"turn{bit}")
            m.d.comb += turn.eq(left == self.width + 1 + bit)
            with_bit = []
            for k, row in enumerate(rows):
                both = Signal(name=f"index{k | 1 << bit}")
                m.d.comb += both.eq(row | turn)
                with_bit.append(both)
            rows += with_bit
        return [~row for row in rows[:self.pattern.m]]

    def _thresholds(self, m, tops, load) -> list[Value]:
        """For every lane, the bit of its block's threshold."""
        size, bits = self.pattern.m, list(tops)
        if self.flexible == "none":
            return [at_least(m, bits, self.pattern.n)] * size
        asked = self.i.payload.pattern
        lift = Signal(lift_bits(size))
        if self.flexible == "n":
            with m.If(load):
                m.d.sync += lift.eq(lift_of(m, asked.n, size))
            return [reaches(m, bits, [[bit] for bit in lift])] * size
        block_size = Signal.like(asked.size)
        with m.If(load):
            m.d.sync += [lift.eq(shared_lift(m, asked, len(lift))), block_size.eq(asked.size)]
        return thresholds_of_any_size(m, bits, block_size, lift)


def settles(settled: Value, top: Value, threshold: Value) -> Value:
    """Whether a lane is settled once its top bit is compared with the threshold's."""
    return settled | (top ^ threshold)


def shared_lift(m: Module, asked, levels: int) -> Value:
    """``2 ** size - n`` for a block of ``2 ** size`` lanes, its top bit in the top bit."""
    aligned = Signal(levels)
    with m.Switch(asked.size):
        for level in range(1, levels + 1):
            with m.Case(level):
                m.d.comb += aligned.eq(asked.n << (levels - level))
    return -aligned


def thresholds_of_any_size(m: Module, bits: list[Value], size: Value,
                            lift: Value) -> list[Value]:
    """For every lane, whether at least ``n`` of the ``2 ** size`` lanes of its block are ones.

    One tree of adders counts for blocks of all sizes: a node's carry says that the ones and the
    lifts below it make up the number of its lanes. The lift ``2 ** size - n`` of a block is handed
    out over its nodes: the top bit to each pair, the next to each four, and so on, where the
    carry-in of an adder takes it. A block of any size so gets exactly its lift.
    """
    levels = len(lift)
    counts, blocks = bits, []
    for level in range(1, levels + 1):
        counts = [add(m, low, high, lift[levels - level])
                  for low, high in zip(counts[0::2], counts[1::2], strict=True)]
        chosen = size == level
        blocks.append([chosen & count[-1] for count in counts])
    thresholds = []
    for pair in range(len(bits) // 2):
        threshold = Signal(name=f"threshold{pair}")
        m.d.comb += threshold.eq(Cat(blocks[level][pair >> level]
                                     for level in range(levels)).any())
        thresholds += [threshold, threshold]
    return thresholds
