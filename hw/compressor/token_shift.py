"""Dynamic shifts: the mean or the lower median of each token, known before its first block goes."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from hw.arithmetic.adder import Columns
from hw.compressor.token_buffer import TokenBuffer
from hw.config import Design
from hw.selector.count import popcount
from hw.stream.payloads import Block
from hw.stream.register import fill


__all__ = ["MeanStage", "MedianStage", "token_buffer_words"]


def token_buffer_words(design: Design) -> int:
    """Blocks that are held back until the statistic of their token is known.

    For a mean: the longest token, and what enters of the next one while the division goes on. For a
    median: two of the longest tokens.
    """
    return design.max_blocks + 16 if design.shift == "mean" else 2 * design.max_blocks


class MeanStage(wiring.Component):
    """Adds to every block the mean of its token, rounded to the nearest, half upwards.

    ``eta = floor((2 * sum + count) / (2 * count))`` over all ``count`` values of the token's
    blocks. The sum is taken while the token enters a buffer; a serial division, one bit of eta
    per cycle, overlaps with the next token. One block per cycle, and a token at most every
    ``bits + 2`` cycles. A token longer than ``design.max_blocks`` stops the stream until a reset.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(Block(design)))
    o : Out(stream.Signature(Block(design, "eta")))
    """

    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design))),
            "o": Out(stream.Signature(Block(design, "eta"))),
        })
        self.design = design

    @property
    def latency(self) -> int:
        """Cycles from a token's last block to its first one, if no other token is inside."""
        return self.design.number.bits + 2

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = buffer = TokenBuffer(
            self.design, depth=token_buffer_words(self.design), passes=1)
        m.submodules.mean = mean = Mean(self.design)

        enter, leave = Signal(), Signal()
        m.d.comb += [
            buffer.i.payload.eq(self.i.payload),
            buffer.i.valid.eq(self.i.valid & mean.ready),
            self.i.ready.eq(buffer.i.ready & mean.ready),
            enter.eq(self.i.valid & self.i.ready),
            mean.block.eq(self.i.payload),
            mean.enter.eq(enter),
        ]
        eta, known = Signal.like(mean.eta), Signal()
        m.d.comb += [
            self.o.valid.eq(buffer.o.valid & known),
            buffer.o.ready.eq(self.o.ready & known),
            leave.eq(self.o.valid & self.o.ready & self.o.payload.last),
            mean.take.eq(mean.done & (~known | leave)),
        ]
        with m.If(mean.take):
            m.d.sync += [eta.eq(mean.eta), known.eq(1)]
        with m.Elif(leave):
            m.d.sync += known.eq(0)
        fill(m, self.o.payload, buffer.o.payload.block, eta=eta)
        return m


