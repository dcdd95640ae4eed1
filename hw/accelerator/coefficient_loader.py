"""Loads the parameters of the input channels that belong to a job."""

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.compressor.channel import ChannelBeat
from hw.config import Design
from hw.job.job import Run
from hw.stream.framer import Framer


__all__ = ["CoefficientLoader", "Loading"]


class Loading(wiring.Signature):
    """From the controller to the loader of the input channels' parameters.

    Members
    -------
    wanted : Out(1)
        The job brings parameters; stable while it runs.
    blocks : In(range(design.max_blocks + 1))
        Blocks of a token for which parameters are loaded; 0: none.
    """

    def __init__(self, design: Design):
        super().__init__({"wanted": Out(1), "blocks": In(bits_for(design.max_blocks))})


class CoefficientLoader(wiring.Component):
    """Hands the compressor one packet in a job that brings one, a beat for each block of a token.

    Nothing is taken in other jobs and between jobs. A misplaced ``last`` is handled by
    :class:`hw.stream.framer.Framer`; missing beats are zero. What was loaded stays for the jobs
    that follow, until the next load begins; ``drop``, reset and a misplaced ``last`` make it void.
    Combinational between the streams, one beat per cycle.

    Parameters
    ----------
    design : Design

    Members
    -------
    i, o : In, Out(stream.Signature(ChannelBeat(design)))
    run : In(Run()), loading : In(Loading(design))
    busy : Out(1)
        Beats of the packet are still to come.
    tlast_error : Out(1)
        High for a cycle when ``last`` did not come with the packet's last beat.
    """

    def __init__(self, design: Design):
        beats = stream.Signature(ChannelBeat(design))
        super().__init__({
            "i": In(beats), "o": Out(beats),
            "run": In(Run()), "loading": In(Loading(design)),
            "busy": Out(1), "tlast_error": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.framer = framer = Framer(self.design.max_blocks)
        sound, blocks, run = Signal(), self.loading.blocks, self.run
        m.d.comb += [
            framer.valid.eq(self.i.valid), framer.last.eq(self.i.payload.last),
            framer.enable.eq(self.busy & self.o.ready), framer.blocks.eq(run.job.k_blocks),
            framer.drop.eq(run.drop),
            self.i.ready.eq(framer.ready),
            Value.cast(self.o.payload).eq(Mux(framer.missing, 0, Value.cast(self.i.payload))),
            self.o.payload.last.eq(framer.at_end),
            self.o.valid.eq(self.busy & framer.offers),
            self.tlast_error.eq(framer.error),
        ]
        with m.If(framer.error):
            m.d.sync += sound.eq(0)
        with m.If(framer.ends):
            m.d.sync += [self.busy.eq(0),
                         blocks.eq(Mux(sound & ~framer.error, run.job.k_blocks, 0))]
        with m.If(run.begin & self.loading.wanted):
            m.d.sync += [self.busy.eq(1), sound.eq(1), blocks.eq(0)]
        with m.If(run.drop):
            m.d.sync += [self.busy.eq(0), blocks.eq(0)]
        return m
