"""Blocks of weights, of which parts are needed, as bursts of the bus."""

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Burst
from hw.bus.weight_masks import MaskedWeights
from hw.config import Design
from hw.layouts import mask_bits, weight_words


__all__ = ["MaskBursts"]


class _Found(data.StructLayout):
    """Beats that are needed, one behind the other: number of the first one, and how many."""

    def __init__(self, design: Design):
        super().__init__({"word": Burst(design)["word"].shape,
                          "beats": range(weight_words(design) + 1)})


class MaskBursts(wiring.Component):
    """Makes bursts of the beats that are needed, and of no others, in order.

    Neighbours are one burst, also of two blocks, while it stays inside an aligned region of
    ``burst_beats``; a burst that can leave leaves, without waiting for what might follow. Needed
    parts of a block that are neighbours take a cycle, and so does a block without any; the first
    burst is on offer three cycles after its block came. Outputs are registers. Reset forgets
    everything.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(MaskedWeights(design)))
        ``last`` is not looked at.
    o : Out(stream.Signature(Burst(design)))
    """

    def __init__(self, design: Design):
        super().__init__({"i": In(stream.Signature(MaskedWeights(design))),
                          "o": Out(stream.Signature(Burst(design)))})
        self.design = design

    def elaborate(self, platform):
        m = Module()
        found, taken, holds = Signal(_Found(self.design)), Signal(), Signal()
        self._find(m, found, holds, ~holds | taken)
        self._join(m, found, holds, taken)
        return m

    def _find(self, m, found, holds, free):
        """Take the needed parts of a block that are neighbours, the lowest first."""
        block = self.i.payload
        parts, scale = mask_bits(self.design), weight_words(self.design) // mask_bits(self.design)
        left, word = Signal(parts), Signal.like(block.word)
        low, above = Signal(parts), Signal(parts + 1)  # one-hot: the first one, the one behind them
        rest, carried = Signal(parts), Signal(parts + 1)
        m.d.comb += [
            low.eq(left & -left), carried.eq(left + low),
            above.eq(carried & ~Cat(left, C(0, 1))), rest.eq(carried & left),
            self.i.ready.eq(~rest.any() & (free | ~left.any())),
        ]
        with m.If(free):
            m.d.sync += [holds.eq(left.any()), left.eq(rest),
                         found.word.eq(word + _index(low) * scale),
                         found.beats.eq((_index(above) - _index(low)) * scale)]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [left.eq(block.mask), word.eq(block.word)]

    def _join(self, m, found, holds, taken):
        """Cut what was found at the borders of regions, and join it to what is just before."""
        design, burst = self.design, self.o.payload
        bits = design.burst_beats.bit_length() - 1
        held, full, free = Signal(Burst(design)), Signal(), Signal()
        end = Signal.like(held.word)
        fits, part = Signal(range(design.burst_beats + 1)), Signal(range(design.burst_beats + 1))
        joins, loads, leaves, waiting = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            fits.eq(design.burst_beats - (found.word[:bits] if bits else 0)),
            part.eq(Mux(found.beats > fits, fits, found.beats)),
            end.eq(held.word + held.beats), full.eq(~end[:bits].any() if bits else 1),
            joins.eq(waiting & holds & ~full & (end == found.word)),
            free.eq(self.o.ready | ~self.o.valid),
            leaves.eq(waiting & ~joins & free), loads.eq(holds & (joins | leaves | ~waiting)),
            taken.eq(loads & (part == found.beats)),
        ]
        with m.If(free):
            m.d.sync += [self.o.valid.eq(leaves), burst.eq(held)]
        with m.If(leaves):
            m.d.sync += waiting.eq(0)
        with m.If(loads):
            m.d.sync += [waiting.eq(1), held.beats.eq(Mux(joins, held.beats, 0) + part)]
            with m.If(~joins):
                m.d.sync += held.word.eq(found.word)
            with m.If(~taken):
                m.d.sync += [found.word.eq(found.word + part), found.beats.eq(found.beats - part)]


def _index(one_hot):
    """Number of the bit that is set; 0 if none is."""
    count = len(one_hot)
    return Cat(Cat(one_hot[k] for k in range(count) if k >> bit & 1).any()
               for bit in range(max(1, (count - 1).bit_length())))
