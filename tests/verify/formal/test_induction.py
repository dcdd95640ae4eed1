"""Rules that are proved together, and rules that build on them."""

from typing import ClassVar

from amaranth.hdl import Signal

from hw.stream.register import StreamRegister
from verify.formal.claim import Claim
from verify.formal.engine import prove


class Counted(Claim):
    """Beats that a register takes, and those that leave, in counters as wide as those of a job."""

    rules: ClassVar = {"one": "what was taken and has not left is on offer",
                       "before": "no more leave than were taken", "few": "less than 3 are taken",
                       "two": "there are never two inside"}

    def __init__(self, *lemmas):
        self.lemmas = lemmas
        self.rules = {name: text for name, text in self.rules.items()
                      if name in (*lemmas, "two")}
        self.builds = {"two": lemmas}
        super().__init__(StreamRegister(1))

    def watch(self, m):
        source, sink = self.inside.i, self.inside.o
        taken, left = Signal(32), Signal(32)
        m.d.sync += [taken.eq(taken + (source.valid & source.ready)),
                     left.eq(left + (sink.valid & sink.ready))]
        return {"one": taken != (left + sink.valid)[:32], "before": left == (taken + 1)[:32],
                "few": taken == 3, "two": taken == (left + 2)[:32]}


def test_a_rule_builds_on_lemmas_that_follow_from_themselves():
    outcome = prove(Counted("one", "before"), seconds=20)
    assert outcome.proved
    assert "induction" in outcome.engine


def test_a_lemma_that_can_be_broken_is_found_and_proves_nothing():
    outcome = prove(Counted("one", "few"), seconds=20)
    assert outcome.cycles == {"few": 4}


def test_a_lemma_that_holds_but_does_not_follow_from_itself_is_undecided():
    outcome = prove(Counted("before"), seconds=20)
    assert outcome.undecided == ("before", "two")
