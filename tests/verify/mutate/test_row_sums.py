"""The weight buffer alone: what its table of jobs has, and what is expected of each."""

from itertools import islice
from math import prod

import numpy as np
import pytest

from sim.vectors.stimulus import number_rows
from verify.mutate.components import COMPONENTS
from verify.mutate.lapse import LEFT
from verify.mutate.row_sum_checks import (
    AHEAD,
    _blocks,
    _checksum,
    _packet,
    _Pass,
    _report,
    _sums,
    _tail,
)
from verify.mutate.row_sum_part import (
    CHECK,
    ERRORS,
    JOBS,
    SIZES,
    SUMS,
    RowSumJob,
    row_sum_alone,
    row_sum_jobs,
    row_sum_taken,
)


DESIGN = COMPONENTS["row-sums"].design


def test_a_job_is_a_batch_then_a_tile_then_a_chunk():
    """A token that does not fit the buffer comes in chunks, and in batches of as many as rows."""
    most, rows, batch = DESIGN.max_blocks, DESIGN.rows, DESIGN.batch_tokens
    chunked = RowSumJob(most + 2, rows + 1, 3)
    assert chunked.counts(DESIGN) == (2, 3, 2)
    assert list(islice(_blocks(DESIGN, chunked), 4)) == [most, 2, most, 2]
    whole = RowSumJob(most, batch + 1, 3).whole(DESIGN)
    assert whole.counts(DESIGN) == (2, 3, 1)
    assert (whole.passes, whole.sums, whole.aborts) == (6, 6, False)
    assert chunked._replace(wanted=False).whole(DESIGN).sums == 0
    aborted = chunked.until(DESIGN, 7, 2)
    assert (aborted.passes, aborted.sums, aborted.aborts) == (7, 1, True)


def _pass(*blocks):
    """A pass of blocks, each with one weight of each column and zeros."""
    used = np.zeros((len(blocks), DESIGN.columns, DESIGN.pattern.m), np.int64)
    used[:, :, 0] = blocks
    return _Pass(used, np.ones(len(blocks), bool), used, len(blocks) > 1)


def test_sums_are_of_tiles_and_a_report_is_of_all_passes():
    job = RowSumJob(DESIGN.max_blocks + 1, 1, 2).until(DESIGN, 4)
    passes = [_pass((1, -1), (2, -2), (3, 4)), _pass((5, 0)), _pass((-8, 0)), _pass((7, 127))]
    bits = [row[:50] for row in _sums(DESIGN, job, passes)]
    sums = number_rows(np.array(bits), 25)
    assert ((sums + (1 << 24)) % (1 << 25) - (1 << 24)).tolist() == [[11, 1], [-1, 127]]
    report = _report(DESIGN, passes)
    assert len(report) == row_sum_taken(DESIGN)
    check = [_checksum(np.concatenate([each.used for each in passes])[:, c]) for c in range(2)]
    assert number_rows(report[None, :2 * CHECK], CHECK).tolist() == [check]
    assert number_rows(report[None, 2 * CHECK:2 * CHECK + ERRORS], ERRORS).tolist() == [[1]]


def test_a_checksum_is_turned_before_a_word_is_added():
    """In words of 4 weights, the first one lowest; what is carried out of them is lost."""
    assert _checksum(np.array([[1, 2, 0, -128]])) == 0x8000_0201
    assert _checksum(np.array([[1, 2, 0, -128], [1, 0, 0, 0]])) == 0x0000_0404
    assert _checksum(np.array([[-1] * 4] * 2)) == 0xFFFF_FFFE
    assert _checksum(np.zeros((0, 4), np.int64)) == 0


def test_packets_are_short_long_or_right():
    """What is missing is zero; what is too much is not used; either is an error."""
    rng, seen = np.random.default_rng(1), set()
    for _ in range(200):
        packet = _packet(DESIGN, rng, 2)
        length = len(packet.sent)
        seen.add(length)
        assert packet.last.tolist() == [False] * (length - 1) + [True]
        assert packet.error == (length != 2)
        assert (packet.used[:length] == packet.sent[:2]).all()
        assert not packet.used[length:].any()
    assert seen == {1, 2, 3, 4, 5}


def test_an_abort_comes_within_any_pass_that_may_be_loaded_and_makes_no_error_before():
    """Packets after those that are read are right, as far as they go; the last beat is marked."""
    job = RowSumJob(DESIGN.max_blocks + 1, 1, 9).until(DESIGN, 1)
    rng, seen = np.random.default_rng(1), set()
    ends = [True, *[False] * (DESIGN.max_blocks - 1), True, True]
    for _ in range(100):
        tail = _tail(DESIGN, rng, job)
        count = len(tail.last) - 1
        seen.add(count)
        assert tail.last[:-1].tolist() == ends[:count]
        assert tail.mark.tolist() == [False] * count + [True]
    assert seen == {*range(len(ends) + 1)}
    assert AHEAD == 2


def test_the_table_has_jobs_of_every_kind_and_bit():
    jobs = row_sum_jobs(DESIGN)
    assert len(jobs) == JOBS
    assert {(one.wanted, one.aborts) for one in jobs} == {(a, b) for a in (False, True)
                                                         for b in (False, True)}
    for name, width in SIZES.items():
        values = {getattr(one, name) for one in jobs}
        assert {bit for bit in range(width) if any(value >> bit == 1 for value in values)} == {
            *range(width)}
    chunked = [one for one in jobs if one.wanted and not one.aborts and one.counts(DESIGN)[2] > 1]
    assert any(one.counts(DESIGN)[0] > 1 for one in chunked), "weights come again for each batch"


def test_the_queue_of_a_table_gets_full_and_is_dropped_full():
    """More tiles than find room wait for a sink that rests; an abort comes early and late."""
    jobs = [one for one in row_sum_jobs(DESIGN) if one.wanted]
    assert any(one.sums > SUMS + 1 and one.hold == 40 and one.pace == 0 for one in jobs
               if not one.aborts)
    left = [(one.passes // one.counts(DESIGN)[2] - one.sums, one.delay) for one in jobs
            if one.aborts]
    assert max(left)[0] == SUMS
    full = [delay for waits, delay in left if waits == SUMS]
    assert min(full) <= 2
    assert max(full) >= 20


@pytest.mark.parametrize("place", range(3))
def test_jobs_that_run_alone_have_every_low_bit_or_every_high_one(place):
    name = ("tokens", "tiles", "blocks")[place]
    (many, same), (before, after) = row_sum_alone(DESIGN)[place::3]
    assert same == many
    assert getattr(many, name) == (1 << LEFT) - 1
    assert many.passes == prod(many.counts(DESIGN)) < 1 << LEFT
    assert getattr(before, name) >> LEFT == (1 << SIZES[name] - LEFT) - 1
    assert {each: getattr(before, each) % (1 << LEFT) for each in SIZES} == {
        each: getattr(after, each) for each in SIZES}
    assert before.passes == prod(after.counts(DESIGN))
    assert min(many.delay, before.delay) >= DESIGN.max_blocks, "as long as a pass is loaded"


def test_jobs_that_are_not_in_the_table_are_none():
    """The proofs of the sums go no further than their module."""
    assert COMPONENTS["row-sums"].proofs == ("module", "part")
