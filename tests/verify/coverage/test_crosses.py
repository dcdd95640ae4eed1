"""Functional coverage: bins, hits and holes."""

import pytest

from hw.config import Design, Pattern
from verify.coverage.benches import benches
from verify.coverage.crosses import AXES, CROSSES, Bench, Cross, bins, holes


def test_what_a_design_refuses_is_no_bin():
    found = set(bins(Cross("compressor", ("format", "shift"))))
    assert ("int4", "median") in found
    assert ("fp16", "none") in found
    assert ("fp16", "median") not in found


def test_a_bench_hits_what_its_designs_are():
    cross = Cross("compressor", ("encoding", "pressure"))
    bench = Bench("one", "compressor", lambda: [Design(Pattern(2, 4), encoding="rank")],
                  ("sink", "both"), ())
    left = holes(cross, [bench])
    assert len(left) == len(AXES["encoding"]) * 4 - 2
    assert not {("rank", "sink"), ("rank", "both")} & set(left)
    assert holes(Cross("decompressor", cross.axes), [bench]) == list(
        bins(Cross("decompressor", cross.axes)))


@pytest.fixture(scope="module")
def known():
    return benches()


@pytest.mark.parametrize("cross", CROSSES, ids=lambda cross: f"{cross.design} {cross.axes}")
def test_every_bin_is_hit(cross, known):
    assert holes(cross, known) == []


def test_benches_are_there(known):
    assert {bench.design for bench in known} == {"compressor", "decompressor"}
    assert all(list(bench.designs()) for bench in known)
