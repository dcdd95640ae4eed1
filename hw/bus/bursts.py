"""Runs of elements as bursts of the bus."""

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out

from hw.bus.axi4 import Burst, MemoryRun
from hw.bus.sized import Sized
from hw.config import Design


__all__ = ["Bursts"]


class Bursts(Sized):
    """Cuts runs of elements into bursts that stay inside aligned regions of ``longest`` beats.

    No burst has more beats than that, and none crosses a border of 4 KiB. A run is taken when the
    one before is done; its first burst is on offer a cycle later, then one per cycle. Reset
    forgets the run.

    Parameters
    ----------
    design : Design
    size : int
        Bytes of an element, as in :class:`hw.bus.sized.Sized`.
    bits : int
        Bits of the number of a run's elements.
    longest : int, optional
        A power of two, at most ``burst_beats``, which it is if nothing is given.

    Members
    -------
    i : In(stream.Signature(MemoryRun(design, bits)))
    o : Out(stream.Signature(Burst(design)))
    busy : Out(1)
        A run is not done.
    """

    def __init__(self, design: Design, size: int, bits: int = 32, longest: int | None = None):
        super().__init__(design, size, {
            "i": In(stream.Signature(MemoryRun(design, bits))),
            "o": Out(stream.Signature(Burst(design))),
            "busy": Out(1),
        }, bits)
        self.longest = longest or design.burst_beats

    @property
    def variant(self) -> str:
        """Bytes of an element, bits of their number, and beats of the longest burst."""
        return f"{super().variant}_{self.longest}"

    def elaborate(self, platform):
        m = Module()
        design, run, burst = self.design, self.i.payload, self.o.payload
        word_bits, size_bits = design.bus_bytes.bit_length() - 1, (self.size - 1).bit_length()
        beats_bits = self.longest.bit_length() - 1
        # Beats of the run: one more than its bytes, if it begins or ends within a beat.
        left = Signal(max(1, self.bits + size_bits - word_bits) + 1)
        fits = Signal(range(self.longest + 1))
        end = Signal(len(left) + word_bits)  # bytes from the start of the first beat
        m.d.comb += [
            end.eq(run.address[:word_bits] + self.bytes_of(run.elements)
                   + (design.bus_bytes - 1)),
            self.busy.eq(left != 0),
            self.i.ready.eq(~self.busy),
            fits.eq(self.longest - (burst.word[:beats_bits] if beats_bits else 0)),
            burst.beats.eq(Mux(left > fits, fits, left)),
            self.o.valid.eq(self.busy),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [burst.word.eq(run.address[word_bits:]), left.eq(end >> word_bits)]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [burst.word.eq(burst.word + burst.beats), left.eq(left - burst.beats)]
        return m