class Mean(wiring.Component):
    """Sums a token up and divides.

    Members
    -------
    block : In(Block(design))
    enter : In(1)
        The block enters.
    ready : Out(1)
        It may: the last block of a token waits for the division of the token before.
    done : Out(1)
        ``eta`` is the mean of the oldest token.
    take : In(1)
        It was taken.
    eta : Out(signed(bits))
    """

    def __init__(self, design: Design):
        block = Block(design)
        super().__init__({
            "block": In(block),
            "enter": In(1),
            "ready": Out(1),
            "done": Out(1),
            "take": In(1),
            "eta": Out(block["values"].shape.elem_shape),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        bits, size = self.design.number.bits, self.design.pattern.m
        longest = self.design.max_blocks * size
        count = Signal(range(longest + 1))
        # With u = value + 2 ** (bits - 1) the quotient of the sum of 2 u + 1 and of 2 * count is
        # eta + 2 ** (bits - 1), from 0 to 2 ** bits - 1.
        total = Signal(range((2 << bits) * longest))
        next_count, next_total = Signal.like(count), Signal.like(total)
        rest = Signal.like(total)
        divisor = Signal.like(total)
        steps = Signal(range(bits + 1))
        busy, begin = Signal(), Signal()
        quotient = Signal(bits)

        columns = Columns(len(total))
        for number in (total, C(size), *(Cat(C(0, 1), value[:-1], ~value[-1])
                                         for value in self.block.values)):
            for column, bit in enumerate(number):
                columns.add(column, bit)
        m.d.comb += [
            next_total.eq(Cat(columns.sum(m))),
            next_count.eq(count + size),
            self.ready.eq(~busy | ~self.block.last),
            begin.eq(self.enter & self.block.last),
            self.done.eq(busy & (steps == 0)),
            self.eta.eq(quotient ^ (1 << bits - 1)),
        ]
        with m.If(self.enter):
            m.d.sync += [total.eq(Mux(begin, 0, next_total)), count.eq(Mux(begin, 0, next_count))]
        with m.If(begin):
            m.d.sync += [busy.eq(1), steps.eq(bits), rest.eq(next_total),
                         divisor.eq(next_count << bits)]
        with m.Elif(steps.any()):
            fits = Signal()
            m.d.comb += fits.eq(rest >= divisor)
            m.d.sync += [steps.eq(steps - 1), divisor.eq(divisor >> 1),
                         quotient.eq(Cat(fits, quotient)),
                         rest.eq(rest - Mux(fits, divisor, 0))]
        with m.Elif(self.take):
            m.d.sync += busy.eq(0)
        return m


class MedianStage(wiring.Component):
    """Adds to every block the lower median of its token.

    The token is read from a buffer once for every two bits of the median, and once more to leave:
    values below three thresholds are counted, which settles two bits. One block takes
    ``bits / 2 + 1`` cycles, a token ``bits / 2`` more. A token longer than ``design.max_blocks``
    may stop the stream until a reset.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(Block(design)))
    o : Out(stream.Signature(Block(design, "eta")))
    """

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(Block(design))),
            "o": Out(stream.Signature(Block(design, "eta"))),
        })
        self.design = design
        self.searches = design.number.bits // 2

    @property
    def latency(self) -> int:
        """Cycles for a token of one block."""
        return TokenBuffer.latency + 2 * self.searches

    @property
    def interval(self) -> int:
        """Cycles for one block of a long token."""
        return self.searches + 1

    def elaborate(self, platform):
        m = Module()
        m.submodules.buffer = buffer = TokenBuffer(
            self.design, depth=token_buffer_words(self.design), passes=self.searches + 1)
        m.submodules.search = search = MedianSearch(self.design)
        block, final = buffer.o.payload.block, buffer.o.payload.final
        wiring.connect(m, wiring.flipped(self.i), buffer.i)
        m.d.comb += [
            search.block.eq(block),
            search.enter.eq(buffer.o.valid & buffer.o.ready & ~final),
            search.leave.eq(self.o.valid & self.o.ready & block.last),
            self.o.valid.eq(buffer.o.valid & final & search.ready),
            buffer.o.ready.eq(search.ready & (self.o.ready | ~final)),
        ]
        fill(m, self.o.payload, block, eta=search.eta)
        return m


class MedianSearch(wiring.Component):
    """Finds the lower median of a token that passes ``bits / 2`` times, two bits in each pass.

    Members
    -------
    block : In(Block(design))
    enter : In(1)
        The block belongs to a pass and is taken.
    leave : In(1)
        The token is done: begin anew.
    ready : Out(1)
        Low for one cycle after each pass.
    eta : Out(signed(bits))
        The median, after all passes.
    """

    def __init__(self, design: Design):
        block = Block(design)
        super().__init__({
            "block": In(block),
            "enter": In(1),
            "leave": In(1),
            "ready": Out(1),
            "eta": Out(block["values"].shape.elem_shape),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        bits, size = self.design.number.bits, self.design.pattern.m
        total = Signal(range(self.design.max_blocks * size + 1))  # values of the token
        found = Signal(bits)  # bits of the median + 2 ** (bits - 1) that are settled, zeros below
        unit = Signal(bits, init=1 << bits - 2)  # one in the lower one of the bits to settle
        decide = Signal()
        m.d.comb += [self.ready.eq(~decide), self.eta.eq(found ^ (1 << bits - 1))]

        at_most = []  # whether the median lies at or above each threshold
        for k in range(1, 4):
            threshold = Signal(bits, name=f"threshold{k}")
            below = Signal.like(total, name=f"below{k}")
            m.d.comb += threshold.eq(found | [unit, unit << 1, unit | unit << 1][k - 1])
            count = popcount(m, [(value ^ (1 << bits - 1))[:bits] < threshold
                                 for value in self.block.values])
            with m.If(self.enter):
                m.d.sync += below.eq(below + count)
            with m.If(decide):
                m.d.sync += below.eq(0)
            # The lower median has (total - 1) // 2 values before it.
            at_most.append(below <= (total - 1) >> 1)
        first = unit[bits - 2]
        with m.If(self.enter & first):
            m.d.sync += total.eq(total + size)
        with m.If(self.enter):
            m.d.sync += decide.eq(self.block.last)
        with m.If(decide):
            m.d.sync += [
                decide.eq(0),
                found.eq(found | Mux(at_most[1], unit << 1, 0)
                         | Mux(at_most[2] | (at_most[0] & ~at_most[1]), unit, 0)),
                unit.eq(unit >> 2),
            ]
        with m.If(self.leave):
            m.d.sync += [found.eq(0), total.eq(0), unit.eq(1 << bits - 2)]
        return m
