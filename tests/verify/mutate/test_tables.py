"""The table of tokens' terms alone: which jobs it gets, and what is expected of each."""

import numpy as np
import pytest

from verify.mutate.components import COMPONENTS
from verify.mutate.lapse import LEFT
from verify.mutate.table_checks import (
    MOST,
    _abort,
    _aborted,
    _beyond,
    _job,
    _run,
    _short,
    _token,
    _whole,
)
from verify.mutate.table_part import BATCHES, JOB, WIDTH, job_beats
from verify.mutate.told_part import batch_of
from verify.mutate.walk_checks import WIDTHS


DESIGN = COMPONENTS["token-table"].design
LONG = DESIGN.max_blocks + 1


def random():
    return np.random.default_rng(1)


def test_fields_of_a_job_stand_one_after_the_other():
    job = _job(5, 6, 7, steps=9, late=True, delay=3, gap=11)
    bits, = job_beats([job])
    word = sum(int(bit) << at for at, bit in enumerate(bits))
    assert len(bits) == JOB
    for value, width in zip(job, (24, 32, 32, 8, 1, 1, 1, 16, 16, 4, 4), strict=True):
        assert word % (1 << width) == value
        word >>= width
    assert word == 0


def test_rows_are_a_batch_for_each_tile_and_the_last_one_is_short():
    assert (DESIGN.batch_tokens, DESIGN.rows) == (4, 2)
    assert [_token(DESIGN, _job(1, 5, 2), place) for place in range(10)] == [
        0, 1, 2, 3, 0, 1, 2, 3, 4, 4]
    assert [_token(DESIGN, _job(LONG, 3, 2), place) for place in range(6)] == [0, 1, 0, 1, 2, 2]


def test_a_run_has_the_terms_of_its_tokens_and_the_end_of_each_job():
    cut = _job(1, 9, 1, aborts=True, taken=3, given=2)
    raw = _job(1, 2, 1, wanted=False, taken=0, given=0)
    sent, rows = _run(DESIGN, [_job(1, 2, 2), cut, raw, _job(1, 1, 1)], random())
    surplus = len(sent.last) - 4 - 2 - 3 - 1
    assert surplus >= 1
    assert sent.last[3 + 4 + surplus - 1], "the end of the abort"
    assert [*rows.last] == [False, False, False, True, False, False, True]
    terms = sent.data[[1, 2, 1, 2, 4, 5, -1], :WIDTH]
    assert (rows.data[:, :WIDTH] == terms).all()
    assert not rows.data[:, WIDTH:].any(), "nothing was wrong inside"


def test_short_jobs_are_of_every_kind_and_use_every_place_again():
    jobs = list(_short(DESIGN, random()))
    kinds = {(job.wanted, job.aborts, batch_of(DESIGN, job.blocks)) for job in jobs}
    assert kinds == {(a, b, c) for a in (False, True) for b in (False, True) for c in (2, 4)}
    assert {job.tiles for job in jobs} == {1, 2, 3}
    assert max(-(-job.taken // batch_of(DESIGN, job.blocks)) for job in jobs) == BATCHES + 2
    assert {job.late for job in jobs if job.aborts} == {False, True}
    assert {job.given for job in jobs if job.aborts and job.wanted} >= {0, 1, 2}


@pytest.mark.parametrize("job", [_job(1, 30, 2), _job(LONG, 30, 3), _job(1, 3, 1 << 20)])
def test_tokens_before_an_abort_have_come_as_far_as_rows_need_them_and_they_fit(job):
    batch, fits = batch_of(DESIGN, job.blocks), set()
    rng = random()
    for _ in range(200):
        cut = _abort(DESIGN, rng, job, MOST)
        tokens = [_token(DESIGN, job, place) for place in range(cut.given)]
        read = cut.given // (batch * job.tiles)
        assert max(tokens, default=-1) < cut.taken or not tokens
        assert cut.taken <= min(job.tokens, (read + BATCHES) * batch)
        fits.add(cut.taken == min(job.tokens, (read + BATCHES) * batch))
    assert True in fits


def test_aborted_jobs_have_every_bit_of_every_size_beside_small_ones():
    jobs = list(_aborted(DESIGN, random()))
    assert all(job.aborts and job.wanted for job in jobs)
    for name, width in WIDTHS.items():
        sizes = {getattr(job, name) for job in jobs}
        assert {size.bit_length() - 1 for size in sizes} >= set(range(4, width))
        assert max(sizes) < 1 << width
    seen = [job for job in jobs if job.tokens > 1 << 12]
    assert all(job.given > 3 or job.taken > 3 for job in seen), "more than without the bit"


def test_proofs_go_no_further_than_the_table():
    assert COMPONENTS["token-table"].proofs == ("module", "part")


def test_jobs_to_the_end_and_beyond_have_every_other_power_of_two():
    whole = list(_whole())
    assert {job.tokens - 1 for job in whole} >= {1 << bit for bit in range(LEFT)}
    assert {job.tiles - 1 for job in whole} >= {1 << bit for bit in range(LEFT)}
    for job in _beyond(DESIGN):
        assert job.given == job.taken * (job.tiles % (1 << LEFT))
        assert job.taken == job.tokens % (1 << LEFT)
    assert {max(job.tokens, job.tiles) >> LEFT for job in _beyond(DESIGN)} == {
        1 << bit for bit in range(32 - LEFT)}
