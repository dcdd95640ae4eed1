"""Selecting as one stage of a stream: scores in, mask out, with a block that passes by."""

from amaranth.hdl import Cat, Const, Module, Value, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.config import Pattern
from hw.selector.combinational import ask
from hw.selector.count import lift_bits, lift_of
from hw.selector.payload import Scored, Selected
from hw.selector.radix import fill, halve
from hw.stream.register import StreamRegister


__all__ = ["PipelinedRadixStage", "RegisteredStage"]


class RegisteredStage(wiring.Component):
    """A combinational selector and a register behind it.

    Latency one cycle, one block per cycle. Under back-pressure the mask waits. Reset empties the
    register.

    Parameters
    ----------
    block : ShapeLike
        What accompanies the scores, unchanged.
    selector : Component
        A combinational selector: ``scores`` in, ``mask`` out.

    Members
    -------
    i : In(stream.Signature(Scored(block, pattern, width)))
    o : Out(stream.Signature(Selected(block, pattern)))
    """

    latency = 1
    interval = 1

    def __init__(self, block, selector):
        self.selector = selector
        super().__init__({
            "i": In(stream.Signature(Scored(block, selector.pattern, selector.width,
                                            selector.flexible))),
            "o": Out(stream.Signature(Selected(block, selector.pattern))),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.selector = self.selector
        if self.selector.flexible != "none":
            ask(m, self.selector, self.i.payload.pattern)
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        m.d.comb += [
            self.selector.scores.eq(self.i.payload.scores),
            register.i.payload.block.eq(self.i.payload.block),
            register.i.payload.mask.eq(self.selector.mask),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m


class PipelinedRadixStage(wiring.Component):
    """The radix search of :class:`hw.selector.radix.RadixSelector`, cut by registers.

    Its steps, one for each bit of a score and the filling of ties, which counts as ``log2(m) / 2``
    steps, are shared out over ``stages``; a register follows each of them. Latency ``stages``
    cycles, one block per cycle. Under back-pressure blocks wait in the registers. Reset empties
    them.

    Parameters
    ----------
    block : ShapeLike
        What accompanies the scores, unchanged.
    pattern : Pattern
        How many scores to keep of how many. Not dense.
    width : int
        Bits of a score.
    stages : int
        From 1 to ``width + 1``.
    flexible : str
        ``none``, or ``n``: how many to keep comes along with each block.

    Members
    -------
    i : In(stream.Signature(Scored(block, pattern, width, flexible)))
    o : Out(stream.Signature(Selected(block, pattern)))
    """

    interval = 1

    def __init__(self, block, pattern: Pattern, *, width: int, stages: int,
                 flexible: str = "none"):
        self.block = block
        self.pattern = pattern
        self.width = width
        self.latency = stages
        self.flexible = flexible
        super().__init__({
            "i": In(stream.Signature(Scored(block, pattern, width, flexible))),
            "o": Out(stream.Signature(Selected(block, pattern))),
        })

    def elaborate(self, platform):
        m = Module()
        size, before, state = self.pattern.m, self.i, self.i.payload
        above: Value = Const(0, size)
        within: Value = Const((1 << size) - 1, size)
        quota = self.pattern.n
        if self.flexible == "n":
            quota = lift_of(m, state.pattern.n, size)
        for stage, steps in enumerate(_share(self.width, lift_bits(size), self.latency)):
            scores = [state.scores[k] for k in range(size)]
            for bit in steps:
                ones = Cat(score[bit] for score in scores)
                above, within = halve(m, quota, above, within, ones)
            last = stage == self.latency - 1
            rest = steps.stop + 1 if not last else 0
            shape = self.o.payload.shape() if last else self._between(rest)
            m.submodules[f"register{stage}"] = register = StreamRegister(shape)
            sink = register.i.payload
            m.d.comb += [
                sink.block.eq(state.block),
                register.i.valid.eq(before.valid),
                before.ready.eq(register.i.ready),
            ]
            if last:
                m.d.comb += sink.mask.eq(fill(m, quota, above, within))
            else:
                m.d.comb += [sink.above.eq(above), sink.within.eq(within)]
                m.d.comb += [sink.scores[k].eq(scores[k][:rest]) for k in range(size)]
                if self.flexible == "n":
                    m.d.comb += sink.lift.eq(quota)
                    quota = register.o.payload.lift
                before, state = register.o, register.o.payload
                above, within = state.above, state.within
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _between(self, rest: int) -> data.StructLayout:
        """What a register holds of a block, of whose scores ``rest`` bits are still to be seen."""
        size = self.pattern.m
        return data.StructLayout({
            "block": self.block,
            "scores": data.ArrayLayout(unsigned(rest), size),
            "above": size,
            "within": size,
            **({"lift": lift_bits(size)} if self.flexible == "n" else {}),
        })


def _share(width: int, fill_steps: int, stages: int) -> list[range]:
    """Bits of the score that each stage looks at, high ones first; the last one also fills."""
    total = width + fill_steps / 2
    ends = [min(width, round(total * (stage + 1) / stages)) for stage in range(stages)]
    # A stage without a bit would be a mere delay: the first ones take at least one each.
    ends = [min(width, max(end, stage + 1)) for stage, end in enumerate(ends)]
    starts = [0, *ends[:-1]]
    return [range(width - 1 - start, width - 1 - end, -1)
            for start, end in zip(starts, ends, strict=True)]
