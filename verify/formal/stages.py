"""Stages whose claims need more than a promise: parameters beside the blocks, and several steps."""

from functools import reduce
from typing import ClassVar

from amaranth.hdl import C, Module, Mux, Signal, Value, ValueLike

from hw.compressor.channel import ChannelStage
from hw.compressor.steps import Steps
from hw.compressor.token_buffer import TokenBuffer
from hw.config import Design, Pattern
from verify.formal.stream import Promise, StreamClaim


__all__ = ["BufferClaim", "ChannelClaim", "StepMasksClaim", "StepsClaim"]


class ChannelClaim(StreamClaim):
    """Blocks through the stage that adds the channels' parameters, among loads at any time.

    Blocks wait until parameters are there, and while others are loaded or on offer.
    """

    def __init__(self, design: Design):
        super().__init__(ChannelStage(design), Promise(passes=("values", "last")))

    def excused(self, m: Module) -> ValueLike:
        """Until the first load has ended, and while another one is on offer or goes on."""
        load = self.inside.i_coef
        ended, going = Signal(), Signal()
        with m.If(load.valid):
            m.d.sync += going.eq(1)
        with m.If(load.valid & load.ready & load.payload.last):
            m.d.sync += [ended.eq(1), going.eq(0)]
        return ~ended | going


class BufferClaim(StreamClaim):
    """Blocks through the buffer that hands tokens out several times, the last time for good.

    With several passes tokens are no longer than the buffer: the sender has to hold one.
    """

    def __init__(self, depth: int, passes: int):
        design = Design(Pattern(1, 2), format="int4")
        several = passes > 1
        super().__init__(TokenBuffer(design, depth=depth, passes=passes), Promise(
            places=depth + 1, offers_after=1, takes_after=1 + passes * (depth + 2),
            passes=("values", "last"), whole=several, longest=depth * several))

    def ends(self, payload) -> ValueLike:
        """Whether it leaves for the last time."""
        return payload.final


class StepsClaim(StreamClaim):
    """Blocks with any mask through the stage that cuts them into steps.

    A field beside the block marks its last step, so that the rules are about blocks.
    """

    def __init__(self, pattern: Pattern, width: int = 1):
        self.pattern = pattern
        super().__init__(Steps(pattern, width, {"end": 1}), Promise(
            places=2, offers_after=1, takes_after=pattern.m, still=("least",)))

    def ends(self, payload) -> ValueLike:
        """Whether it is the last step of its block."""
        return payload.end

    def excluded(self, m: Module) -> ValueLike:
        """Blocks that lack the field, and more steps than a block has values."""
        return ((self.inside.i.valid & ~self.inside.i.payload.end)
                | (self.inside.least > self.pattern.m))


class StepMasksClaim(StepsClaim):
    """What the steps of a marked block are."""

    rules: ClassVar = {
        "legal": "every step has N positions",
        "whole": "every position to keep leaves in a step of its block",
        "steps": "a block of c values leaves in max(1, least, ceil(c / N)) steps",
    }

    def watch(self, m: Module):
        """Add what follows the steps of the marked block."""
        super().watch(m)
        pattern, sink, given = self.pattern, self.inside.o, self.inside.i.payload.mask
        left, count = Signal(pattern.m), range(pattern.m + 1)
        done, wanted = Signal(count), Signal(count)
        needed = (_ones(given) + pattern.n - 1) // pattern.n
        with m.If(self.turn & sink.valid & sink.ready):
            m.d.sync += [left.eq(left & ~sink.payload.mask), done.eq(done + 1)]
        with m.If(self.marks):
            m.d.sync += [left.eq(given), done.eq(0), wanted.eq(_largest(
                C(1), needed, self.inside.least))]
        ends = self.turn & sink.valid & sink.ready & self.ends(sink.payload)
        return {
            "legal": sink.valid & (_ones(sink.payload.mask) != pattern.n),
            "whole": ends & (left & ~sink.payload.mask).any(),
            "steps": ends & (done + 1 != wanted),
        }


def _ones(mask) -> Value:
    return sum((mask[k] for k in range(1, len(mask))), mask[0])


def _largest(*values) -> Value:
    """The largest of some values."""
    return reduce(lambda one, other: Mux(one > other, one, other), values)
