"""Tokens of models on the designs of a study."""

from dataclasses import replace

import pytest

from hw.config import Design, Pattern
from synth.performance.layer import perform
from synth.performance.models import MODELS, named
from synth.performance.phases import phase_layers
from synth.study.files import compared
from synth.study.tokens import PHASES, tokens
from tests.synth.study.small import design, small


@pytest.fixture(scope="module")
def rows():
    memory = {"name": "weights", "read_energy": 2.0, "write_energy": 3.0}
    study = replace(small(), designs=[
        design("8:16", 600.0, delay=4.0, memories=[memory]), design("16:16", 1000.0, energy=None),
        design("16:16", 90.0, design="pe", products=16)])
    return list(tokens(compared(study)))


def of(rows, pattern, phase, model=MODELS[0]):
    row, = [row for row in rows if (row["pattern"], row["phase"], row["model"])
            == (pattern, phase, model)]
    return row


def test_every_model_and_phase_has_a_row_for_every_accelerator(rows):
    assert len(rows) == 2 * len(MODELS) * len(PHASES)
    assert {row["technology"] for row in rows} == {"cells"}


def test_cycles_time_and_energy_are_those_of_the_layers(rows):
    accelerator = Design(Pattern(8, 16), rows=1, columns=2)
    done = [perform(accelerator, layer)
            for layer in phase_layers(named(MODELS[0]), "decode", 32)]
    row = of(rows, "8:16", "decode, 32 sequences")
    cycles = sum(one.cycles for one in done) / 32
    assert row["cycles"] == pytest.approx(cycles, rel=1e-4)
    assert (row["time"], row["time_unit"]) == (pytest.approx(4 * cycles / 1e6, rel=1e-4), "ms")
    products = sum(one.dense_products for one in done) * 0.6
    reads, writes = (sum(one.accesses["weights"][k] for one in done) for k in (0, 1))
    energy = (products + 2 * reads + 3 * writes) / 32 / 1e6
    assert (row["energy"], row["energy_unit"]) == (pytest.approx(energy, rel=1e-4), "uJ")
    assert row["energy_of"] == "accelerator"
    assert 0 < row["busy"] <= 1


def test_accelerators_of_other_numbers_give_no_tokens():
    study = replace(small(), designs=[design("8:16", 600.0, format="bf16", parameters={
        "rows": 1, "columns": 2, "format": "bf16", "weight_format": "bf16"})])
    assert list(tokens(compared(study))) == []


def test_the_energy_of_a_pe_stands_for_an_unknown_one(rows):
    row = of(rows, "16:16", "decode, 1 sequence")
    assert row["energy_of"] == "pe"
    assert row["energy"] > 0


def test_prefill_takes_less_time_for_a_token_than_decoding_one(rows):
    for pattern in ("8:16", "16:16"):
        assert of(rows, pattern, "prefill, 2048 tokens")["bytes"] \
            < of(rows, pattern, "decode, 1 sequence")["bytes"]
