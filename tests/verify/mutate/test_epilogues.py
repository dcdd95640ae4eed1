"""The epilogue of rows alone: which jobs there are, what is expected, and what is noticed."""

import numpy as np
import pytest

from hw.fixed_point import GAIN_FRACTION, Output
from sim.vectors.stimulus import number_rows
from tests.verify.mutate.faults import faulty
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.epilogue_checks import (
    MOST,
    Job,
    _cuts,
    _finished,
    _moments,
    _short,
    _steps,
    room,
    run_of,
    whole,
)
from verify.mutate.epilogue_part import EpilogueJob, EpilogueStep, epilogue_sent
from verify.mutate.state import SURVIVED
from verify.mutate.trial import verdict


COMPONENT = COMPONENTS["epilogue"]
DESIGN = COMPONENT.design
MODULE, = COMPONENT.modules


def random():
    return np.random.default_rng(1)


def field(layout, name, bits):
    """Values of a field of beats."""
    at = layout[name]
    return number_rows(bits[:, at.offset:at.offset + at.width], at.width)[:, 0]


def test_a_run_has_jobs_and_their_rows_and_an_abort_ends_with_a_mark():
    jobs = [whole(Output.CORRECTED, 3, gap=5), Job(Output.RAW, 9, aborts=True, taken=4, given=3),
            whole(Output.RAW, 2)]
    sent, rows = run_of(DESIGN, jobs, random())
    assert sent.data.shape[1] == epilogue_sent(DESIGN)
    assert len(rows.last) == 3 + 3 + 2
    assert rows.last[2]
    assert rows.last[-1]
    assert not rows.data[:, -1].any(), "nothing was wrong inside"
    more = len(sent.last) - (1 + 3) - (1 + 4) - (1 + 2)
    assert more >= 1
    assert sent.last[4 + 5 + more - 1]
    assert not sent.last[4 + 5:4 + 5 + more - 1].any()
    told = sent.data[[0, 4, 4 + 5 + more]]
    for name, values in (("output", (1, 0, 0)), ("aborts", (0, 1, 0)), ("taken", (3, 4, 2)),
                         ("given", (3, 3, 2)), ("gap", (5, 0, 0))):
        assert tuple(field(EpilogueJob(), name, told)) == values
    steps = sent.data[1:4]
    assert [*field(EpilogueStep(DESIGN), "begins", steps)] == [1, *rows.last[:2]]
    raw, width = sent.data[5:8], DESIGN.accumulator_width * DESIGN.columns
    assert (rows.data[3:6, :width] == raw[:, :width]).all(), "they pass as they are"


def test_results_are_of_the_terms_of_their_token_and_of_the_first_row_of_their_tile():
    steps = _steps(DESIGN, random(), whole(Output.CORRECTED, 3), 3)
    steps["row"] = {"accumulators": np.array([[100, -7], [30, 40], [5, 6]]),
                    "last": np.array([False, True, True])}
    steps["begins"] = np.array([True, False, True])
    steps["token"] |= {"eta": np.array([2, -1, 3]),
                       "gain": np.array([1, 2, 1]) << GAIN_FRACTION}
    steps["row_sums"] = {"columns": np.array([[10, 20], [1000, 2000], [7, 8]])}
    data, last = _finished(DESIGN, whole(Output.CORRECTED, 3), steps)
    width = DESIGN.accumulator_width
    assert (number_rows(data[:, :-1], width) == np.array([
        [100 + 2 * 10, -7 + 2 * 20], [60 - 10, 80 - 20], [5 + 21, 6 + 24]])).all()
    assert [*last] == [False, True, True]
    scaled, _ = _finished(DESIGN, whole(Output.FP32, 3, exponent=3), steps)
    other, _ = _finished(DESIGN, whole(Output.FP32, 3, exponent=4), steps)
    assert (scaled != other).any(1).all(), "terms of channels are those of a tile, too"


def test_results_seldom_saturate():
    rows = whole(Output.INT8, 400)
    for output, ends in ((Output.CORRECTED, (-1 << 31, (1 << 31) - 1)), (Output.INT8, (-128, 127))):
        data, _ = _finished(DESIGN, rows._replace(output=output), _steps(
            DESIGN, random(), rows, 400))
        numbers = number_rows(data[:, :-1], 32)
        numbers -= (numbers >> 31) << 32
        assert np.isin(numbers, ends).mean() < 0.5
        assert len(np.unique(numbers)) > 60


def test_short_jobs_are_of_every_kind():
    jobs = list(_short(DESIGN, random()))
    assert {(job.output, job.aborts, job.offers, job.slow) for job in jobs} >= {
        (output, aborts, True, slow) for output in Output for aborts in (False, True)
        for slow in (False, True)}
    assert all(job.taken == job.given == job.rows for job in jobs if not job.aborts)
    ahead = [(job.output, job.taken - job.given) for job in jobs if job.aborts]
    assert all(more <= 1 for output, more in ahead if output == Output.RAW)
    assert {more for _, more in ahead} >= {0, 1, room(DESIGN) + 1}


def test_aborts_come_at_every_moment():
    assert room(DESIGN) == 6, "one and five in the lane"
    jobs = list(_moments(DESIGN, random()))
    assert len({(job.given, job.taken - job.given, job.delay) for job in jobs}) == 3 * 8 * 12
    assert all(job.aborts and job.taken <= MOST for job in jobs)


def test_resets_come_with_any_number_of_rows_inside():
    inside = {len(run.sent.last) - 1 - len(run.rows.last) for run in _cuts(DESIGN, random())}
    assert inside == set(range(room(DESIGN) + 1))


def test_proofs_go_no_further_than_the_part():
    assert COMPONENT.proofs == ("module", "part")


@needs_wheel
@pytest.mark.long
@pytest.mark.parametrize(("pattern", "changed", "found"), [
    ("assign", "assign", SURVIVED),
    # Raw rows take terms that are on offer.
    (r"(= )~ (\\\$signal\$29 ;)", r"\g<1>1'h1 | \2", "no result"),
    # A reset leaves which column comes next.
    (r"if \(rst\) begin(\s+\\\$34  = 1'h0;)", r"if (1'h0) begin\1", "result")])
def test_what_an_accelerator_does_not_show_is_noticed(pattern, changed, found):
    assert verdict(faulty(COMPONENT, MODULE, pattern, changed), COMPONENT.check(), 0) == found
