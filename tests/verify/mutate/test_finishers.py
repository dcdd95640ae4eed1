"""What makes terms of tokens alone: its table of jobs, what is sent to it, and what must leave."""

from itertools import product

import numpy as np
import pytest

from hw.epilogue.terms import TokenTerms
from sim.vectors.stimulus import number_rows
from sw.exact.epilogue import UNIT_GAIN, UNIT_SCALE
from tests.verify.mutate.faults import faulty
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.finisher_checks import _Beat, _beats, _streams
from verify.mutate.finisher_part import MOST, FinisherJob, finisher_jobs, finisher_width


COMPONENT = COMPONENTS["token-finisher"]
DESIGN = COMPONENT.design


class Always:
    """Random numbers that are all the same."""

    def __init__(self, number):
        self.number = number

    def random(self):
        return self.number


def job(tokens, aborted=None, *, wanted=True, variance=False, shifts=False, scales=False):
    return FinisherJob(wanted, variance, shifts, scales, aborted is not None, 1, tokens,
                       aborted or 0, 0, 0)


def sources(jobs, number):
    """Of each beat: whether it brings a scale, and which beat brings that of its terms."""
    return [(beat.brings, beat.source) for beat in _beats(jobs, Always(number))]


def test_every_token_has_its_own_scale_which_may_come_before_its_job():
    plain, scaled = job(2), job(2, scales=True)
    assert sources([plain, scaled], 1.0) == [
        (False, 0), (False, 1), (True, 2), (True, 3)], "none is early"
    assert sources([plain, scaled], 0.0) == [
        (True, 0), (False, 0), (False, 0), (True, 3)], "the first one is"
    raw = job(1, wanted=False, scales=True)
    assert sources([raw, scaled], 0.0) == [(True, None), (False, 0), (True, 2)]


def test_an_abort_loses_terms_and_the_scale_that_was_there():
    jobs = [job(1), job(3, 1), job(1, scales=True)]
    assert sources(jobs, 0.0) == [(True, 0), (False, 0), (False, None), (False, None),
                                  (True, None), (True, 5)]
    assert [beat.mark for beat in _beats(jobs, Always(0.0))] == [0, 0, 0, 0, 1, 0]


def test_the_table_has_every_choice_of_corrections_and_tokens_of_every_length():
    jobs = finisher_jobs(DESIGN)
    assert len(jobs) & (len(jobs) - 1) == 0
    assert {one[:5] for one in jobs} == {*product((False, True), repeat=5)}
    assert {one.tokens for one in jobs} == {*range(1, MOST + 1)}
    assert {one.blocks for one in jobs if one.wanted and one.variance} == {
        *range(1, DESIGN.max_blocks + 1)}
    assert all(one.after < one.tokens for one in jobs)
    begun = {one.delay for one in jobs if one.wanted and one.variance and one.aborts}
    assert {0, 1, 2, 12, 100} <= begun, "before, while and after a gain is computed"


def test_terms_are_those_that_are_switched_on():
    """The first summary has no variance left: its gain is 1."""
    jobs = [job(1), job(1, shifts=True), job(1, scales=True), job(1, variance=True)]
    beats = [*(_Beat(one, True, False, at) for at, one in enumerate(jobs)),
             _Beat(jobs[0], False, True, None)]
    sent, expected = _streams(DESIGN, beats, np.random.default_rng(1))
    assert sent.data.shape == (5, finisher_width(DESIGN))
    assert len(expected.last) == 4
    eta, gain, scale = (_field(expected.data, name) for name in TokenTerms().members)
    assert list(eta) == [0, number_rows(sent.data[:, :8], 8)[1, 0], 0, 0]
    assert list(gain[:3]) == [UNIT_GAIN] * 3
    assert gain[3] != UNIT_GAIN
    scales = number_rows(sent.data[:, 68:84], 16)[:, 0]
    assert list(scale) == [UNIT_SCALE, UNIT_SCALE, scales[2], UNIT_SCALE]
    assert not expected.data[:, TokenTerms().size:].any(), "no errors before them"


def _field(rows, name):
    field = TokenTerms()[name]
    return number_rows(rows[:, field.offset:field.offset + field.width], field.width)[:, 0]


def test_beats_between_jobs_are_none_of_a_table():
    assert COMPONENT.proofs == ("module", "part")


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize("output", ["idle", "i__ready", "i_scale__ready"])
def test_an_output_that_is_always_high_is_noticed(output):
    """Idle with a token inside; summaries and scales that are taken where none is wanted."""
    built = faulty(COMPONENT, "nm_accelerator_token_finisher", f"assign {output} = .*;",
                   f"assign {output} = 1'b1;")
    with pytest.raises((AssertionError, TimeoutError)):
        COMPONENT.check()(built)
