"""Checkpoints: learned corrections and sparse configurations, damaged in bytes and in values."""

from io import BytesIO
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from sw.calibrate import load_learned
from sw.methods.configuration import load_config
from sw.methods.sparsify import sparsify
from sw.methods.training import KIND
from verify.fuzz.damage import JUNK, damaged_bytes, damaged_tree
from verify.fuzz.files import written
from verify.fuzz.target import REFUSED, Target, outcome


__all__ = ["TARGET"]


def _model() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 4))


def _packed(state: Any) -> bytes:
    buffer = BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


_TERMS = {"0": {"shift": torch.zeros(8), "ls": torch.zeros(8)},
          "2": {"shift": torch.zeros(4), "ls": torch.zeros(4)}}
_LEARNED = {"kind": KIND, "complete": True, "identity": {}, "learned": _TERMS, "error": {}}
_METHOD = {"pattern": "2:4", "criterion": "act", "corrections": ["ls", "shift"], "integer": False}
_CONFIG = {"kind": "sparse configuration", "dense": {}, "layers": {
    name: {"method": _METHOD, "inputs": 8, "outputs": len(terms["shift"]), "statistics": {},
           "learned": terms} for name, terms in _TERMS.items()}}
_JUNK = (*JUNK, torch.zeros(8), torch.zeros(3), torch.zeros(8, dtype=torch.int64),
         torch.zeros(2, 4), "4:8", "act", ["ls"], ["var"], "0", "2")
_CASES = st.one_of(*(st.tuples(st.just(kind), st.one_of(
    damaged_bytes(_packed(state)), damaged_tree(state, _JUNK).map(_packed)))
    for kind, state in (("learned", _LEARNED), ("config", _CONFIG))))


def _check(case: tuple[str, bytes]) -> str:
    """A model that takes a file runs; one that refuses it is as it was."""
    kind, content = case
    model, x = _model(), torch.ones(3, 8)
    before = model(x)

    def take() -> None:
        with written(f"{kind}.pt", content) as path:
            if kind == "config":
                load_config(model, path)
            else:
                sparsify(model, "2:4", corrections="ls+shift", learned=load_learned(path))
        assert model(x).shape == (3, 4)

    became = outcome(take)
    assert became != REFUSED or torch.equal(model(x), before)
    return became


TARGET = Target("checkpoints", "learned corrections and sparse configurations, damaged", _CASES,
                _check)
