"""Counters beside a buffer of two halves, and a block that is followed through it."""

from collections.abc import Sequence
from dataclasses import dataclass

from amaranth.hdl import Array, C, Cat, Module, Mux, Signal, Value

from hw.job.job import Run


__all__ = ["Halves", "Marked", "times"]


class Halves:
    """Halves of a buffer, as they are filled, read and released.

    Parameters
    ----------
    m : Module
    run : Run
        The job.
    filled, leaves : Value
        The half that is being filled is complete; a step is issued that needs its half no more.
    full : Value
        Which halves the buffer holds to be full.
    tiles : int
        Cycles from then until the buffer is told, by the last tile.
    name : str
        Of the counters.

    Attributes
    ----------
    ahead : Signal
        Halves that are complete and that a step may need.
    pending : Value
        Halves on their way to be released, by the cycles that have passed.
    fills : Signal
        The half that is being filled.
    held : Value
        Halves that are complete and not released.
    wrong : Value
        Whether the buffer, or the stepper, takes other halves for full than these.
    """

    def __init__(self, m: Module, run: Run, *, filled: Value, leaves: Value, full: Value,
                 tiles: int, name: str):
        self.ahead = Signal(range(4), name=f"{name}_ahead")
        self.fills = Signal(name=f"{name}_fills")
        reads, releases = Signal(name=f"{name}_reads"), Signal(name=f"{name}_releases")
        leaving, pending = Signal(2, name=f"{name}_leaving"), [leaves]
        for k in range(tiles):
            later = Signal(name=f"{name}_leaves_t{k}")
            m.d.sync += later.eq(pending[-1] & ~run.drop)
            pending.append(later)
        m.d.sync += [self.ahead.eq(self.ahead + filled - leaves),
                     self.fills.eq(self.fills ^ filled), reads.eq(reads ^ leaves),
                     releases.eq(releases ^ pending[-1])]
        with m.If(pending[-1]):
            m.d.sync += leaving.bit_select(releases, 1).eq(0)
        with m.If(leaves):
            m.d.sync += leaving.bit_select(reads, 1).eq(1)
        with m.If(run.begin | run.drop):
            m.d.sync += [self.ahead.eq(0), self.fills.eq(0), releases.eq(0), leaving.eq(0)]
        with m.If(run.begin):
            m.d.sync += reads.eq(0)
        self.pending = Cat(pending[1:])
        gone = sum(pending[1:], C(0))
        self.held = self.ahead + gone
        oldest = Mux(releases, 0b10, 0b01)
        self.wrong = Cat(
            self.held > 2, full != Array([0, oldest, 0b11])[self.held],
            self.fills != releases ^ self.held[0], reads != releases ^ gone[0],
            (leaving != Array([0, oldest, 0b11])[gone]) if tiles > 1 else 0).any()


@dataclass(frozen=True)
class Marked:
    """A block that the solver chooses as it is taken in, until its half is read for the last time.

    Attributes
    ----------
    name : str
        Of what follows it.
    marks : Value
        It is taken in now, if none is followed.
    lane : Signal
        Its row, or column.
    place : Value
        Where it stands in its half.
    brought : sequence of Value
        What it brings, by lanes.
    ahead : Value
        Halves that are complete and not read for the last time.
    """

    name: str
    marks: Value
    lane: Signal
    place: Value
    brought: Sequence[Value]
    ahead: Value

    def differs(self, m: Module, clear: Value, *, step: Value, place: Value, leaves: Value,
                words: Sequence[Value], tile: int) -> Value:
        """Whether a step that is issued at its place gets another block.

        ``leaves`` as in :class:`Halves`; ``words`` are what the array is given, by lanes, of which
        ``tile`` read in the same cycle. ``clear`` is high when a job begins or is dropped.
        """
        follows, bit = Signal(name=f"{self.name}_follows"), Signal(name=f"{self.name}_brought")
        before = Signal(2, name=f"{self.name}_before")
        at = Signal(len(self.place), name=f"{self.name}_at")
        lane = Signal.like(self.lane, name=f"{self.name}_of")
        with m.If(follows & leaves):
            m.d.sync += [before.eq(before - 1), follows.eq(before != 0)]
        with m.If(self.marks & ~follows):
            m.d.sync += [follows.eq(1), bit.eq(Array(self.brought)[self.lane]), at.eq(self.place),
                         lane.eq(self.lane), before.eq(self.ahead - leaves)]
        with m.If(clear):
            m.d.sync += follows.eq(0)
        looks: list[tuple[Value, Value, Value]] = [
            (step & follows & (before == 0) & (place == at), lane, bit)]
        for k in range(2 + (len(words) - 1) // tile):  # the first tile reads a cycle later
            looks.append(later := (Signal(name=f"{self.name}_looks{k}"),
                                   Signal.like(lane, name=f"{self.name}_of{k}"),
                                   Signal(name=f"{self.name}_brought{k}")))
            m.d.sync += [one.eq(was) for one, was in zip(later, looks[-2], strict=True)]
            with m.If(clear):
                m.d.sync += later[0].eq(0)
        wrong = []
        for k, word in enumerate(words):
            read, of, brought = looks[2 + k // tile]
            wrong.append(read & (of == k) & (word != brought))
        return Cat(wrong).any()


def times(count: Signal, value: Value) -> Value:
    """A product of small numbers."""
    return Cat(sum((Mux(count == k, value * k, 0) for k in range(1, 1 << len(count))), C(0)))
