"""What every stage of a stream promises, watched from outside by one symbolic beat."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from amaranth.hdl import C, Cat, Module, Mux, Signal, Value, ValueLike
from amaranth.lib import wiring

from verify.formal.claim import Claim, too_long


__all__ = ["RULES", "Promise", "StreamClaim", "stays"]


RULES = {
    "stays": "an offered beat stays, unchanged, until it is taken",
    "owed": "nothing is offered but what was taken in",
    "order": "any beat leaves in its turn, with what it brought",
    "room": "no more is taken in than there are places",
    "offered": "what is inside is on offer in time",
    "taken": "while the sink is ready, a beat is taken in in time",
}
"""Rules of a stage: none but the first is about single beats, so that together they say that none
is lost, repeated or reordered."""


@dataclass(frozen=True)
class Promise:
    """What a stage promises beside the rules.

    Attributes
    ----------
    places : int
        Beats that it holds at most.
    offers_after : int
        Cycles without an offer while something is inside, at most.
    takes_after : int
        Cycles in which the sink is ready and the source has to wait, at most.
    passes : sequence of str
        Fields of the payload that leave as they came.
    whole : bool
        Whether a token leaves only once its last beat is inside.
    part : int
        With ``whole``: it is enough that so many of its beats are, the first ones, the next ones,
        and so on; 0 if it is not.
    longest : int
        Beats of the longest token; 0 if its length does not matter.
    still : tuple of str
        Inputs that are held still.
    """

    places: int = 1
    offers_after: int = 0
    takes_after: int = 0
    passes: Sequence[str] = ("last",)
    whole: bool = False
    part: int = 0
    longest: int = 0
    still: tuple[str, ...] = field(default=())


class StreamClaim(Claim):
    """A stage with one stream in and one out, of which every beat that goes in comes out.

    The solver marks a beat, any one, as it is taken in. What it brought is kept, and how many
    beats were inside before it: when these have left, the next one must be it. Nothing is assumed
    of the streams: what is offered to the stage may change or go away.
    """

    rules = RULES

    def __init__(self, stage: wiring.Component, promise: Promise):
        self.promise = promise
        self.marks = Signal()  # the marked beat is taken in
        self.turn = Signal()  # what leaves next is of the marked beat
        super().__init__(stage, still=promise.still, choices={"mark": 1})

    def watch(self, m: Module):
        """Add the scoreboard."""
        source, sink, promise = self.inside.i, self.inside.o, self.promise
        enters, leaves = Signal(), Signal()
        inside = Signal(range(promise.places + 2))
        m.d.comb += [enters.eq(source.valid & source.ready),
                     leaves.eq(sink.valid & sink.ready & self.ends(sink.payload))]
        m.d.sync += inside.eq(inside + enters - leaves)
        waiting = self._whole_tokens(m, enters, leaves) if promise.whole else inside != 0
        return {
            "stays": stays(m, sink),
            "owed": sink.valid & (inside == 0),
            "order": self._marked(m, enters, leaves, inside),
            "room": inside > promise.places,
            "offered": too_long(m, ~sink.valid & waiting, promise.offers_after, "idle"),
            "taken": too_long(m, sink.ready & ~source.ready & ~Value.cast(self.excused(m)),
                              promise.takes_after, "refused"),
        }

    def ends(self, payload) -> ValueLike:
        """Whether what leaves is the last of what becomes of a beat."""
        return C(1)

    def excused(self, m: Module) -> ValueLike:
        """Whether the stage may let the source wait although the sink is ready."""
        return C(0)

    def excluded(self, m: Module) -> ValueLike:
        """Tokens that are too long."""
        if not self.promise.longest:
            return C(0)
        source = self.inside.i
        beats = Signal(range(self.promise.longest + 1))
        with m.If(source.valid & source.ready):
            m.d.sync += beats.eq(beats + 1)
            with m.If(source.payload.last):
                m.d.sync += beats.eq(0)
        return source.valid & ~source.payload.last & (beats == self.promise.longest - 1)

    def _fields(self, payload) -> Value:
        if not self.promise.passes:
            return Value.cast(payload)
        return Cat(Value.cast(_field(payload, name)) for name in self.promise.passes)

    def _marked(self, m: Module, enters: Signal, leaves: Signal, inside: Signal) -> Value:
        """Whether the marked beat's turn is now, and another one leaves."""
        source, sink = self.inside.i.payload, self.inside.o.payload
        chosen, follows, ahead = Signal(), Signal(), Signal.like(inside)
        brought = Signal(len(self._fields(source)))
        m.d.comb += [self.marks.eq(enters & self.mark & ~chosen),
                     self.turn.eq(follows & (ahead == 0))]
        with m.If(leaves):
            m.d.sync += ahead.eq(ahead - 1)
            with m.If(self.turn):
                m.d.sync += follows.eq(0)
        with m.If(self.marks):
            m.d.sync += [chosen.eq(1), follows.eq(1), ahead.eq(inside - leaves),
                         brought.eq(self._fields(source))]
        return self.turn & leaves & (self._fields(sink) != brought)

    def _whole_tokens(self, m: Module, enters: Signal, leaves: Signal) -> Value:
        """Whether a token, or a part of it, is inside from its first to its last beat."""
        whole = Signal(range(self.promise.places + 2))
        begun = self._completes(m, enters, self.inside.i.payload, "entering")
        done = self._completes(m, leaves, self.inside.o.payload, "leaving")
        m.d.sync += whole.eq(whole + begun - done)
        return whole != 0

    def _completes(self, m: Module, moves: Signal, payload, name: str) -> Value:
        """Whether a token, or a part of it, is complete with this beat."""
        ends = moves & _field(payload, "last")
        if not self.promise.part:
            return ends
        beats, full = Signal(range(self.promise.part), name=name), Signal(name=f"{name}_ends")
        m.d.comb += full.eq(ends | (moves & (beats == self.promise.part - 1)))
        with m.If(moves):
            m.d.sync += beats.eq(Mux(full, 0, beats + 1))
        return full


def _field(payload, name: str) -> ValueLike:
    """A field of a payload, or of the block in it."""
    return (payload if name in payload.shape().members else payload.block)[name]


def stays(m: Module, sink) -> Value:
    """Whether what was on offer and not taken is gone, or another one."""
    payload = Value.cast(sink.payload)
    waits, offered = Signal(), Signal(len(payload))
    m.d.sync += [waits.eq(sink.valid & ~sink.ready), offered.eq(payload)]
    return waits & (~sink.valid | (payload != offered))
