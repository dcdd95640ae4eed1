"""Any mask on an array of N lanes: dense blocks with a mask to steps of N kept values."""

from collections.abc import Mapping
from functools import reduce
from operator import or_

from amaranth.hdl import C, Cat, Module, Mux, ShapeLike, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import VALUE_WIDTH, Pattern
from hw.gather.gather import Gather
from hw.stream.payloads import CompressedBlock, DenseBlock
from hw.stream.register import StreamRegister


__all__ = ["MaskedBlock", "Steps"]


class MaskedBlock(data.StructLayout):
    """A dense block with a mask of any popcount.

    Fields
    ------
    values, last
        As in :class:`hw.stream.payloads.DenseBlock`.
    mask : unsigned(m)
        Bit ``j`` is set where value ``j`` is kept.
    beside
        What belongs to the block as a whole: names and shapes of more fields.
    """

    def __init__(self, pattern: Pattern, width: int, beside: Mapping[str, ShapeLike] | None = None):
        super().__init__({**DenseBlock(pattern, width).members, "mask": pattern.m,
                          **(beside or {})})


class Steps(wiring.Component):
    """Splits blocks with a mask of any popcount into steps that an array built for N:M takes.

    A block with ``c`` values to keep leaves in ``max(1, least, ceil(c / n))`` steps. Each step
    keeps the ``n`` lowest of the positions that are left; where fewer are left, the highest other
    positions fill up, with zero values. Every step is therefore a legal block of the pattern. The
    weights of the block stay for all of its steps, so rows that share weights need equally many:
    ``least`` sets it. ``sw.exact.steps`` is the exact twin.

    Latency 2 cycles, one step per cycle; a block is taken in while the last step of the one before
    leaves. Under back-pressure nothing is lost, repeated or reordered. Reset drops what is inside.

    Area grows with ``n * (m - n + 1)``, and so does the longest path with ``m``: one position
    after the other decides whether it is kept.

    Parameters
    ----------
    pattern : Pattern
        Lanes (``n``) and positions of a block (``m``) of the array.
    width : int
        Bits of a value.
    beside : dict of str to ShapeLike, optional
        More fields of a block. They leave with its last step, and are zero in the others, but for
        ``scale``, which each step needs.
    marks : bool
        Values are floats: kept zeros leave as +0, and -0 says that a position fills up.

    Members
    -------
    i : In(stream.Signature(MaskedBlock(pattern, width, beside)))
    least : In(range(m + 1))
        Steps of every block at least; held still while blocks are inside.
    o : Out(stream.Signature(CompressedBlock(pattern, width) with the fields ``beside``))
        ``last`` is set in the last step of a token's last block.
    """

    latency = 2
    interval = 1

    def __init__(self, pattern: Pattern, width: int = VALUE_WIDTH,
                 beside: Mapping[str, ShapeLike] | None = None, marks: bool = False):
        self.beside, self.marks = beside or {}, marks
        step = data.StructLayout({**CompressedBlock(pattern, width).members, **self.beside})
        super().__init__({
            "i": In(stream.Signature(MaskedBlock(pattern, width, beside))),
            "least": In(range(pattern.m + 1)),
            "o": Out(stream.Signature(step)),
        })
        self.pattern = pattern
        self.width = width

    def elaborate(self, platform):
        m = Module()
        m.submodules.step = step = StreamRegister(self.o.payload.shape())
        wiring.connect(m, step.o, wiring.flipped(self.o))

        # The mask of the block that is held loses the positions that have left.
        block = Signal(self.i.payload.shape())
        held = Signal()
        done = Signal(range(self.pattern.m + 1))

        taken, rest = Signal(self.pattern.m), Signal(self.pattern.m)
        more, leaves = Signal(), Signal()
        selects = self._selects(m, block.mask)
        m.d.comb += [
            taken.eq(self._positions(selects)),
            rest.eq(block.mask & ~taken),
            more.eq(rest.any() | (done + 1 < self.least)),
            leaves.eq(held & step.i.ready),
            self.i.ready.eq(~held | (step.i.ready & ~more)),
            step.i.valid.eq(held),
            step.i.payload.mask.eq(taken),
            step.i.payload.last.eq(block.last & ~more),
            step.i.payload.values.eq(self._compact(m, block, selects)),
            *(Value.cast(step.i.payload[name]).eq(
                value if name == "scale" else Mux(more, 0, value))
              for name in self.beside for value in (Value.cast(block[name]),)),
        ]
        with m.If(leaves):
            m.d.sync += [block.mask.eq(rest), done.eq(done + 1)]
        with m.If(self.i.ready):
            m.d.sync += [held.eq(self.i.valid), block.eq(self.i.payload), done.eq(0)]
        return m

    def _selects(self, m, mask):
        """For each lane the position that it takes, as one-hots of the pattern's windows.

        Position by position, with the number of those taken before it as a one-hot: a position is
        taken if a lane is left and it is to be kept, or if all that follow are needed.
        """
        n, size = self.pattern.n, self.pattern.m
        selects = [[None] * self.pattern.span for _ in range(n)]
        counts = {0: C(1)}
        for position in range(size):
            left, after = size - position, {}
            for count, reached in counts.items():
                if count == n:
                    after.setdefault(n, []).append(reached)
                    continue
                take = Signal(name=f"lane{count}_takes{position}")
                if n - count == left:
                    m.d.comb += take.eq(reached)
                else:
                    m.d.comb += take.eq(reached & mask[position])
                    after.setdefault(count, []).append(reached & ~mask[position])
                after.setdefault(count + 1, []).append(take)
                selects[count][position - count] = take
            counts = {}
            for count, ways in after.items():
                counts[count] = Signal(name=f"taken{position + 1}_is{count}")
                m.d.comb += counts[count].eq(reduce(or_, ways))
        return selects

    def _positions(self, selects):
        """The mask of a step: for each position whether some lane takes it."""
        lanes: list[list[Value]] = [[] for _ in range(self.pattern.m)]
        for lane, window in enumerate(selects):
            for d, take in enumerate(window):
                lanes[lane + d].append(take)
        return Cat(reduce(or_, takes) for takes in lanes)

    def _compact(self, m, block, selects):
        """Values of a step: those to keep, zero where a position fills up."""
        m.submodules.gather = gather = Gather(self.pattern, signed(self.width))
        for lane, window in enumerate(selects):
            m.d.comb += [gather.selects[lane][d].eq(take) for d, take in enumerate(window)]
        m.d.comb += [gather.values[k].eq(Mux(block.mask[k], *self._kept_or_not(value)))
                     for k, value in enumerate(block.values)]
        return gather.gathered

    def _kept_or_not(self, value):
        """What leaves of a value that is kept, and of one at a position that fills up."""
        if not self.marks:
            return value, 0
        bits = Value.cast(value)
        return Mux(bits[:-1].any(), bits, 0), C(1 << self.width - 1, self.width)
