"""A job between its registers and the array: nothing is read too early, and it comes to its end."""

from itertools import zip_longest
from types import SimpleNamespace
from typing import ClassVar

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value, ValueLike

from hw.accelerator.activation_buffer import activation_address, half_words
from hw.config import Design
from verify.formal.claim import Claim, too_long
from verify.formal.feeding import Feeding
from verify.formal.follow import Halves, Marked, times
from verify.formal.walk import Standing


__all__ = ["FeedingClaim"]


class FeedingClaim(Claim):
    """What the array is fed with, in jobs of any size, and that it goes on.

    The solver chooses what software writes, when it starts and aborts jobs, what streams offer and
    when, and when there is room for results. Results are not all taken before the last tile has
    read the step that ends them.
    """

    rules: ClassVar = {
        "tokens_right": "a step gets the block of each token that was taken in for it, for every "
                        "tile of columns",
        "weights_right": "a step gets the weights that were taken in for it, for every group of "
                         "tokens",
        "tokens_there": "no step is issued before the block of each token of its group is there",
        "weights_there": "no step is issued before all weights of its pass are there",
        "tokens_room": "nothing is taken in of a third batch before a first one was read",
        "weights_room": "no weights are taken in of a third pass before a first one was read",
        "whole": "a pass has a step for each block of each of its groups of tokens, and no other",
        "goes_on": "while steps are to come there is one, or a block gets its place, or a stream "
                   "is waited for that offers nothing, or room for results; or there is within "
                   "as many cycles as the array has tiles in a row or column",
        "falls": "with every pass less is left of the job: of tokens, or of tiles with as many "
                 "tokens, or of blocks with as many of both",
        "ends": "busy falls in the cycle after the last step, once the results are taken",
        "legal": "a job that runs is none of those that are refused",
        "left": "what is left of a job is a part of it",
        "tokens_walk": "the token buffer's walk through the job is ahead of the stepper's by the "
                       "batches that are filled and not read",
        "weights_walk": "the weight buffer's walk is, by the passes that are filled and not read",
        "tokens_halves": "of tokens, halves are full from when they are filled until they are read",
        "weights_halves": "so are those of weights",
        "tokens_order": "no batch is read to its end before it is there",
        "tokens_stand": "blocks of tokens have the places that their order says",
        "weights_stand": "so have those of weights",
        "steps_stand": "so have those that steps read",
        "tokens_before": "steps read no further in a batch than it was taken in",
        "quiet": "nothing is on its way when a job begins, or was dropped",
        "over": "after the last step nothing waits, and what is on its way is before its results",
    }
    lemmas: ClassVar = tuple(name for name in rules if name not in
                             ("tokens_right", "weights_right", "goes_on", "ends"))
    builds: ClassVar = {
        "tokens_right": ("tokens_halves", "tokens_stand", "steps_stand", "tokens_order",
                         "tokens_room"),
        "weights_right": ("weights_halves", "weights_stand"),
        "goes_on": lemmas,
    }

    def __init__(self, design: Design):
        self.design = design
        self.running = Signal()
        self.reserved = Signal(max(design.row_tiles, design.column_tiles) + 1)
        super().__init__(Feeding(design), choices={
            "mark_row": 1, "row": range(design.rows), "mark_column": 1,
            "column": range(design.columns)})

    def watch(self, m: Module):
        """Follow the job through the buffers."""
        run = self.inside.controller.run
        with m.If(run.begin):
            m.d.sync += self.running.eq(1)
        with m.If(run.drop):
            m.d.sync += self.running.eq(0)
        self.live, self.clear = self.running & ~run.begin, run.begin | run.drop
        reader = self._steps(m)
        weights, tokens = self._weights(m, reader), self._tokens(m, reader)
        return {**reader.rules, **weights.rules, **tokens.rules, **self._job(m),
                **self._rest(weights.halves, tokens.halves),
                "goes_on": self._stands_still(m), "ends": self._stays_busy(m)}

    def excluded(self, m: Module) -> ValueLike:
        """Results that were taken before the tiles had the steps."""
        m.d.sync += self.reserved.eq(Cat(self.inside.room.reserve, self.reserved))
        return self.inside.drained & self.reserved.any()

    def _steps(self, m: Module):
        """Where the stepper stands in its pass."""
        design, stepper, run = self.design, self.inside.stepper, self.inside.controller.run
        now, ends = stepper.passes.now, stepper.passes.next
        batch_ends = ends & (now.last_tile | ~(now.first_chunk & now.last_chunk))
        group = Signal(range(design.groups + 1), name="read_group")
        block = Signal(range(design.max_blocks), name="read_block")
        token = Signal(range(design.batch_tokens + 2 * design.rows), name="read_token")
        address, half = Signal(activation_address(design), name="read_address"), Signal()
        block_ends, next_half = run.job.steps == 1, half ^ batch_ends
        group_ends = block_ends & (block == now.blocks - 1)
        with m.If(stepper.go):
            m.d.sync += [block.eq(block + block_ends), address.eq(address + 1)]
            with m.If(group_ends):
                m.d.sync += [block.eq(0), token.eq(token + design.rows), group.eq(group + 1)]
        with m.If(ends):
            m.d.sync += [token.eq(design.rows), group.eq(0), half.eq(next_half),
                         address.eq(Mux(next_half, half_words(design), 0))]
        with m.If(run.begin):
            m.d.sync += [block.eq(0), token.eq(design.rows), group.eq(0), half.eq(0), address.eq(0)]
        place = times(group, now.blocks) + block
        stands = ((block < now.blocks) & (token == group * design.rows + design.rows)
                  & (token - design.rows < now.tokens)
                  & (address == place + Mux(half, half_words(design), 0)))
        standing = Standing.of(stepper.passes)
        before, passed = standing.kept(m), Signal()
        m.d.sync += passed.eq(ends & self.live)
        return SimpleNamespace(
            now=now, block=block, place=place, first=token - design.rows, ends=ends,
            batch_ends=batch_ends, go=stepper.go, rules={
                "steps_stand": self.live & stepper.passes.active & ~stands,
                "whole": stepper.go & (ends != (group_ends & (token >= now.tokens))),
                "falls": self.live & passed & ~standing.less(before)})

    def _weights(self, m: Module, reader):
        """Rules of the weights."""
        design, buffer = self.design, self.inside.weight_buffer
        framer, passes = buffer.framer, buffer.passes
        halves = Halves(m, self.inside.controller.run, filled=framer.ends, leaves=reader.ends,
                        full=buffer.reads.full, tiles=design.column_tiles, name="weights")
        marked = Marked("weight", self.live & framer.write & self.mark_column, self.column,
                        framer.block, [~framer.missing & block[0][0]
                                       for block in buffer.i.payload.blocks], halves.ahead)
        stands = Mux(passes.active, framer.block < passes.now.blocks,
                     (framer.block == 0) & ~framer.missing)
        return SimpleNamespace(halves=halves, rules={
            "weights_right": marked.differs(
                m, self.clear, step=reader.go, place=reader.block, leaves=reader.ends,
                words=[block[0][0] for block in self.inside.weights], tile=design.tile),
            "weights_there": self.live & reader.go & (halves.ahead == 0),
            "weights_room": self.live & framer.write & (halves.held == 2),
            "weights_halves": self.live & halves.wrong,
            "weights_stand": self.live & ~stands,
            "weights_walk": self._differ(passes, halves.ahead)})

    def _tokens(self, m: Module, reader):
        """Rules of the tokens."""
        design, buffer, run = self.design, self.inside.token_buffer, self.inside.controller.run
        passes, now = buffer.passes, buffer.passes.now
        word, row = Signal(range(design.max_blocks), name="word"), Signal(range(design.rows),
                                                                          name="taken_row")
        token, group = Signal(range(design.largest_batch + 1)), Signal(range(design.groups + 1))
        taken, token_ends, last_row = Signal(), Signal(), row == design.rows - 1
        m.d.comb += [taken.eq(buffer.i.valid & buffer.i.ready),
                     token_ends.eq(taken & (word == now.blocks * run.job.steps[0] - 1))]
        with m.If(taken):
            m.d.sync += word.eq(word + 1)
        with m.If(token_ends):
            m.d.sync += [word.eq(0), token.eq(token + 1), row.eq(Mux(last_row, 0, row + 1)),
                         group.eq(group + last_row)]
        with m.If(passes.next):
            m.d.sync += [row.eq(0), token.eq(0), group.eq(0)]
        with m.If(self.clear):
            m.d.sync += [word.eq(0), row.eq(0), token.eq(0), group.eq(0)]
        halves = Halves(m, run, filled=passes.next, leaves=reader.batch_ends,
                        full=buffer.reads.full, tiles=design.row_tiles, name="tokens")
        base = times(group, now.blocks)
        complete = base + Mux(last_row, word, 0)
        known = [base + Mux(row > r, now.blocks, Mux(row == r, word, 0))
                 for r in range(design.rows)]
        place = (base + word)[:activation_address(design)]
        marked = Marked("token", self.live & taken & self.mark_row & (self.row == row), self.row,
                        place, [buffer.i.payload.values[0][0]] * design.rows, halves.ahead)
        stands = ((word < now.blocks) & (token < now.tokens) & (row < design.rows)
                  & (token == group * design.rows + row)
                  & (buffer.reads.complete == complete + Mux(halves.fills, half_words(design), 0))
                  & (~taken | (passes.next == (token_ends & (token == now.tokens - 1)))))
        begun = self.live & (halves.ahead == 0)
        return SimpleNamespace(halves=halves, rules={
            "tokens_right": marked.differs(
                m, self.clear, step=reader.go, place=reader.place, leaves=reader.batch_ends,
                words=[values[0][0] for values in self.inside.rows.values], tile=design.tile),
            "tokens_there": begun & reader.go & Cat(
                (reader.first + r < reader.now.tokens) & (reader.place >= known[r])
                for r in range(design.rows)).any(),
            "tokens_room": self.live & taken & (halves.held == 2),
            "tokens_halves": self.live & halves.wrong,
            "tokens_order": begun & reader.batch_ends,
            "tokens_stand": self.live & passes.active & ~stands,
            "tokens_before": begun & passes.active & self.inside.stepper.passes.active
                             & (reader.place > complete),
            "tokens_walk": self._differ(passes, halves.ahead)})

    def _differ(self, passes, ahead: Signal) -> Value:
        """Whether the walk of a buffer is not so many passes ahead of the stepper's."""
        streamed = passes.tiles == "streamed"
        at, own = Standing.of(self.inside.stepper.passes), Standing.of(passes)
        at, counts, same = at.batch() if streamed else at, C(1), []
        for _ in range(3):
            same.append(counts & at.same(own))
            counts, at = at.active, at.after(streamed=streamed)
        return self.live & ~Array([*same, C(0)])[ahead]

    def _job(self, m: Module):
        """Whether the job is one to run, and what is left of it can be."""
        inside, design, job = self.inside, self.design, self.inside.controller.run.job
        long, chunked = job.k_blocks > design.max_blocks, Signal()
        m.d.sync += chunked.eq(long)
        legal = Cat((job.k_blocks != 0) & (job.k_blocks <= design.covered_blocks), job.tokens != 0,
                    job.column_tiles != 0, job.steps == 1, ~job.variable).all()
        strays = [Standing.of(part.passes).strays(streamed=part.passes.tiles == "streamed")
                  for part in (inside.stepper, inside.token_buffer, inside.weight_buffer)]
        return {"legal": (inside.controller.run.begin | self.running) & ~legal,
                "left": self.live & (Cat(strays).any() | (chunked != long))}

    def _rest(self, weights: Halves, tokens: Halves):
        """Whether something is left where a job begins or ends."""
        inside, framer = self.inside, self.inside.weight_buffer.framer
        walks = [part.passes.active for part in (inside.stepper, inside.token_buffer,
                                                 inside.weight_buffer)]
        moves = Cat(*walks, weights.pending, tokens.pending, framer.block, framer.missing).any()
        late, covered = C(0), C(0)
        for k, pair in enumerate(zip_longest(weights.pending, tokens.pending, fillvalue=C(0))):
            covered |= self.reserved[k]
            late |= Cat(pair).any() & ~covered
        busy = inside.registers.state.busy
        return {"quiet": (~self.running | inside.controller.run.begin | ~busy) & moves,
                "over": self.live & ~inside.stepper.passes.active & (
                    late | (weights.ahead != 0) | (tokens.ahead != 0))}

    def _stands_still(self, m: Module) -> Value:
        """Whether nothing moves although nobody is waited for."""
        inside, stepper = self.inside, self.inside.stepper
        streams = inside.token_buffer.i, inside.weight_buffer.i
        waits = Cat(one.ready & ~one.valid for one in streams).any() | ~inside.room.free
        moves = Cat(one.ready & one.valid for one in streams).any() | stepper.go
        still = (self.live & ~inside.controller.run.drop & stepper.passes.active & ~waits & ~moves
                 & ~inside.weight_buffer.framer.write)
        return too_long(m, still, max(self.design.row_tiles, self.design.column_tiles), "still")

    def _stays_busy(self, m: Module) -> Value:
        """Whether a job has ended, and busy does not fall."""
        inside, over = self.inside, Signal()
        busy = inside.registers.state.busy
        m.d.sync += over.eq(busy & ~inside.controller.run.begin & inside.drained
                            & ~inside.stepper.progress.stepping)
        return over & busy
