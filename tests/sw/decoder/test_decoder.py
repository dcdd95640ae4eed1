"""The decoder: its training, and the weights that come with the package."""

import json
import math

import pytest
import torch

from sw.calibrate import load_learned
from sw.calibrate import main as calibrate_main
from sw.decoder import WEIGHTS
from sw.decoder import training as module
from sw.decoder.text import sentences, source
from sw.evaluate import main as evaluate_main
from sw.evaluation.subjects import load_subject
from sw.methods.sparsify import sparsify


TOKENS = torch.randint(module.VOCABULARY, (4000,), generator=torch.Generator().manual_seed(0))


def test_training_learns_and_goes_on_after_an_interruption(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LENGTH", 32)
    monkeypatch.setattr(module, "EVERY", 1)
    whole = module.train(TOKENS, 4, 0, tmp_path / "whole.pt").state_dict()
    rate = module.rate

    def stop(step, steps):
        if step == 2:
            raise KeyboardInterrupt
        return rate(step, steps)

    path = tmp_path / "part.pt"
    monkeypatch.setattr(module, "rate", stop)
    with pytest.raises(KeyboardInterrupt):
        module.train(TOKENS, 4, 0, path)
    monkeypatch.setattr(module, "rate", rate)
    resumed = module.train(TOKENS, 4, 0, path).state_dict()
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
    assert not all(torch.equal(value, whole[name])
                   for name, value in module.model(0).state_dict().items())
    with pytest.raises(ValueError, match="must be of a run of 5 steps and seed 0, not 4 and 0"):
        module.train(TOKENS, 5, 0, path)
    path.write_bytes(path.read_bytes()[:9999])
    with pytest.raises(ValueError, match="must be a checkpoint of decoder training, not a damaged"):
        module.train(TOKENS, 4, 0, path)


def test_rate_rises_to_its_peak_and_falls_to_a_tenth():
    rates = [module.rate(step, 200) for step in range(200)]
    assert max(rates) == module.RATE == rates[10]
    assert rates[0] == pytest.approx(module.RATE / 10)
    assert rates[-1] == pytest.approx(module.RATE / 10, rel=0.01)


def test_nothing_that_is_evaluated_on_is_trained_on():
    chosen, others = source(held_out=True), source(held_out=False)
    assert len(others) > 10 * len(chosen) > 10 * 100_000
    assert not set(sentences(held_out=True)[:3]) & set(sentences(held_out=False))
    assert math.isclose(len(chosen) / (len(chosen) + len(others)), 1 / 20, rel_tol=0.5)


def test_trained_weights_come_with_the_package_and_predict_held_out_source():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 16e6
    subject = load_subject("decoder", count=8, calibration=1)
    losses = subject.losses()
    assert 5 < subject.score(losses) < 30  # 1024 for a guess among all tokens
    with sparsify(subject.model, "8:16"):
        assert subject.score(subject.losses()) > subject.score(losses)
    assert subject.losses() == losses


def test_evaluation_and_calibration_run_on_it(tmp_path):
    calibrate_main(["--windows", "1", "--length", "32", "-o", str(tmp_path / "learned.pt")])
    assert len(load_learned(tmp_path / "learned.pt")) == 4 * 7
    evaluate_main(["--model", "decoder", "--patterns", "8:16", "unstructured-70", "--count", "2",
                   "--length", "64", "--calibration", "1", "-o", str(tmp_path)])
    held = json.loads((tmp_path / "results.json").read_text())
    assert held["dense"]["score"] < held["rows"][0]["score"] < held["rows"][1]["score"]
