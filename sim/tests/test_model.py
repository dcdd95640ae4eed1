"""The command that runs an encoder layer; the exact model takes the place of the RTL here."""

import pytest
import torch

from hw.config import Design, Pattern
from sim.model import main
from sim.runs.model import PARTS, Checked, Treatment, run_layer
from sw.driver.reference import ReferenceAccelerator
from sw.evaluation.activations import encoder
from sw.evaluation.metrics import cosine


DESIGN = Design(Pattern(8, 16))


@pytest.fixture(scope="module")
def sentence():
    tokenizer, _ = encoder()
    return [dict(tokenizer("Half of every block.", return_tensors="pt"))]


def test_every_linear_layer_runs_and_is_put_back(sentence):
    _, model = encoder()
    before = {name: id(module) for name, module in model.named_modules()}
    both = Treatment(corrections=("d-pts", "var"))
    sparse, corrected = (run_layer(ReferenceAccelerator(both.prepare(DESIGN)), sentence, model, 1,
                                   treatment) for treatment in (None, both))
    dense = run_layer(ReferenceAccelerator(Design(Pattern(8, 8))), sentence, model, 1)
    assert {name: id(module) for name, module in model.named_modules()} == before
    assert sparse.exact
    assert set(sparse.counters) == set(PARTS)
    assert all(2 * sparse.counters[part]["STEPS"] == dense.counters[part]["STEPS"]
               for part in PARTS)
    assert cosine(dense.output, corrected.output) > cosine(dense.output, sparse.output) > 0.9


def test_one_array_runs_several_patterns(sentence):
    _, model = encoder()
    var = Treatment(corrections=("var",))
    design = var.prepare(Design(Pattern(16, 32), flexible="all"))
    cosines = []
    dense = run_layer(ReferenceAccelerator(Design(Pattern(16, 16))), sentence, model, 0)
    for pattern in (Pattern(2, 4), Pattern(16, 32)):
        ours = run_layer(ReferenceAccelerator(design), sentence, model, 0, var, pattern)
        assert all(2 * ours.counters[part]["STEPS"] == dense.counters[part]["STEPS"]
                   for part in PARTS)
        cosines.append(cosine(dense.output, ours.output))
    assert 0.9 < cosines[0] < cosines[1]


@pytest.mark.parametrize("treatment", [
    Treatment("wina", ("s-pts",)), Treatment("clact", ("var",)),
    Treatment(corrections=("l-pts", "ls", "shift"), learned={
        f"encoder.layer.1.{name}": {
            "l-pts": torch.full((1536 if name == "output.dense" else 384,), 0.01),
            "ls": torch.full((outputs,), 0.02), "shift": torch.full((outputs,), 0.01)}
        for name in PARTS.values()
        for outputs in [1536 if name == "intermediate.dense" else 384]}),
], ids=str)
def test_every_criterion_and_correction_of_the_hardware(sentence, treatment):
    _, model = encoder()
    before = run_layer(ReferenceAccelerator(DESIGN), sentence, model, 1)
    device = ReferenceAccelerator(treatment.prepare(DESIGN))
    after = run_layer(device, sentence, model, 1, treatment)
    assert 0.9 < cosine(before.output, after.output) < 0.9999


class Faulty(ReferenceAccelerator):
    """Flips one bit in one result of each job."""

    def run(self, inputs, results, *, limit):
        beats, cycles = super().run(inputs, results, limit=limit)
        beats.data[-1, 0] ^= 1
        return beats, cycles


def test_one_wrong_bit_is_found(sentence):
    _, model = encoder()
    assert not run_layer(Faulty(DESIGN), sentence, model, 0).exact
    assert Checked(ReferenceAccelerator(DESIGN)).exact


@pytest.mark.parametrize(("arguments", "message"), [
    (["--layer", "6"], "layer must be an integer from 0 to 5, not 6"),
    (["--corrections", "d-pts+x"],
     "correction must be one of d-pts, d-pts-mean, s-pts, l-pts, var, ls, shift, not 'x'"),
    (["--corrections", "d-pts+s-pts"],
     "corrections must have at most one shift before selection, not d-pts s-pts"),
    (["--corrections", "ls"],
     "learned must name a file of python -m sw.calibrate for ls, not none"),
    (["--learned", "no-such-file"], "learned must be a readable file, not 'no-such-file'"),
    (["--criterion", "best"],
     "criterion must be one of act, clact, amber, wina, variance, not 'best'"),
    (["--array", "8:16", "--patterns", "16:32"],
     "pattern must be N:M with M a power of two up to 16, as the design has it, not 16:32"),
    (["--patterns", "8"], "pattern must be written N:M, as in 8:16, not '8'"),
])
def test_bad_input_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"python -m sim.model: error: {message}"
