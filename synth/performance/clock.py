"""The cycles of a job: what waits for what in an accelerator, group by group.

Loading of tokens, loading of weights, steps of the array and rows of results each go on as soon as
they may. A job is followed from one group of tokens to the next; where the times of a tile, or of a
batch, repeat, the rest of them is not followed but counted.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hw.config import Design
from synth.performance.latency import EPILOGUE, Latencies, gain, latencies


__all__ = ["Job", "Times", "times"]


_QUEUE = 3
"""Groups whose rows may wait in the queue of the results when another group comes."""

_LONG_AGO = -1 << 40

_Ready = Callable[[int], tuple[int, int]]
"""When the group that ends with this token of a batch can begin, and when it is whole."""


@dataclass(frozen=True)
class Job:
    """A job of an accelerator.

    Attributes
    ----------
    tokens, blocks, tiles : int
        Tokens, blocks of a token, tiles of columns.
    steps : int
        Steps of a block that the buffer holds, see ``hw.config.Design.steps``.
    counts : tuple of tuple of int, optional
        Where steps vary: of each group of ``rows`` tokens, how many steps each block takes. A group
        that lacks tokens at the end of a batch is a group too.
    corrected : bool
        The epilogue corrects the results.
    variance : bool
        With a gain for each token.
    sum_bits : int, optional
        Bits of the sum of a token's values and of that of its kept ones, together, for the time
        that a gain takes; those of values without a mean where it is left out.
    coefficients : bool
        The job brings parameters of the input channels.
    """

    tokens: int
    blocks: int
    tiles: int
    steps: int = 1
    counts: tuple[tuple[int, ...], ...] | None = None
    corrected: bool = False
    variance: bool = False
    sum_bits: int | None = None
    coefficients: bool = False


@dataclass(frozen=True)
class Times:
    """What the counters of a job say: CYCLES, STEPS, ARRAY_CYCLES; ``first`` is the first step."""

    cycles: int
    steps: int
    array_cycles: int
    first: int

    @property
    def busy(self) -> float:
        """Share of the array's cycles that have a step."""
        return self.steps / self.array_cycles


@dataclass
class _Clock:
    """Cycles, the job's first one being 0, of what happened last.

    Attributes
    ----------
    step : int
        The last step.
    ended : int
        The last step of the last group whose sums ended.
    weights, tokens : int
        The last beat of weights, and the last write of tokens.
    weights_free, tokens_free : list of int
        When the halves of either buffer were free again, the one that is used next first.
    left : list of tuple of int
        Of the last groups, as many as decide whether there is room, the oldest first: when the last
        row left the queue, how many rows that were, and the group's last step.
    """

    step: int = 0
    ended: int = _LONG_AGO
    weights: int = 0
    tokens: int = 0
    weights_free: list[int] = field(default_factory=lambda: [0, 0])
    tokens_free: list[int] = field(default_factory=lambda: [0, 0])
    left: list[tuple[int, int, int]] = field(default_factory=list)
    steps: int = 0
    first: int = -1

    def relative(self, *, with_tokens: bool) -> tuple[int, ...]:
        """What decides how the job goes on; what lies far back decides nothing."""
        times = [self.weights, *self.weights_free,
                 *(at for left, _, ended in self.left for at in (left, ended)),
                 *([self.tokens, *self.tokens_free] if with_tokens else [])]
        return (max(_LONG_AGO, self.ended - self.step), *(rows for _, rows, _ in self.left),
                *(at - self.step for at in times))

    def skip(self, cycles: int, steps: int, *, with_tokens: bool) -> None:
        """Let so many cycles with so many steps go by."""
        self.step += cycles
        self.ended += cycles
        self.weights += cycles
        self.steps += steps
        self.weights_free = [at + cycles for at in self.weights_free]
        self.left = [(at + cycles, rows, ended + cycles)
                     for at, rows, ended in self.left]
        if with_tokens:
            self.tokens += cycles
            self.tokens_free = [at + cycles for at in self.tokens_free]


def times(design: Design, job: Job) -> Times:
    """What the counters of a job say.

    The streams offer a beat in every cycle from the start on, and results are taken at once.

    Raises
    ------
    ValueError
        If the design cannot run the job.
    """
    if job.blocks > design.covered_blocks:
        raise ValueError(f"blocks must be from 1 to {design.covered_blocks}, not {job.blocks}")
    run = _Run(design, job)
    run.follow()
    return run.times()


