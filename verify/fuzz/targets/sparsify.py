"""Random small modules made sparse, against a sort of every block."""

from itertools import pairwise
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor, nn

from sw.methods.method import parse_pattern
from sw.methods.sparsify import sparsify
from verify.fuzz.target import REFUSED, TAKEN, Target, outcome


__all__ = ["TARGET"]


_SIZES = st.integers(1, 20)
_PATTERNS = st.one_of(
    st.sampled_from(("2:4", "8:16", "1:2", "3:7", "4:4", "1:64", "unstructured-50",
                     "unstructured-0", "unstructured-99", "*.1=2:4", "*=2:4", "0=1:2+*=2:4",
                     "9:8", "x", "2:4:8")),
    st.builds("{}:{}".format, st.integers(0, 9), st.integers(0, 9)))
_CASES = st.fixed_dictionaries({
    "sizes": st.lists(_SIZES, min_size=2, max_size=4), "bias": st.booleans(),
    "nested": st.booleans(), "shared": st.booleans(),
    "between": st.sampled_from(("none", "relu", "norm", "residual")),
    "pattern": _PATTERNS, "ignore": st.sampled_from((None, ["*1*"], ["*"], ["none"])),
    "dtype": st.sampled_from(("float32", "bfloat16")),
    "shape": st.lists(st.integers(0, 3), max_size=3), "seed": st.integers(0, 99)})


class _Residual(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + x.abs()


def _model(case: dict[str, Any]) -> nn.Module:
    sizes = case["sizes"]
    layers: list[nn.Module] = []
    for inputs, outputs in pairwise(sizes):
        linear: nn.Module = nn.Linear(inputs, outputs, case["bias"])
        if case["shared"] and layers and inputs == outputs:
            linear = next((one for one in layers if isinstance(one, nn.Linear)
                           and one.weight.shape == (inputs, outputs)), linear)
        layers.append(nn.Sequential(linear) if case["nested"] else linear)
        between = {"relu": nn.ReLU(), "residual": _Residual(), "norm": nn.LayerNorm(outputs)}
        layers += [between[case["between"]]] if case["between"] in between else []
    return nn.Sequential(*layers).to(getattr(torch, case["dtype"]))


def _mask(x: Tensor, text: str) -> Tensor:
    """Which values of the last dimension are kept, by a stable sort of magnitudes."""
    pattern = parse_pattern(text)
    features = x.shape[-1]
    if isinstance(pattern, int):
        n, m = features * (100 - pattern) // 100, features
    else:
        n, m = pattern.n, pattern.m
    mask = torch.zeros_like(x, dtype=torch.bool)
    for start in range(0, features, m):
        block = x[..., start:start + m].abs().float()
        kept = block.sort(dim=-1, descending=True, stable=True).indices[..., :n]
        mask[..., start:start + m] = torch.zeros_like(block, dtype=torch.bool).scatter(
            -1, kept, True)
    return mask


def _check(case: dict[str, Any]) -> str:
    """Sparse layers see pruned inputs; where they are refused or taken out, nothing has changed."""
    torch.manual_seed(case["seed"])
    model = _model(case)
    x = torch.randn(*case["shape"], case["sizes"][0]).to(getattr(torch, case["dtype"]))
    names, before = [name for name, _ in model.named_modules()], model(x)
    made: list[Any] = []
    became = outcome(lambda: made.append(
        sparsify(model, case["pattern"], ignore=case["ignore"])))
    if became == REFUSED:
        assert torch.equal(model(x), before)
        return REFUSED
    sparse, = made
    assert model(x).shape == before.shape
    for name, layer in sparse.layers.items():
        given = torch.randn(5, sparse.dense[name].in_features).to(x.dtype)
        kept = given * _mask(given, layer.method.pattern)
        assert torch.allclose(layer(given), sparse.dense[name](kept), rtol=1e-2, atol=1e-3)
    sparse.remove()
    assert [name for name, _ in model.named_modules()] == names
    assert torch.equal(model(x), before)
    return TAKEN


TARGET = Target("sparsify", "small modules made sparse, and dense again", _CASES, _check)
