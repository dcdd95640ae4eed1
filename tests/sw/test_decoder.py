"""The decoder: its training, and the weights that come with the package."""

import math

import pytest
import torch

from sw.decoder import train as module
from sw.decoder.text import sentences, source


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
