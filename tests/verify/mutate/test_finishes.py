"""Bias and function of rows alone: which jobs there are, and what is expected of each."""

import re

import numpy as np
import pytest
import torch

from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.devices import device
from verify.mutate.finish_checks import (
    MOST,
    _abort,
    _beyond,
    _biases,
    _cuts,
    _finished,
    _job,
    _moments,
    _room,
    _run,
    _short,
    _sizes,
    _steps,
    _whole,
)
from verify.mutate.finish_part import JOB, Step, job_beats, step_beats, tile_of
from verify.mutate.lapse import LEFT
from verify.mutate.state import SURVIVED
from verify.mutate.trial import mutants_of, verdict
from verify.mutate.walk_checks import WIDTHS


DESIGN = COMPONENTS["float-epilogue"].design
LONG = DESIGN.max_blocks + 1

MODULE, = COMPONENTS["float-epilogue"].modules


def random():
    return np.random.default_rng(1)


def fields(bits, widths):
    word, found = sum(int(bit) << at for at, bit in enumerate(bits)), []
    for width in widths:
        found.append(word % (1 << width))
        word >>= width
    return found, word


def floats(*values):
    """Bits of a row."""
    bits = torch.tensor(values, dtype=torch.bfloat16).view(torch.int16).tolist()
    return sum((number & 0xFFFF) << 16 * at for at, number in enumerate(bits))


def step(row=0, biases=0, *, ends=False, brings=True):
    return Step(row, ends, biases, False, True, brings, False, 0, 0)


def test_fields_of_a_job_and_of_a_step_stand_one_after_the_other():
    job = _job(5, 6, 7, steps=9, active=False, taken=3, delay=4, gap=11)
    bits, = job_beats([job])
    assert len(bits) == JOB
    assert fields(bits, (24, 32, 32, 8, 1, 1, 1, 16, 16, 4, 4)) == ([*job], 0)
    one = Step(0x89ABCDEF, False, 0x12345678, True, False, True, False, 2, 3)
    bits, = step_beats(DESIGN, [one])
    assert len(bits) == JOB
    assert fields(bits, (32, 1, 32, 1, 1, 1, 1, 2, 2)) == ([*one], 0)
    assert step_beats(DESIGN, []).shape == (0, JOB)


def test_rows_are_a_batch_for_each_tile_and_the_last_one_is_short():
    assert (DESIGN.batch_tokens, DESIGN.rows) == (4, 2)
    tiles = [tile_of(DESIGN, _job(1, 5, 2), place) for place in range(10)]
    assert [tile for tile, _ in tiles] == [0, 0, 0, 0, 1, 1, 1, 1, 2, 3]
    assert [place for place, (_, ends) in enumerate(tiles) if ends] == [3, 7, 8, 9]
    tiles = [tile_of(DESIGN, _job(LONG, 3, 2), place) for place in range(6)]
    assert tiles == [(0, False), (0, True), (1, False), (1, True), (2, True), (3, True)]


@pytest.mark.parametrize(("length", "brings", "last", "error"), [
    (3, [0, 2, 4], [4], []), (2, [0, 2], [2], [3]), (1, [0], [0], [1]),
    (5, [0, 2, 4, 6, 7], [7], [5])])
def test_a_packet_is_as_long_as_the_job_or_shorter_or_longer(length, brings, last, error):
    """Three tiles of two rows: numbers of steps."""
    steps = _steps(DESIGN, _job(1, 2, 3), random(), length)
    assert [at for at, one in enumerate(steps) if one.brings_row] == [*range(6)]
    assert [at for at, one in enumerate(steps) if one.brings_biases] == brings
    assert [at for at, one in enumerate(steps) if one.brings_biases and one.last] == last
    assert [at for at, one in enumerate(steps) if one.brings_row and one.error] == error


def test_biases_are_those_of_all_rows_of_a_tile_and_zeros_where_they_are_missing():
    steps = [step(biases=5), step(biases=6, brings=False, ends=True),
             step(biases=7, brings=False), step(biases=8, brings=False, ends=True),
             step(biases=9, ends=True)]
    assert _biases(steps) == [5, 5, 0, 0, 9]


def test_results_are_those_of_the_reference_in_the_order_of_columns():
    job = _job(1, 1, 1)
    steps = [step(floats(1.5, -2.0), floats(0.25, -30.0), ends=True)]
    for one, expected in ((job._replace(active=False), floats(1.75, -32.0)),
                          (job._replace(bias=False), steps[0].row)):
        data, last = _finished(DESIGN, one, steps)
        assert fields(data[0], (32,)) == ([expected], 0)
        assert [*last] == [True]
    (word,), wrong = fields(_finished(DESIGN, job, steps)[0][0], (32,))
    assert wrong == 0
    assert word & 0x7FFF_FFFF == floats(1.6796875, 0.0), "gelu of 1.75, and far below zero"


