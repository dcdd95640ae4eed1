"""Where in memory the packets of a job lie, in the order in which the streams carry them."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.bus.axi4 import MemoryRun
from hw.bus.sized import Sized
from hw.config import Design
from hw.job.job import Run
from hw.job.passes import Passes


__all__ = ["BatchRuns", "JobRun", "ResultRuns", "TokenRuns", "Walker", "WeightRuns"]


class Walker(Sized):
    """Goes through a job at its own pace: one run of memory after the other.

    The first run is on offer two cycles after ``begin``. Reset, and ``drop``, end the walk.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, as in :class:`hw.bus.sized.Sized`.
    bits : int
        Bits of the number of a run's elements.

    Members
    -------
    run : In(Run())
    base : In(address_width)
        Where the data begin; stable during a job.
    stride : In(32), for tokens and results
        Bytes from one token, or from one tile of results, to the next; stable during a job.
    o : Out(stream.Signature(MemoryRun(design, bits)))
    """

    strided = False

    def __init__(self, design: Design, size: int, bits: int = 32):
        super().__init__(design, size, {
            "run": In(Run()), "base": In(design.address_width),
            **({"stride": In(32)} if self.strided else {}),
            "o": Out(stream.Signature(MemoryRun(design, bits))),
        }, bits)

    def _walk(self, m, **options):
        """Follow the passes of a job; return them, and whether a run is taken."""
        m.submodules.passes = passes = Passes(self.design, **options)
        wiring.connect(m, wiring.flipped(self.run), passes.run)
        moves = Signal()
        m.d.comb += [self.o.valid.eq(passes.active), moves.eq(self.o.valid & self.o.ready)]
        return passes, moves


class TokenRuns(Walker):
    """A run for each chunk of each token; chunked tokens come again for every tile."""

    strided = True

    def elaborate(self, platform):
        m = Module()
        passes, moves = self._walk(m, tiles="streamed")
        now, width = passes.now, self.design.address_width
        batch, token, chunk = Signal(width), Signal(width), Signal(width)
        count, following, at_end = Signal(bits_for(self.design.largest_batch)), Signal(width), \
            Signal()
        m.d.comb += [
            self.o.payload.address.eq(token + chunk), self.o.payload.elements.eq(now.blocks),
            self.o.payload.last.eq(1),
            following.eq(token + self.stride), at_end.eq(count == now.tokens - 1),
            passes.next.eq(moves & at_end),
        ]
        with m.If(moves):
            m.d.sync += [count.eq(count + 1), token.eq(following)]
            with m.If(at_end):
                m.d.sync += [count.eq(0), token.eq(batch),
                             chunk.eq(chunk + self.bytes_of(now.blocks))]
                with m.If(now.last_chunk):
                    m.d.sync += chunk.eq(0)
                    with m.If(now.last_tile):
                        m.d.sync += [batch.eq(following), token.eq(following)]
        with m.If(self.run.begin):
            m.d.sync += [batch.eq(self.base), token.eq(self.base), chunk.eq(0), count.eq(0)]
        return m


class WeightRuns(Walker):
    """A run for each chunk of each tile; they lie one behind the other, and come every batch."""

    def elaborate(self, platform):
        m = Module()
        passes, moves = self._walk(m)
        now, place = passes.now, Signal(self.design.address_width)
        m.d.comb += [
            self.o.payload.address.eq(place), self.o.payload.elements.eq(now.blocks),
            self.o.payload.last.eq(1), passes.next.eq(moves),
        ]
        with m.If(moves):
            m.d.sync += place.eq(Mux(now.last_chunk & now.last_tile, self.base,
                                     place + self.bytes_of(now.blocks)))
        with m.If(self.run.begin):
            m.d.sync += place.eq(self.base)
        return m


class BatchRuns(Walker):
    """The terms of all tiles, again for every batch; together they are one packet."""

    def elaborate(self, platform):
        m = Module()
        passes, moves = self._walk(m, tiles="none", chunks=False)
        m.d.comb += [
            self.o.payload.address.eq(self.base),
            self.o.payload.elements.eq(self.run.job.column_tiles),
            self.o.payload.last.eq(passes.now.last_batch), passes.next.eq(moves),
        ]
        return m


class JobRun(Walker):
    """One run for the job: an element for each block, or token.

    Parameters
    ----------
    design : Design
    size : int
    each : str
        Field of the job that says how many: ``k_blocks`` or ``tokens``.
    """

    def __init__(self, design: Design, size: int, each: str):
        super().__init__(design, size)
        self.each = each

    @property
    def variant(self) -> str:
        """What has an element each."""
        return self.each

    def elaborate(self, platform):
        m = Module()
        m.d.comb += [
            self.o.payload.address.eq(self.base),
            self.o.payload.elements.eq(self.run.job[self.each]), self.o.payload.last.eq(1),
        ]
        with m.If(self.o.ready | self.run.drop):
            m.d.sync += self.o.valid.eq(0)
        with m.If(self.run.begin):
            m.d.sync += self.o.valid.eq(1)
        return m


class ResultRuns(Walker):
    """A run for the tokens of each batch in each tile; a tile has the tokens one by one."""

    strided = True

    def elaborate(self, platform):
        m = Module()
        passes, moves = self._walk(m, chunks=False)
        now, width = passes.now, self.design.address_width
        batch, tile = Signal(width), Signal(width)  # the batch in the first tile, and in this one
        following = Signal(width)
        m.d.comb += [
            self.o.payload.address.eq(tile), self.o.payload.elements.eq(now.tokens),
            self.o.payload.last.eq(1), passes.next.eq(moves),
            following.eq(batch + self.bytes_of(now.tokens)),
        ]
        with m.If(moves):
            m.d.sync += tile.eq(tile + self.stride)
            with m.If(now.last_tile):
                m.d.sync += [batch.eq(following), tile.eq(following)]
        with m.If(self.run.begin):
            m.d.sync += [batch.eq(self.base), tile.eq(self.base)]
        return m
