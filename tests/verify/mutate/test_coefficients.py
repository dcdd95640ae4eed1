"""The loader of parameters alone: its table of jobs, and what must be loaded after each."""

import pytest

from tests.verify.mutate.faults import faulty
from tests.wheel import needs_wheel
from verify.mutate.coefficient_checks import _shown
from verify.mutate.coefficient_part import coefficient_jobs
from verify.mutate.components import COMPONENTS
from verify.mutate.packet_part import PacketJob


COMPONENT = COMPONENTS["coefficients"]
DESIGN = COMPONENT.design


def job(beats, aborted=None, *, brings=True):
    return PacketJob(brings, aborted is not None, beats, aborted or 0, 0, 0)


NONE = job(1, brings=False)

SOUND = job(2), [(5, False), (6, True)]


def shown(*pairs):
    return [tuple(one) for one in _shown(*zip(*pairs, strict=True))]


def test_parameters_stay_for_jobs_without_a_packet():
    assert shown((NONE, []), SOUND, (NONE, [])) == [
        (0, True, True, 0, 0), (5, False, False, 0, 0), (6, True, False, 0, 0),
        (0, True, True, 2, 0), (0, True, True, 2, 0)]


@pytest.mark.parametrize("packet", [[(7, True)], [(7, False), (8, False), (9, True)]])
def test_a_misplaced_last_makes_them_void(packet):
    """A beat that is missing is zero; one that is too many does not leave."""
    late = len(packet) > 1
    data = 8 if late else 0
    assert shown(SOUND, (job(2), packet), (NONE, []))[3:] == [
        (7, False, False, 0, 0), (data, True, False, 0, int(not late)), (0, True, True, 0, 1),
        (0, True, True, 0, 1)]


@pytest.mark.parametrize("aborted", [(job(2, 0), SOUND[1]), (job(1, 0, brings=False), [])])
def test_an_abort_makes_them_void(aborted):
    assert shown(SOUND, aborted, (NONE, []))[3:] == [(0, True, True, 0, 0)] * 2


def test_the_table_begins_with_what_a_reset_leaves_and_has_jobs_of_every_kind():
    first, *jobs = coefficient_jobs(DESIGN)
    assert not first.brings
    assert {(one.brings, one.aborts) for one in jobs} == {(a, b) for a in (False, True)
                                                         for b in (False, True)}
    assert {one.beats for one in jobs if one.brings} == {*range(1, DESIGN.max_blocks + 1)}
    assert {one.gap for one in jobs} == {0, 1, 7}


def test_beats_between_jobs_are_none_of_a_table():
    assert COMPONENT.proofs == ("module", "part")


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize(("right", "wrong"), [
    ("enable = busy & o__ready", "enable = o__ready"),
    ("o__valid = busy & offers", "o__valid = offers")])
def test_what_goes_on_between_jobs_is_noticed(right, wrong):
    """Beats are taken while none is to come, or are on offer there."""
    built = faulty(COMPONENT, "nm_accelerator_coefficient_loader", right, wrong)
    with pytest.raises((AssertionError, TimeoutError)):
        COMPONENT.check()(built)