class _Run:
    """A job on the way."""

    def __init__(self, design: Design, job: Job):
        self.design, self.job = design, job
        self.latency: Latencies = latencies(design)
        self.row = self.latency.row if job.corrected else 1
        self.clock = _Clock()
        begin = self.latency.compressor + self.latency.held_back(design, job.blocks)
        if job.coefficients:
            begin += job.blocks + 1
        self.clock.tokens = begin
        # From a token's last block in the buffer to its terms in the table of the epilogue.
        self.terms = 2 + (gain(design, job.blocks, job.sum_bits) if job.variance else 0)
        self.chunked = job.blocks > design.max_blocks
        self.missing = 0  # rows without a token in the last group

    def follow(self) -> None:
        """Go through all batches."""
        batch = self.design.rows if self.chunked else self.design.batch_tokens
        full, rest = divmod(self.job.tokens, batch)
        counted = 0 if self.job.counts is None else -(-batch // self.design.rows)
        if self.job.counts is None:
            self._repeat(full, lambda: self._batch(batch, 0), with_tokens=True)
        else:
            for number in range(full):
                self._batch(batch, number * counted)
        if rest:
            self._batch(rest, full * counted)

    def _repeat(self, count: int, body: Callable[[], None], *, with_tokens: bool) -> None:
        """Do something ``count`` times; once a state comes back, the rest is counted."""
        clock, done = self.clock, 0
        seen: dict[tuple[int, ...], tuple[int, int, int]] = {}
        while done < count:
            state = clock.relative(with_tokens=with_tokens)
            if state in seen:
                before, cycles, steps = seen[state]
                periods = (count - done) // (done - before)
                clock.skip(periods * (clock.step - cycles), periods * (clock.steps - steps),
                           with_tokens=with_tokens)
                done += periods * (done - before)
                seen.clear()
            else:
                seen[state] = done, clock.step, clock.steps
            if done < count:
                body()
                done += 1

    def _batch(self, tokens: int, group: int) -> None:
        """All tiles of a batch, whose first group has the number ``group``."""
        if self.chunked:
            self._repeat(self.job.tiles, lambda: self._chunks(tokens, group), with_tokens=True)
            return
        blocks, tiles = self.job.blocks, self.job.tiles
        ready = self._load(tokens, blocks)
        self._pass(tokens, blocks, group, ready)
        if tiles > 1:
            self._repeat(tiles - 1, lambda: self._pass(tokens, blocks, group, None),
                         with_tokens=False)
        self._release()

    def _chunks(self, tokens: int, group: int) -> None:
        """One tile of a group of tokens that do not fit the buffer."""
        most = self.design.max_blocks
        for begin in range(0, self.job.blocks, most):
            blocks = min(most, self.job.blocks - begin)
            ready = self._load(tokens, blocks)
            self._pass(tokens, blocks, group, ready, begin=begin,
                       ends=begin + blocks == self.job.blocks)
            self._release()

    def _load(self, tokens: int, blocks: int) -> _Ready:
        """Write the tokens of a pass; return when they can be used."""
        clock, job = self.clock, self.job
        natural = self.latency.token_interval(self.design, blocks, job.steps)
        # Terms are of whole tokens: chunks come as fast as they are, one of a single block too.
        corrected = job.corrected and not self.chunked
        each = max(natural, self.terms + 1 if job.variance else 2 * corrected)
        begin = max(clock.tokens, clock.tokens_free[0] - 1)
        clock.tokens = begin + tokens * each
        own = (blocks - 1) * max(self.latency.interval, job.steps) + job.steps
        late = 1 + (job.counts is not None)

        def ready(count: int) -> tuple[int, int]:
            whole = begin + (count - 1) * each + own + late
            if own == 1 or job.counts is not None or count % self.design.rows:
                return whole, whole
            # Terms hold back the last word of a token alone, and so the first one of the next.
            return begin + max((count - 1) * natural, (count - 2) * each + own) + 1 + late, whole

        return ready

    def _release(self) -> None:
        clock = self.clock
        clock.tokens_free = [clock.tokens_free[1], clock.step + self.design.row_tiles + 1]

    def _pass(self, tokens: int, blocks: int, group: int, ready: _Ready | None, *,
              begin: int = 0, ends: bool = True) -> None:
        """All groups of a pass; tokens are there already where none are ``ready`` later."""
        clock, rows = self.clock, self.design.rows
        clock.weights = max(clock.weights, clock.weights_free[0] - 1) + blocks
        for number, at in enumerate(range(0, tokens, rows)):
            count = min(rows, tokens - at)
            first, whole = ready(at + count) if ready else (0, 0)
            may = max(clock.step + 1, clock.weights + 1, first)
            if clock.first < 0:
                clock.first = may
            steps = self._steps(group + number, begin, blocks)
            clock.steps += steps
            clock.step = max(may + steps - 1, whole)
            if ends:
                self._end(count, whole + self.terms if ready else 0)
        clock.weights_free = [clock.weights_free[1], clock.step + self.design.column_tiles + 1]

    def _steps(self, group: int, begin: int, blocks: int) -> int:
        if self.job.counts is None:
            return blocks * self.job.steps
        return sum(self.job.counts[group][begin:begin + blocks])

    def _end(self, rows: int, terms: int) -> None:
        """Find room for a group's last step; rows leave in turn, corrected ones behind terms."""
        clock, latency = self.clock, self.latency
        clock.step = clock.ended = max(clock.step, clock.ended + latency.spacing, self._room())
        begin = max(clock.step + latency.array, clock.left[-1][0] + 1 if clock.left else 0)
        left = max(begin + rows * self.row - 1, terms + self.row if self.job.corrected else 0)
        clock.left.append((left, rows, clock.step))
        self.missing = self.design.rows - rows

    def _room(self) -> int:
        """When few enough rows are in the queue, or on their way to it.

        Rows without a token are dropped when they come. Forgets groups that count no more.
        """
        clock, rows = self.clock, self.design.rows
        enough = _QUEUE * rows + 1
        gone: list[int] = []
        held = 0
        for number in reversed(range(len(clock.left))):
            at, count, ended = clock.left[number]
            held += count
            gone += [at - k * self.row for k in range(count)]
            gone += [ended + self.latency.array - 2 + row for row in range(count, rows)]
            if held >= enough:
                del clock.left[:number]
                break
        return sorted(gone)[-enough] + 1 if len(gone) >= enough else 0

    def times(self) -> Times:
        clock, latency = self.clock, self.latency
        taken = clock.left[-1][0] + 3 + (EPILOGUE if self.job.corrected else 0)
        dropped = clock.step + latency.array + self.design.rows - 1
        end = max(taken, dropped if self.missing else 0)
        return Times(end, clock.steps, clock.step - clock.first + 1, clock.first)
