"""Runs through a job: which step the array takes next."""

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from hw.accelerator.activation_buffer import TokenReads, activation_address, half_words
from hw.accelerator.results import ResultRoom
from hw.accelerator.step_counts import half_counts
from hw.accelerator.weight_buffer import WeightReads, weight_address
from hw.array.array import Control
from hw.config import Design
from hw.job.job import Run
from hw.job.passes import Passes


__all__ = ["Progress", "Stepper"]


class Progress(wiring.Signature):
    """From the stepper to the controller, which counts.

    Members
    -------
    stepping : Out(1)
        Steps of the job are still to come.
    step : Out(1)
        One was issued in the cycle before: the counters are no part of the paths that decide.
    """

    def __init__(self):
        super().__init__({"stepping": Out(1), "step": Out(1)})


class _Issue(data.StructLayout):
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
    step is issued when the words of the tokens it reads, and the weights of its pass, are in the
    buffers; with variable steps all of its tokens. The step that
    ends the sums of a group also needs room for their results. One step per cycle otherwise.
    The buffers are read from registers, by the first tile one cycle after the step is issued, and
    the array is told one cycle after its buffer, when the word is there; each tile of rows, or of
    columns, follows a cycle after the one before. Reset ends the job.

    Parameters
    ----------
    design : Design

    Members
    -------
    run : In(Run())
    activations : Out(TokenReads(design)), weights : Out(WeightReads(design))
    room : Out(ResultRoom())
    control : Out(ArrayLayout(Control, row_tiles))
        What the array does.
    progress : Out(Progress())
    """

    def __init__(self, design: Design):
        super().__init__({
            "run": In(Run()),
            "activations": Out(TokenReads(design)),
            "weights": Out(WeightReads(design)),
            "room": Out(ResultRoom()),
            "control": Out(data.ArrayLayout(Control(), design.row_tiles)),
            "progress": Out(Progress()),
        })
        self.design, self.passes = design, Passes(design)
        self.go = Signal()

    def elaborate(self, platform):
        m = Module()
        design, run, tokens, room = self.design, self.run, self.activations, self.room
        m.submodules.passes = passes = self.passes
        wiring.connect(m, wiring.flipped(run), passes.run)
        now, go, issue = passes.now, self.go, Signal(_Issue(design))
        block = Signal(range(design.max_blocks))
        at = Signal(range(design.most_steps))  # step of the block
        address = Signal(activation_address(design))  # tokens, blocks and steps follow each other
        group_end = Signal(range(design.batch_tokens + 2 * design.rows))  # first token after it
        act_half, weight_half = Signal(), Signal()

        block_ends, group_ends, pass_ends = Signal(), Signal(), Signal()
        batch_ends, tokens_ready, counted = Signal(), Signal(), Signal()
        batches = self._unread(m, tokens, design.row_tiles, go & batch_ends, act_half)
        weights = self._unread(m, self.weights, design.column_tiles, go & pass_ends, weight_half)
        m.d.comb += [
            block_ends.eq(at == self._steps() - 1),
            group_ends.eq(block_ends & (block == now.blocks - 1)),
            pass_ends.eq(group_ends & (group_end >= now.tokens)),
            # Chunks of a token that does not fit the buffer are used once.
            batch_ends.eq(pass_ends & (now.last_tile | ~(now.first_chunk & now.last_chunk))),
            # Never beyond what is complete: where it stands elsewhere, it stands before it.
            tokens_ready.eq(batches.bit_select(act_half, 1)
                            | ((tokens.filling == act_half) & (address != tokens.complete))),
            self.progress.stepping.eq(passes.active),
            self.progress.step.eq(issue.control.step),
            go.eq(passes.active & tokens_ready & counted
                  & weights.bit_select(weight_half, 1)
                  & (room.free | ~(group_ends & now.last_chunk))),
            room.reserve.eq(go & group_ends & now.last_chunk),
            passes.next.eq(go & pass_ends),
        ]
        m.d.sync += [
            issue.activation_address.eq(address),
            issue.weight_address.eq(Cat(block[:weight_address(design) - 1], weight_half)),
            issue.control.step.eq(go),
            issue.control.start.eq((block == 0) & (at == 0) & now.first_chunk),
            issue.control.last.eq(group_ends & now.last_chunk),
            issue.release_activations.eq(go & batch_ends),
            issue.release_weights.eq(go & pass_ends),
        ]
        next_half = act_half ^ batch_ends
        half_base = Mux(next_half, half_words(design), 0)
        with m.If(go):
            m.d.sync += [at.eq(at + 1), address.eq(address + 1)]
            with m.If(block_ends):
                m.d.sync += [at.eq(0), block.eq(block + 1)]
                if design.variable_steps:  # over those that no token of the group needs
                    m.d.sync += address.eq(address + run.job.steps - at)
            with m.If(group_ends):
                m.d.sync += [block.eq(0), group_end.eq(group_end + design.rows)]
            with m.If(pass_ends):
                m.d.sync += [address.eq(half_base), group_end.eq(design.rows),
                             weight_half.eq(~weight_half), act_half.eq(next_half)]
        with m.If(run.begin):
            m.d.sync += [block.eq(0), at.eq(0), address.eq(0), group_end.eq(design.rows),
                         act_half.eq(0), weight_half.eq(0)]
        if design.variable_steps:
            self._follow_counts(m, go & block_ends, go & pass_ends, next_half)
            # A count is final if all tokens of its group were in the buffer when it was read.
            final, whole = Signal(), Signal()
            m.d.comb += whole.eq(batches.bit_select(act_half, 1)
                                 | ((tokens.filling == act_half) & (tokens.held >= group_end)))
            m.d.sync += final.eq(Mux(go & group_ends, batches.bit_select(next_half, 1), whole))
            m.d.comb += counted.eq(final | ~run.job.variable)
        else:
            m.d.comb += counted.eq(1)
        self._feed(m, issue)
        return m

    def _unread(self, m, reads, tiles, ends, half):
        """Halves of a buffer that are full, and that no pass has read.

        The tiles read one after the other, and the last one releases the half. A pass may have
        fewer steps than there are tiles: the half is then wanted again before it is released.
        """
        if tiles == 1:
            return reads.full
        leaving, oldest, unread = Signal(2), Signal(), Signal(2)
        with m.If(reads.release):
            m.d.sync += [leaving.bit_select(oldest, 1).eq(0), oldest.eq(~oldest)]
        with m.If(ends):
            m.d.sync += leaving.bit_select(half, 1).eq(1)
        with m.If(self.run.begin | self.run.drop):
            m.d.sync += [leaving.eq(0), oldest.eq(0)]
        m.d.comb += unread.eq(reads.full & ~leaving)
        return unread

    def _steps(self):
        """Steps of the block that is issued now."""
        job = self.run.job
        if not self.design.variable_steps:
            return job.steps
        return Mux(job.variable, self.activations.count, job.steps)

    def _follow_counts(self, m, block_done, pass_done, next_half):
        """Have the count of each block read in the cycle before its first step."""
        ahead = self.activations.count_address
        address = Signal.like(ahead, name="counted_block")
        m.d.comb += ahead.eq(address)
        with m.If(block_done):
            m.d.comb += ahead.eq(address + 1)
        with m.If(pass_done):
            m.d.comb += ahead.eq(Mux(next_half, half_counts(self.design), 0))
        with m.If(self.run.begin):
            m.d.comb += ahead.eq(0)
        m.d.sync += address.eq(ahead)

    def _feed(self, m, issue):
        """Take a step to the tiles, to each one cycle later than to the tile before."""
        design, activations, weights = self.design, self.activations, self.weights
        issued = [issue]
        for k in range(max(design.row_tiles, design.column_tiles)):
            later = Signal.like(issue, name=f"issue_t{k}")
            m.d.sync += later.eq(issued[-1])
            issued.append(later)
        with m.If(self.run.drop):  # or the last tile would release a half of the next job
            m.d.sync += [(one.release_activations.eq(0), one.release_weights.eq(0))
                         for one in issued]
        for i in range(design.row_tiles):
            m.d.comb += [
                activations.address[i].eq(issued[i].activation_address),
                activations.enable[i].eq(issued[i].control.step),
                self.control[i].eq(issued[i + 1].control),  # the memory takes one cycle
            ]
        for j in range(design.column_tiles):
            m.d.comb += [weights.address[j].eq(issued[j].weight_address),
                         weights.enable[j].eq(issued[j].control.step)]
        m.d.comb += [
            activations.release.eq(issued[design.row_tiles - 1].release_activations),
            weights.release.eq(issued[design.column_tiles - 1].release_weights),
        ]
