"""Runs a job: which step the array takes next, and what software sees of it."""

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for, ceil_log2

from hw.array import Control
from hw.axi_lite import fields_of
from hw.buffers import Job, activation_address, weight_address
from hw.config import Design
from hw.registers import Error


__all__ = ["Controller", "Issue"]


class Issue(data.StructLayout):
    """One step: the words that the array reads, and what it does with them.

    ``release`` says that the half of the weight buffer is read for the last time.
    """

    def __init__(self, design: Design):
        super().__init__({
            "activation_address": activation_address(design),
            "weight_address": weight_address(design),
            "control": Control(),
            "release": 1,
        })


class Controller(wiring.Component):
    """Steps through a job: for each tile of columns, for each group of tokens, for each block.

    A step is issued when the tokens and the weights it reads are in the buffers; the last step
    of a group also waits until the results of the group before have left the array. One step per
    cycle otherwise. ``issue`` comes from registers.

    A start that cannot be carried out sets an error code and does nothing else.

    Parameters
    ----------
    design : Design

    Members
    -------
    start : In(1)
        Software asks for a job.
    settings, state : In(fields_of("rw")), Out(fields_of("ro"))
        What software writes and reads.
    job : Out(Job(design)), begin : Out(1)
        The job that runs; ``begin`` is high in its first cycle.
    tokens_held, weights_full : In
        What the buffers hold.
    act_tlast_error, weight_tlast_error : In(1)
    issue : Out(Issue(design))
    group_left : In(1)
        The results of a group have left the array.
    job_left : In(1)
        The last result of the job was taken.
    irq : Out(1)
        A job has ended and interrupts are enabled.
    """

    def __init__(self, design: Design):
        super().__init__({
            "start": In(1),
            "settings": In(fields_of("rw")),
            "state": Out(fields_of("ro")),
            "job": Out(Job(design)),
            "begin": Out(1),
            "tokens_held": In(bits_for(design.max_tokens)),
            "weights_full": In(2),
            "act_tlast_error": In(1),
            "weight_tlast_error": In(1),
            "issue": Out(Issue(design)),
            "group_left": In(1),
            "job_left": In(1),
            "irq": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        stepping = Signal()  # steps of the job are still to come
        self._describe(m)
        self._steps(m, stepping)
        self._job(m, stepping)  # last, since a new job overrides what the old one left
        return m

    def _describe(self, m):
        """What software can read of the design."""
        design = self.design
        m.d.comb += [
            self.state.id.eq(int.from_bytes(b"NMFG", "big")),
            self.state.n.eq(design.pattern.n),
            self.state.m.eq(design.pattern.m),
            self.state.rows.eq(design.rows),
            self.state.columns.eq(design.columns),
            self.state.max_blocks.eq(design.max_blocks),
            self.state.max_tokens.eq(design.max_tokens),
        ]

    def _job(self, m, stepping):
        """Start, end, errors and counters of a job."""
        design, settings, state = self.design, self.settings, self.state
        refusal = Signal(Error)
        with m.If(state.busy):
            m.d.comb += refusal.eq(Error.BUSY)
        with m.Elif((settings.k_blocks == 0) | (settings.k_blocks > design.max_blocks)):
            m.d.comb += refusal.eq(Error.K_BLOCKS)
        with m.Elif((settings.tokens == 0) | (settings.tokens > design.max_tokens)):
            m.d.comb += refusal.eq(Error.TOKENS)
        with m.Elif(settings.column_tiles == 0):
            m.d.comb += refusal.eq(Error.COLUMN_TILES)

        error = Signal(Error)
        with m.If(self.start & (refusal != Error.NONE)):
            m.d.comb += error.eq(refusal)
        with m.Elif(self.act_tlast_error):
            m.d.comb += error.eq(Error.ACT_TLAST)
        with m.Elif(self.weight_tlast_error):
            m.d.comb += error.eq(Error.WEIGHT_TLAST)
        with m.If(state.error == Error.NONE):
            m.d.sync += state.error.eq(error)

        with m.If(state.busy):
            m.d.sync += state.cycles.eq(state.cycles + 1)
        with m.If(self.job_left):
            m.d.sync += [state.busy.eq(0), state.done.eq(1)]
        m.d.sync += self.begin.eq(0)
        with m.If(self.start & (refusal == Error.NONE)):
            m.d.sync += [
                self.begin.eq(1), stepping.eq(1),
                state.busy.eq(1), state.done.eq(0), state.error.eq(Error.NONE),
                state.cycles.eq(0), state.steps.eq(0), state.array_cycles.eq(0),
                *(self.job[name].eq(settings[name]) for name in Job(design).members),
            ]
        m.d.comb += self.irq.eq(state.done & settings.irq_enable)

    def _steps(self, m, stepping):
        """Order of the steps, and when the next one can be issued."""
        design, job, state = self.design, self.job, self.state
        block = Signal(range(design.max_blocks))
        base = Signal(activation_address(design))   # where the tokens of this group begin
        group_end = Signal(range(design.max_tokens + design.rows + 1))  # first token after it
        half = Signal()
        tiles_left = Signal(16)
        results_wait = Signal()  # results of the group before are still in the array

        sum_ends, last_group, tokens_ready, go = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            sum_ends.eq(block == job.k_blocks - 1),
            last_group.eq(group_end >= job.tokens),
            tokens_ready.eq((self.tokens_held >= group_end) | (self.tokens_held == job.tokens)),
            go.eq(stepping & ~self.begin & tokens_ready & self.weights_full.bit_select(half, 1)
                  & ~(sum_ends & results_wait)),
        ]
        m.d.sync += [
            self.issue.activation_address.eq(base + block),
            self.issue.weight_address.eq(
                Cat(block[:ceil_log2(design.max_blocks)], half)),
            self.issue.control.step.eq(go),
            self.issue.control.start.eq(block == 0),
            self.issue.control.last.eq(sum_ends),
            self.issue.release.eq(go & sum_ends & last_group),
        ]
        with m.If(self.group_left):
            m.d.sync += results_wait.eq(0)
        with m.If(go | (stepping & (state.steps != 0))):
            m.d.sync += state.array_cycles.eq(state.array_cycles + 1)
        with m.If(go):
            m.d.sync += [state.steps.eq(state.steps + 1), block.eq(block + 1)]
            with m.If(sum_ends):
                m.d.sync += [block.eq(0), results_wait.eq(1), base.eq(base + job.k_blocks),
                             group_end.eq(group_end + design.rows)]
                with m.If(last_group):
                    m.d.sync += [base.eq(0), group_end.eq(design.rows), half.eq(~half),
                                 tiles_left.eq(tiles_left - 1)]
                    with m.If(tiles_left == 1):
                        m.d.sync += stepping.eq(0)
        with m.If(self.begin):
            m.d.sync += [block.eq(0), base.eq(0), group_end.eq(design.rows), half.eq(0),
                         tiles_left.eq(job.column_tiles), results_wait.eq(0)]
