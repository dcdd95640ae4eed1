"""A job on the gates of an accelerator, its phases, and its memories."""

from dataclasses import replace

import numpy as np
import pytest

from hw.config import Design, Pattern
from hw.generate import verilog
from synth.energy import job as job_module
from synth.energy.circuit import Circuit
from synth.energy.feed import kept
from synth.energy.job import Job, Layer
from synth.energy.operands import Operands
from synth.flow import CELLS, Flow
from synth.library import liberty
from synth.performance import layer as performance
from synth.performance.layer import perform


pytestmark = pytest.mark.long

SIZE = {"rows": 2, "columns": 2, "max_k": 32, "batch_tokens": 4, "epilogue_lanes": 0}
TOKENS, FEATURES = 7, 16


@pytest.fixture(scope="module")
def flow():
    return Flow(liberty.read(CELLS), workers=2)


@pytest.fixture(scope="module", params=["2:4", "2:2"])
def prepared(request, flow):
    design = Design(Pattern.parse(request.param), **SIZE)
    return design, Circuit(flow.gates(verilog("accelerator", design), "nm_accelerator"),
                           flow.library)


def job(prepared, outputs, features=FEATURES):
    rng = np.random.default_rng(3)
    operands = Operands(*(rng.integers(-128, 128, (5, 12), np.int8) for _ in range(2)))
    return Job(prepared[0], Layer(TOKENS, features, outputs), operands, prepared[1], seed=5)


@pytest.fixture(scope="module")
def whole(prepared):
    """A job of which all tiles are run, and what it does."""
    one = job(prepared, outputs=7)
    return one, one.activity(50)


def test_results_are_the_sums(prepared, whole):
    one, _ = whole
    design = prepared[0]
    masks = kept(one.activations, design.pattern.n)
    sparse = np.where(masks, one.activations, 0).astype(int)
    sums = np.einsum("tbm,jcbm->tjc", sparse, one.weights.astype(int))
    expected = [sums[token, tile] for first in (0, 4) for tile in range(4)
                for token in range(first, min(first + 4, TOKENS))]
    found = [[int(np.packbits(word, bitorder="little").view("<i4")[0])
              for word in beat.reshape(2, 32)] for beat in one.results]
    assert found == np.array(expected).tolist()


def test_memories_are_read_and_written_once_for_each_word(prepared, whole):
    one, activity = whole
    design, (reads, writes) = prepared[0], ({}, {})
    for memory in activity.memories:
        reads[memory.name.rpartition(".")[2]] = round(memory.reads, 6)
        writes[memory.name.rpartition(".")[2]] = round(memory.writes, 6)
        if "bank_r" in memory.name:
            dense = design.pattern.dense
            assert memory.bits == 8 * design.pattern.n + (0 if dense else design.pattern.m)
    blocks = FEATURES // design.pattern.m
    steps = one.steps(4)
    assert steps == 4 * blocks * (2 + 2)
    for k in range(2):
        assert reads[f"bank_r{k}"] == reads[f"bank_c{k}"] == steps
        assert writes[f"bank_c{k}"] == 2 * 4 * blocks
    assert writes["bank_r0"] == 4 * blocks
    assert writes["bank_r1"] == 3 * blocks
    expected = perform(design, performance.Layer("", TOKENS, FEATURES, 7)).accesses
    for side, name in (("r", "activations"), ("c", "weights")):
        assert expected[name] == tuple(sum(found[f"bank_{side}{k}"] for k in range(2))
                                       for found in (reads, writes))


def test_phases_share_all_cycles(prepared, whole):
    one, activity = whole
    assert sum(phase.share for phase in activity.phases) == pytest.approx(1)
    assert activity.cycles == len(one.accesses) - 1
    assert activity.products * activity.cycles == pytest.approx(TOKENS * FEATURES * 7)
    for phase in activity.phases:
        assert phase.before.shape == phase.after.shape == (
            len(phase.before), prepared[1].gates.size)
        assert (phase.before != phase.after).any()


def test_few_tiles_stand_for_many(prepared, monkeypatch):
    few = job(prepared, outputs=16)
    some = few.activity(20)
    assert (few.run_tiles, few.tiles) == (4, 8)
    monkeypatch.setattr(job_module, "STEADY", 6)
    every = job(prepared, outputs=16)
    assert (every.run_tiles, every.tiles) == (8, 8)
    whole = every.activity(20)
    assert some.cycles == pytest.approx(whole.cycles, rel=0.02)
    assert some.phases[0].share == pytest.approx(whole.phases[0].share, rel=0.02)
    for one, other in zip(some.memories, whole.memories, strict=True):
        assert (one.reads, one.writes) == pytest.approx((other.reads, other.writes), rel=0.05)


@pytest.mark.parametrize(("given", "message"), [
    ({"flexible": "n"}, "^design must be an accelerator of one pattern without channel parameters"),
    ({"max_k": 8}, "^features must be at most max_k, 8, for energies, not 16$"),
])
def test_jobs_that_cannot_be_are_named(prepared, given, message):
    with pytest.raises(ValueError, match=message):
        Job(replace(Design(Pattern(2, 4), **SIZE), **given), Layer(1, 16, 2),
            Operands(*np.zeros((2, 1, 4), np.int8)), prepared[1], seed=1)
