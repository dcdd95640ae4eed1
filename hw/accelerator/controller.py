"""Starts and ends jobs, and what software sees of them."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.config import FLEXIBLE, Design
from hw.fixed_point import Output
from hw.job.passes import Job
from hw.registers import Error
from hw.stream.axi_lite import fields_of


__all__ = ["Controller"]


class Controller(wiring.Component):
    """Starts and ends jobs, and tells software about them.

    A start that cannot be carried out sets an error code and does nothing else. A job ends when
    its last result was taken. ``abort`` ends it at once; what is still in the array is dropped.
    Reset ends the job and clears error and counters.

    Parameters
    ----------
    design : Design

    Members
    -------
    start : In(1)
        Software asks for a job.
    write_refused, act_tlast_error, weight_tlast_error : In(1)
        Errors that others have found.
    settings, state : In(fields_of("rw")), Out(fields_of("ro"))
        What software writes and reads.
    job : Out(Job()), begin : Out(1)
        The job that runs; ``begin`` is high in its first cycle.
    drop : Out(1)
        The job was aborted; everything forgets it.
    pattern_legal, steps : In
        Whether the design runs the pattern in the settings, and the steps of its blocks.
    stepping, step, moved : In(1)
        Steps are still to come; one is issued; a stream moves.
    drained : In(1)
        All results that steps have led to were taken.
    irq : Out(1)
        A job has ended, or timed out, and interrupts are enabled.
    """

    def __init__(self, design: Design):
        super().__init__({
            "start": In(1), "write_refused": In(1),
            "act_tlast_error": In(1), "weight_tlast_error": In(1),
            "settings": In(fields_of("rw")), "state": Out(fields_of("ro")),
            "job": Out(Job()), "begin": Out(1), "drop": Out(1),
            "pattern_legal": In(1), "steps": In(range(design.most_steps + 1)),
            "stepping": In(1), "step": In(1), "moved": In(1), "drained": In(1),
            "irq": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        settings, state = self.settings, self.state
        refusal = self._refusal(m)
        ended, aborting = Signal(), Signal()
        m.d.comb += [
            # What was issued before an abort is still on its way.
            self.drop.eq(settings.abort | aborting),
            ended.eq(state.busy & ~self.begin & ~self.stepping & self.drained),
            self.irq.eq(settings.irq_enable & (state.done | (state.error == Error.TIMEOUT))),
        ]
        m.d.sync += [aborting.eq(self.drop & ~self.drained), self.begin.eq(0)]
        with m.If(ended):
            m.d.sync += [state.busy.eq(0), state.done.eq(~self.drop)]
        self._count(m)
        self._errors(m, refusal)
        with m.If(self.start & (refusal == Error.NONE)):
            m.d.sync += [
                self.begin.eq(1), state.busy.eq(1), state.done.eq(0), state.error.eq(Error.NONE),
                *(counter.eq(0) for counter in (state.cycles, state.steps, state.array_cycles,
                                                state.idle_cycles)),
                *(self.job[name].eq(settings[name])
                  for name in ("k_blocks", "tokens", "column_tiles")),
                self.job.steps.eq(self.steps),
                self.job.variable.eq(int(self.design.variable_steps) & (settings.threshold != 0)),
            ]
        self._describe(m)
        return m

    def _refusal(self, m):
        """Why a job cannot be started now."""
        settings, refusal = self.settings, Signal(Error)
        with m.If(self.state.busy | self.drop):
            m.d.comb += refusal.eq(Error.BUSY)
        with m.Elif((settings.k_blocks == 0) | (settings.k_blocks > self.design.covered_blocks)):
            m.d.comb += refusal.eq(Error.K_BLOCKS)
        with m.Elif(settings.tokens == 0):
            m.d.comb += refusal.eq(Error.TOKENS)
        with m.Elif(settings.column_tiles == 0):
            m.d.comb += refusal.eq(Error.COLUMN_TILES)
        with m.Elif(self._lacks()):
            m.d.comb += refusal.eq(Error.OUTPUT)
        with m.Elif(~self.pattern_legal):
            m.d.comb += refusal.eq(Error.PATTERN)
        return refusal

    def _lacks(self):
        """Whether the settings ask for what the design does not have."""
        design, settings = self.design, self.settings
        statistics = settings.variance | settings.token_shift
        lacks = [
            settings.output > (max(Output) if design.epilogue_lanes else Output.RAW),
            (settings.output == Output.FP32) & int(design.accumulator_width < 32),
            settings.variance & int(not design.statistics),
            settings.token_shift & int(not design.dynamic_shift),
            (settings.static_shift != 0) & int(design.shift != "scalar"),
            (statistics | int(design.whole_tokens)) & (settings.k_blocks > design.max_blocks),
            (statistics | settings.token_scale) & (settings.output == Output.RAW),
        ]
        return Cat(lacks).any()

    def _count(self, m):
        """Counters of the job."""
        state = self.state
        with m.If(state.busy):
            m.d.sync += [state.cycles.eq(state.cycles + 1),
                         state.idle_cycles.eq(state.idle_cycles + 1)]
        with m.If(self.moved | self.step):
            m.d.sync += state.idle_cycles.eq(0)
        with m.If(self.step):
            m.d.sync += state.steps.eq(state.steps + 1)
        with m.If(self.step | (self.stepping & (state.steps != 0))):
            m.d.sync += state.array_cycles.eq(state.array_cycles + 1)

    def _errors(self, m, refusal):
        """The first error of a job stays."""
        state, timeout = self.state, self.settings.timeout
        error = Signal(Error)
        with m.If(self.start & (refusal != Error.NONE)):
            m.d.comb += error.eq(refusal)
        with m.Elif(self.write_refused):
            m.d.comb += error.eq(Error.BUSY)
        with m.Elif(self.act_tlast_error):
            m.d.comb += error.eq(Error.ACT_TLAST)
        with m.Elif(self.weight_tlast_error):
            m.d.comb += error.eq(Error.WEIGHT_TLAST)
        with m.Elif(state.busy & (timeout != 0) & (state.idle_cycles >= timeout)):
            m.d.comb += error.eq(Error.TIMEOUT)
        with m.If(state.error == Error.NONE):
            m.d.sync += state.error.eq(error)

    def _describe(self, m):
        """What software can read of the design."""
        design, state = self.design, self.state
        m.d.comb += [
            state.id.eq(int.from_bytes(b"NMFG", "big")),
            state.n.eq(design.pattern.n),
            state.m.eq(design.pattern.m),
            state.flexible.eq(FLEXIBLE.index(design.flexible)),
            state.rows.eq(design.rows),
            state.columns.eq(design.columns),
            state.max_blocks.eq(design.covered_blocks),
            state.buffer_blocks.eq(design.max_blocks),
            state.batch_tokens.eq(design.batch_tokens),
        ]
