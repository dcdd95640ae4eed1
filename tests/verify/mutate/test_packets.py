"""The packet of a job alone: what its table of jobs has, and what is expected of each."""

import numpy as np

from verify.mutate.components import COMPONENTS
from verify.mutate.packet_checks import _cuts, packet_beats, used_beats
from verify.mutate.packet_part import JOBS, MOST, PacketJob, packet_jobs


def job(beats, aborted=None, *, brings=True):
    return PacketJob(brings, aborted is not None, beats, aborted or 0, 0, 0)


def test_missing_beats_are_zero_and_a_surplus_is_an_error_of_the_last_beat():
    beats = [(7, False), (8, True)]
    assert list(used_beats(job(2), beats)) == [(7, False, False), (8, True, False)]
    assert list(used_beats(job(3), beats)) == [(7, False, False), (8, True, True),
                                               (0, False, False)]
    assert list(used_beats(job(1), beats)) == [(7, False, True)]
    assert list(used_beats(job(3, aborted=1), beats)) == [(7, False, False)]
    assert list(used_beats(job(2, brings=False), beats)) == []


def test_the_table_has_jobs_of_every_kind_and_packets_of_every_length():
    jobs = packet_jobs()
    assert len(jobs) == JOBS
    assert {(one.brings, one.aborts) for one in jobs} == {(a, b) for a in (False, True)
                                                         for b in (False, True)}
    assert {one.beats for one in jobs} == {*range(1, MOST + 1)}
    assert {(one.after, one.delay) for one in jobs if one.brings and one.aborts} >= {
        (after, delay) for after in range(4) for delay in (0, 1)}
    rng = np.random.default_rng(1)
    more = {len(list(packet_beats(one, rng))) - one.beats for one in jobs if one.brings}
    assert {-1, 0, 1, 6} <= more
    used = [beat for one in jobs for beat in used_beats(one, list(packet_beats(one, rng)))]
    early, late, sound, _ = _cuts(used)
    assert [used[at - 1][1:] for at in (early, late, sound)] == [
        (True, True), (False, True), (True, False)]


def test_beats_between_jobs_are_none_of_a_table():
    """The proofs of a packet go no further than itself."""
    assert COMPONENTS["packet"].proofs == ("module", "part")
