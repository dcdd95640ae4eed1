"""What the epilogue needs of every token, from the compressor to the rows of the array."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.config import Design
from hw.epilogue.corrections import Corrections
from hw.epilogue.terms import TokenTerms
from hw.epilogue.variance import Gain, Moments
from hw.fixed_point import GAIN_FRACTION, TOKEN_FRACTION
from hw.job.job import Run
from hw.job.passes import Passes
from hw.stream.members import only_if
from hw.stream.memory import Memory
from hw.stream.register import StreamRegister


__all__ = ["TokenFinisher", "TokenScale", "TokenSummary", "TokenTable"]


_BATCHES = 4
"""Whose terms are kept."""


class TokenScale(data.StructLayout):
    """A token's scale, 15 bits after the point: one beat of ``s_axis_token``.

    ``last`` marks that of the job's last token.
    """

    def __init__(self):
        super().__init__({"scale": 16, "last": 1})


class TokenSummary(data.StructLayout):
    """What the compressor found out about a token.

    Fields
    ------
    eta : signed(8)
        Its shift.
    moments : Moments
        Sums over its values. Absent without statistics.
    """

    def __init__(self, design: Design):
        super().__init__({"eta": 8, **only_if(
            design.statistics, moments=Moments(design.max_blocks * design.pattern.m))})


class TokenFinisher(wiring.Component):
    """Makes the terms of a token: gain, shift and scale, each of them if it is switched on.

    The gain takes ``Gain.interval`` cycles at most; without it a token takes two cycles.
    ``i.ready`` depends on registers only. Reset, and ``drop``, forget all tokens.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(TokenSummary(design)))
        Raw rows need no terms: while no corrections are wanted, summaries are taken and dropped.
    i_scale : In(stream.Signature(TokenScale()))
    run : In(Run())
    corrections : In(Corrections())
    idle : Out(1)
        No token is inside.
    o : Out(stream.Signature(TokenTerms()))
    """

    def __init__(self, design: Design):
        self.largest = design.max_blocks * design.pattern.m
        super().__init__({
            "i": In(stream.Signature(TokenSummary(design))),
            "i_scale": In(stream.Signature(TokenScale())),
            "run": In(Run()), "corrections": In(Corrections()), "idle": Out(1),
            "o": Out(stream.Signature(TokenTerms())),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        drop, corrections = self.run.drop, self.corrections
        m.submodules.summary = summary = StreamRegister(self.i.payload.shape())
        gain, known, free = self._gain(m, summary.o)
        m.d.comb += [
            # Not before the register is empty: what empties it depends on other streams.
            self.i.ready.eq(~summary.o.valid),
            summary.i.payload.eq(self.i.payload),
            summary.i.valid.eq(self.i.valid & self.i.ready & corrections.wanted & ~drop),
            self.o.valid.eq(summary.o.valid & known & (self.i_scale.valid | ~corrections.scale)
                            & ~drop),
            summary.o.ready.eq(drop | (self.o.valid & self.o.ready)),
            self.i_scale.ready.eq(drop | (corrections.scale & self.o.valid & self.o.ready)),
            self.o.payload.eta.eq(Mux(corrections.shift, summary.o.payload.eta, 0)),
            self.o.payload.gain.eq(gain),
            self.o.payload.scale.eq(Mux(corrections.scale, self.i_scale.payload.scale,
                                        1 << TOKEN_FRACTION)),
            self.idle.eq(~summary.o.valid & free),
        ]
        return m

    def _gain(self, m, summary):
        """V of the token that waits, whether it is known, and whether none is computed."""
        one = 1 << GAIN_FRACTION
        if not self.design.statistics:
            return one, 1, 1
        run, variance = self.run, self.corrections.variance
        m.submodules.gain = gain = Gain(self.largest)
        m.d.comb += [
            gain.features.eq(run.job.k_blocks * self.design.pattern.m),
            gain.i.payload.eq(summary.payload.moments),
            # It takes one token at a time, which leaves it together with the summary.
            gain.i.valid.eq(summary.valid & variance & ~run.drop),
            gain.o.ready.eq(run.drop | (self.o.valid & self.o.ready)),
        ]
        return Mux(variance, gain.o.payload, one), ~variance | gain.o.valid, gain.i.ready


class TokenTable(wiring.Component):
    """Keeps the terms of tokens, and gives them out in the order of the rows of the array.

    A batch's terms come once and go out once for every tile. Four batches fit: one is loaded, one
    computed with, and the results of two before it may still wait. More of them wait where a batch
    has few tokens, or its tokens come in chunks: then the next one is not taken before the oldest
    has gone out. Latency two cycles. Reset and ``drop`` empty it.

    Parameters
    ----------
    design : Design

    Members
    -------
    run : In(Run())
    corrections : In(Corrections())
        Only where they are wanted, rows need their tokens' terms.
    i : In(stream.Signature(TokenTerms()))
        ``ready`` depends on registers only.
    i_ends : Out(1)
        The token that ``i`` waits for is the job's last.
    o : Out(stream.Signature(TokenTerms()))
    o_ends : Out(1)
        The row at ``o`` is the job's last.
    """

    def __init__(self, design: Design):
        super().__init__({
            "run": In(Run()), "corrections": In(Corrections()),
            "i": In(stream.Signature(TokenTerms())), "i_ends": Out(1),
            "o": Out(stream.Signature(TokenTerms())), "o_ends": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        size, wanted = self.design.largest_batch, self.corrections.wanted
        m.submodules.memory = memory = Memory(TokenTerms().size, _BATCHES * size)
        written, read, first = Signal(), Signal(), Signal()
        complete = Signal(range(_BATCHES + 1))  # batches that came and have not gone out
        waiting = Signal(bits_for(_BATCHES * size))  # tokens of which no row was read yet
        write_at, comes, token_ends = self._walk(m, "write", written, size, tiles="none")
        read_at, now, row_ends = self._walk(m, "read", read, size, tiles="all")
        m.d.comb += [
            self.i.ready.eq(complete != _BATCHES), self.i_ends.eq(token_ends),
            written.eq(self.i.valid & self.i.ready & wanted),
            first.eq(now.now.first_tile),
            read.eq(now.active & wanted & (~first | (waiting != 0))
                    & (self.o.ready | ~self.o.valid)),
            memory.write_address.eq(write_at), memory.write_enable.eq(written),
            memory.write_data.eq(self.i.payload.as_value()),
            memory.read_address.eq(read_at), memory.read_enable.eq(read),
            self.o.payload.as_value().eq(memory.read_data),
        ]
        m.d.sync += [waiting.eq(waiting + written - (read & first)),
                     complete.eq(complete + comes.next - (now.next & now.now.last_tile))]
        with m.If(self.o.ready | ~self.o.valid):
            m.d.sync += [self.o.valid.eq(read), self.o_ends.eq(row_ends)]
        with m.If(self.run.begin | self.run.drop):
            m.d.sync += [waiting.eq(0), complete.eq(0), self.o.valid.eq(0)]
        return m

    def _walk(self, m, name, go, size, *, tiles):
        """Address of the token that is next, the passes, and whether it is the job's last."""
        m.submodules[f"{name}_passes"] = passes = Passes(self.design, tiles=tiles, chunks=False)
        token = Signal(range(size), name=f"{name}_token")
        slot = Signal(range(_BATCHES), name=f"{name}_slot")
        at_end, ends = Signal(name=f"{name}_at_end"), Signal(name=f"{name}_ends")
        wiring.connect(m, wiring.flipped(self.run), passes.run)
        m.d.comb += [at_end.eq(token == passes.now.tokens - 1), ends.eq(go & at_end),
                     passes.next.eq(ends)]
        with m.If(go):
            m.d.sync += token.eq(token + 1)
        with m.If(ends):
            m.d.sync += [token.eq(0), slot.eq(slot + passes.now.last_tile)]
        with m.If(self.run.begin | self.run.drop):
            m.d.sync += [token.eq(0), slot.eq(0)]
        job_ends = at_end & passes.now.last_tile & passes.now.last_batch
        return slot * size + token, passes, job_ends