def test_short_jobs_are_of_every_kind():
    jobs = list(_short(DESIGN, random()))
    kinds = {(job.bias, job.active, job.aborts, job.blocks > DESIGN.max_blocks) for job in jobs}
    assert len(kinds) == 16
    assert {job.tiles for job in jobs} == {1, 2, 3}
    aborted = [job for job in jobs if job.aborts and job.bias]
    assert {job.given for job in aborted} >= {0, 1, 2}
    assert {job.taken - job.given for job in aborted} >= {0, _room(DESIGN) + 1}
    assert {job.delay for job in aborted} >= {0, 1}


def test_an_abort_has_no_more_rows_inside_than_fit():
    assert _room(DESIGN) == 5, "one and four in the lane"
    for job, most in ((_job(1, 30, 2), 6), (_job(1, 30, 2, bias=False), 1), (_job(1, 3, 1), 3)):
        rng = random()
        cuts = [_abort(DESIGN, rng, job, MOST) for _ in range(200)]
        assert {cut.taken <= job.given for cut in cuts} == {True}
        assert max(cut.taken - cut.given for cut in cuts) == most


def test_aborts_come_at_every_moment():
    jobs = list(_moments(DESIGN, random()))
    assert len({(job.given, job.taken - job.given, job.delay) for job in jobs}) == 3 * 7 * 12
    assert all(job.aborts and job.taken <= job.tokens for job in jobs)


def test_jobs_have_every_bit_of_every_size_and_more_rows_than_without_it():
    jobs = list(_sizes(DESIGN, random()))
    assert all(job.bias for job in jobs)
    for name, width in WIDTHS.items():
        sizes = {getattr(job, name) for job in jobs}
        assert {size.bit_length() - 1 for size in sizes} >= set(range(4, width))
        assert max(sizes) < 1 << width
    whole = [job for job in jobs if not job.aborts]
    assert {job.blocks.bit_length() for job in whole} == set(range(2, 25))
    assert all(job.tokens > DESIGN.rows for job in whole), "batches of which there are two sizes"
    assert all(job.given >= MOST // 2 for job in jobs if job.tokens >= 64 or job.tiles >= 64)


def test_a_run_has_the_rows_of_its_jobs_and_an_abort_ends_with_a_mark():
    jobs = [_job(1, 2, 2), _job(1, 9, 1, aborts=True, taken=3, given=2), _job(1, 3, 1, bias=False)]
    sent, rows = _run(DESIGN, jobs, random(), 2)
    more = len(sent.last) - (1 + 4) - (1 + 3) - (1 + 3)
    assert more >= 1
    assert sent.last[5 + 4 + more - 1]
    assert [*rows.last] == [False, True, False, True, False, False, False, False, True]
    assert not rows.data[:, 32].any(), "nothing was wrong inside"
    assert (rows.data[-3:, :32] == sent.data[-3:, :32]).all(), "they pass as they are"


def test_resets_come_with_rows_inside_and_with_none():
    inside = [len(run.sent.last) - 1 - len(run.rows.last) for run in _cuts(DESIGN, random())]
    assert {0, 1, 4} <= {*inside}


def test_proofs_go_no_further_than_the_part():
    assert COMPONENTS["float-epilogue"].proofs == ("module", "part")


def test_jobs_to_the_end_and_beyond_have_every_power_of_two():
    whole = list(_whole())
    assert {job.tokens - 1 for job in whole} >= {1 << bit for bit in range(LEFT)}
    assert {job.tiles - 1 for job in whole} >= {1 << bit for bit in range(LEFT)}
    beyond = list(_beyond(DESIGN))
    assert {max(job.tokens, job.tiles) >> LEFT for job in beyond} == {
        1 << bit for bit in range(32 - LEFT)}
    for job in beyond:
        small = job._replace(tokens=job.tokens % (1 << LEFT), tiles=job.tiles % (1 << LEFT))
        assert job.given == small.tokens * small.tiles
        steps = _steps(DESIGN, job, random(), 50)
        assert steps == _steps(DESIGN, small, random(), 50)
        assert sum(one.brings_row and one.error for one in steps) == 1, "where the small one ends"


@needs_wheel
@pytest.mark.long
def test_what_an_accelerator_does_not_show_is_noticed():
    """A row that an abort leaves, and another size of a job; the design itself passes."""
    component = COMPONENTS["float-epilogue"]
    mutants = mutants_of(component, 1000)
    built, check = device(component.top, component.design, mutants.verilog), component.check()
    for _ in range(2):
        assert verdict(built, check, 0) == SURVIVED, "in as many cycles"
    dropped = re.findall(r"^  cell \$mux (\S+)\n(?:    .*\n)*?    connect \\S \\run__drop$",
                         mutants.gold, re.M)
    shown = [[number for number, name in enumerate(mutants.names, start=1)
              if any(f"{what} " in name for what in kind)]
             for kind in ([f"const0 -module {MODULE} -cell {cell} -port S" for cell in dropped],
                          [f"-module {MODULE} -cell passes -port run__job"])]
    assert all(shown)
    assert not [mutants.names[number - 1] for number in (*shown[0], *shown[1])
                if verdict(built, check, number) == SURVIVED]
