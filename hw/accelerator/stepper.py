"""Runs through a job: which step the array takes next."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import bits_for

from hw.accelerator.activation_buffer import activation_address, half_words
from hw.accelerator.step_counts import count_address, half_counts
from hw.accelerator.weight_buffer import weight_address
from hw.array.array import Control
from hw.config import Design
from hw.job.passes import Job, Passes


__all__ = ["Issue", "Stepper"]


class Issue(data.StructLayout):
    """One step: the words that the array reads, and what it does with them.

    ``release_activations`` and ``release_weights`` say that a half of that buffer is read for the
    last time.
    """

    def __init__(self, design: Design):
        super().__init__({
            "activation_address": activation_address(design),
            "weight_address": weight_address(design),
            "control": Control(),
            "release_activations": 1,
            "release_weights": 1,
        })


class Stepper(wiring.Component):
    """Steps of a job: for each pass, group of tokens, block of the chunk, and step of the block.

    A job of variable steps goes on to the next block once its tokens need no more of this one. A
    step is issued when the tokens and the weights it reads are in the buffers; the step that
    ends the sums of a group also needs room for their results. One step per cycle otherwise.
    ``issue`` comes from registers, one cycle after ``go``. Reset ends the job.

    Parameters
    ----------
    design : Design

    Members
    -------
    job : In(Job()), begin : In(1), stop : In(1)
    activations_full, activations_filling, tokens_held, weights_full : In
        What the buffers hold.
    count_address : Out, count : In, with variable steps
        Address of the block after this cycle in the buffer's counts of steps, and the count that
        was read.
    room : In(1), reserve : Out(1)
        There is room for the results of a group; it is taken.
    go : Out(1)
        A step is issued.
    issue : Out(Issue(design))
    active : Out(1)
        Steps of the job are still to come.
    """

    def __init__(self, design: Design):
        counts = {"count_address": Out(count_address(design)),
                  "count": In(range(design.most_steps + 1))}
        super().__init__({
            **(counts if design.variable_steps else {}),
            "job": In(Job()), "begin": In(1), "stop": In(1),
            "activations_full": In(2), "activations_filling": In(1),
            "tokens_held": In(bits_for(design.largest_batch)), "weights_full": In(2),
            "room": In(1), "reserve": Out(1),
            "go": Out(1), "issue": Out(Issue(design)), "active": Out(1),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        design = self.design
        m.submodules.passes = passes = Passes(design)
        now = passes.now
        block = Signal(range(design.max_blocks))
        at = Signal(range(design.most_steps))  # step of the block
        address = Signal(activation_address(design))  # tokens, blocks and steps follow each other
        group_end = Signal(range(design.batch_tokens + 2 * design.rows))  # first token after it
        act_half, weight_half = Signal(), Signal()

        block_ends, group_ends, pass_ends = Signal(), Signal(), Signal()
        batch_ends, tokens_ready, counted = Signal(), Signal(), Signal()
        m.d.comb += [
            block_ends.eq(at == self._steps() - 1),
            group_ends.eq(block_ends & (block == now.blocks - 1)),
            pass_ends.eq(group_ends & (group_end >= now.tokens)),
            # Chunks of a token that does not fit the buffer are used once.
            batch_ends.eq(pass_ends & (now.last_tile | ~(now.first_chunk & now.last_chunk))),
            tokens_ready.eq(self.activations_full.bit_select(act_half, 1)
                            | ((self.activations_filling == act_half)
                               & (self.tokens_held >= group_end))),
            self.active.eq(passes.active),
            self.go.eq(passes.active & tokens_ready & counted
                       & self.weights_full.bit_select(weight_half, 1)
                       & (self.room | ~(group_ends & now.last_chunk))),
            self.reserve.eq(self.go & group_ends & now.last_chunk),
            passes.job.eq(self.job), passes.begin.eq(self.begin), passes.stop.eq(self.stop),
            passes.next.eq(self.go & pass_ends),
        ]
        m.d.sync += [
            self.issue.activation_address.eq(address),
            self.issue.weight_address.eq(Cat(block[:weight_address(design) - 1], weight_half)),
            self.issue.control.step.eq(self.go),
            self.issue.control.start.eq((block == 0) & (at == 0) & now.first_chunk),
            self.issue.control.last.eq(group_ends & now.last_chunk),
            self.issue.release_activations.eq(self.go & batch_ends),
            self.issue.release_weights.eq(self.go & pass_ends),
        ]
        next_half = act_half ^ batch_ends
        half_base = Mux(next_half, half_words(design), 0)
        with m.If(self.go):
            m.d.sync += [at.eq(at + 1), address.eq(address + 1)]
            with m.If(block_ends):
                m.d.sync += [at.eq(0), block.eq(block + 1)]
                if design.variable_steps:  # over those that no token of the group needs
                    m.d.sync += address.eq(address + self.job.steps - at)
            with m.If(group_ends):
                m.d.sync += [block.eq(0), group_end.eq(group_end + design.rows)]
            with m.If(pass_ends):
                m.d.sync += [address.eq(half_base), group_end.eq(design.rows),
                             weight_half.eq(~weight_half), act_half.eq(next_half)]
        with m.If(self.begin):
            m.d.sync += [block.eq(0), at.eq(0), address.eq(0), group_end.eq(design.rows),
                         act_half.eq(0), weight_half.eq(0)]
        if design.variable_steps:
            self._follow_counts(m, block_ends, pass_ends, next_half)
            # A count is final if all tokens of its group were in the buffer when it was read.
            final = Signal()
            m.d.sync += final.eq(Mux(self.go & group_ends,
                                     self.activations_full.bit_select(next_half, 1), tokens_ready))
            m.d.comb += counted.eq(final | ~self.job.variable)
        else:
            m.d.comb += counted.eq(1)
        return m

    def _steps(self):
        """Steps of the block that is issued now."""
        if not self.design.variable_steps:
            return self.job.steps
        return Mux(self.job.variable, self.count, self.job.steps)

    def _follow_counts(self, m, block_ends, pass_ends, next_half):
        """Have the count of each block read in the cycle before its first step."""
        address = Signal(count_address(self.design), name="counted_block")
        m.d.comb += self.count_address.eq(address)
        with m.If(self.go & block_ends):
            m.d.comb += self.count_address.eq(address + 1)
        with m.If(self.go & pass_ends):
            m.d.comb += self.count_address.eq(Mux(next_half, half_counts(self.design), 0))
        with m.If(self.begin):
            m.d.comb += self.count_address.eq(0)
        m.d.sync += address.eq(self.count_address)
