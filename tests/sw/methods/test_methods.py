"""Every method of the paper against plain Python, one token after the other."""

import zlib

import pytest
import torch
from torch import nn

from hw.config import Pattern
from sw.methods.corrections import CORRECTIONS, rotation, token_shift
from sw.methods.criteria import CRITERIA
from sw.methods.method import Method, parse_pattern
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify
from tests.sw import plain


PATTERNS = [f"{n}:{m}" for n, m in plain.PATTERNS] + ["unstructured-50", "unstructured-70"]
COMBINED = [("d-pts", "var"), ("s-pts", "var"), ("ls", "shift"), ("var", "ls", "shift"),
            ("l-pts", "r-sparse"), ("smooth", "r-sparse"), ("larosa", "d-pts", "r-sparse"),
            ("smooth", "larosa", "l-pts", "r-sparse", "var", "ls", "shift")]


def case(pattern, criterion, corrections, dtype=torch.float32, integer=False):
    """Inputs [6, 67], a sparse layer with parameters as if trained, and what it was made from."""
    name = f"{pattern} {criterion} {corrections}"
    generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
    linear = nn.Linear(67, 9).to(dtype)
    x = (torch.randn(6, 67, generator=generator) + 0.3).to(dtype)
    with torch.no_grad():
        for parameter in linear.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    sample = torch.randn(200, 67, generator=generator)
    found = {"shift": torch.tensor(0.25), "norm": sample.norm(dim=0),
             "largest": sample.abs().amax(0), "covariance": sample.t().cov()}
    shapes = {"l-pts": (67,), "shift": (9,), "ls": (9,)}
    learned = {key: torch.randn(shape, generator=generator) / 4 for key, shape in shapes.items()
               if key in corrections}
    if "r-sparse" in corrections:  # rank 1, a tenth of 9 or the least
        learned |= {"a": torch.randn(9, 1, generator=generator),
                    "b": torch.randn(1, 67, generator=generator)}
    layer = SparseInputLinear(linear, Method(pattern, criterion, corrections, integer), found,
                              learned)
    if "larosa" in corrections:
        found["rotation"] = layer.rotation
    return x, linear, layer, found, learned


def lists(tensors):
    return {key: value.tolist() for key, value in tensors.items()}


def expected(x, linear, pattern, criterion, corrections, found, learned):
    rows = plain.layer(x.tolist(), linear.weight.tolist(), linear.bias.tolist(),
                       parse_pattern(pattern), criterion, corrections, lists(found),
                       lists(learned))
    return torch.tensor(rows)


@pytest.mark.parametrize("corrections", [(), *((name,) for name in CORRECTIONS), *COMBINED],
                         ids="+".join)
@pytest.mark.parametrize("pattern", PATTERNS)
@torch.no_grad()
def test_correction_equals_plain_python(pattern, corrections):
    criterion = "act" if "larosa" in corrections else "clact"
    x, linear, layer, found, learned = case(pattern, criterion, corrections)
    y = expected(x, linear, pattern, criterion, corrections, found, learned)
    assert torch.allclose(layer(x), y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("pattern", PATTERNS)
@torch.no_grad()
def test_criterion_equals_plain_python(pattern, criterion):
    x, linear, layer, found, learned = case(pattern, criterion, ())
    y = expected(x, linear, pattern, criterion, (), found, learned)
    assert torch.allclose(layer(x), y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("corrections", [(), *((name,) for name in CORRECTIONS)], ids="+".join)
@torch.no_grad()
def test_half_types_equal_plain_python_up_to_their_precision(dtype, corrections):
    x, linear, layer, found, learned = case("8:16", "act", corrections, dtype)
    y = expected(x, linear, "8:16", "act", corrections, found, learned)
    assert layer(x).dtype == dtype
    error = (layer(x).float() - y).norm() / y.norm()
    assert error < 4 * torch.finfo(dtype).eps


@pytest.mark.parametrize("corrections", [(), ("d-pts",), ("var",), ("d-pts", "var")],
                         ids="+".join)
@pytest.mark.parametrize("criterion", ["act", "wina", "amber"])
@pytest.mark.parametrize("pattern", PATTERNS)
@torch.no_grad()
def test_integer_path_equals_plain_python(pattern, criterion, corrections):
    x, linear, layer, _, _ = case(pattern, criterion, corrections, integer=True)
    factors = None if layer.coefficients is None else layer.coefficients.tolist()
    rows = plain.integer_layer(x.tolist(), linear.weight.tolist(), linear.bias.tolist(),
                               parse_pattern(pattern), factors, corrections)
    assert torch.allclose(layer(x), torch.tensor(rows), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("pattern", ["2:4", "8:16", "3:7", "unstructured-50"])
def test_pruned_weights_equal_plain_python(pattern):
    x, linear, layer, _, _ = case(pattern, "weight", ())
    parsed = parse_pattern(pattern)
    weight = linear.weight.tolist()
    if isinstance(parsed, Pattern):
        mask = [plain.kept(row, parsed, None) for row in weight]
    else:  # of the whole layer, not of a row
        flat = plain.kept([w for row in weight for w in row], parsed, None)
        mask = [flat[k:k + 67] for k in range(0, len(flat), 67)]
    assert layer.kept_weights.tolist() == mask
    pruned = [[w * keep for w, keep in zip(row, bits, strict=True)]
              for row, bits in zip(weight, mask, strict=True)]
    y = torch.tensor(plain.multiply(x.tolist(), pruned)) + linear.bias
    assert torch.allclose(layer(x), y, atol=1e-4)


def test_rotation_is_the_eigenvectors_dealt_out_to_blocks():
    samples = torch.randn(50, 12, generator=torch.Generator().manual_seed(0)).double()
    covariance = samples.t().cov()
    turn = rotation(covariance, blocks=3).double()
    assert torch.allclose(turn.t() @ turn, torch.eye(12).double(), atol=1e-6)
    turned = turn.t() @ covariance @ turn
    sizes = turned.diagonal()
    assert torch.allclose(turned, sizes.diag(), atol=1e-5)
    assert sizes.argsort(descending=True).tolist() == [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]


def test_median_is_the_lower_one():
    assert token_shift(torch.tensor([[4.0, 1.0, 3.0, 2.0]])).item() == 2.0


@pytest.mark.parametrize("numbers", [
    {}, {"integer": True}, {"format": "fp8_e4m3"}, {"format": "fp8_e4m3", "selection": "after"},
    {"format": "mxfp4", "selection": "after"}], ids=str)
@pytest.mark.parametrize("corrections", ["", "smooth", "d-pts", "l-pts", "smooth+d-pts+var"])
@torch.no_grad()
def test_norms_of_clact_are_those_of_inputs_whether_of_the_call_or_observed(corrections, numbers):
    """Not of what they become: tokens less a shift, over a scale, or integers of a scale each."""
    generator = torch.Generator().manual_seed(4)
    model = nn.Sequential(nn.Linear(64, 16))
    x = torch.randn(9, 64, generator=generator) * torch.logspace(-1, 1, 9)[:, None]
    x = x * torch.rand(64, generator=generator).mul(2).exp()
    names = corrections.split("+") if corrections else ()
    found, results = observe(model, [{"input": x}]), []
    for statistics in (None, found):
        with sparsify(model, "8:16", "clact", names, statistics=statistics, **numbers) as sparse:
            if "l-pts" in names:
                sparse.layers["0"].learned["l-pts"].copy_(torch.linspace(-1, 1, 64))
            results.append(model(x))
    assert torch.equal(*results)
