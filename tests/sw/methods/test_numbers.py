"""Numbers at their edges: nothing divided by nothing, overflow, types, and no tokens at all."""

import pytest
import torch
from torch import nn

from hw.config import Pattern
from sw.exact.compressor import compress_tokens
from sw.exact.linear import SparseLinear
from sw.exact.quantize import quantize
from sw.exact.selection import nm_mask
from sw.exact.steps import step_masks
from sw.methods.corrections import CORRECTIONS, smoothing, variance_ratio
from sw.methods.criteria import (
    CRITERIA,
    amber_coefficients,
    clact_coefficients,
    quantize_coefficients,
    wina_coefficients,
)
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify
from sw.methods.training import calibrate


FOUND = {"shift": torch.tensor(0.1), "covariance": torch.eye(16)}
METHODS = [*((criterion, ()) for criterion in (*CRITERIA, "weight")),
           *(("clact", (correction,)) for correction in CORRECTIONS),
           ("act", ("d-pts", "var")), ("wina", ("s-pts", "var"))]


def made(pattern, criterion="act", corrections=(), integer=False, features=16, outputs=8,
         dtype=torch.float32, **found):
    torch.manual_seed(0)
    return SparseInputLinear(nn.Linear(features, outputs).to(dtype),
                             Method(pattern, criterion, tuple(corrections), integer),
                             FOUND | found)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
def test_one_feature(criterion, corrections, integer):
    x = torch.tensor([[2.0], [-1.0], [0.0]])
    layer = made("2:4", criterion, corrections, integer, features=1,
                 covariance=torch.ones(1, 1))
    assert torch.allclose(layer(x), nn.functional.linear(x, layer.weight, layer.bias),
                          atol=0.03 if integer else 1e-5)


@pytest.mark.parametrize("value", [0.0, 0.1, -3.0])
@pytest.mark.parametrize("pattern", ["4:4", "unstructured-0"])
def test_a_token_that_does_not_vary_is_the_dense_one(pattern, value):
    layer, x = made(pattern, corrections=["var"]), torch.full((2, 16), value)
    x.requires_grad_()
    y = layer(x)
    assert torch.allclose(y, nn.functional.linear(x, layer.weight, layer.bias), atol=1e-5)
    y.sum().backward()
    assert x.grad.isfinite().all()


@pytest.mark.parametrize("scale", [1e-30, 1e-6, 1.0, 1e6, 1e30])
def test_the_ratio_of_variances_has_no_scale(scale):
    x = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
    kept = torch.where(nm_mask(x, 2, 4), x, 0)
    assert torch.allclose(variance_ratio(x * scale, kept * scale), variance_ratio(x, kept))


@pytest.mark.parametrize("corrections", [("var",), ("d-pts", "var"), ("s-pts", "var")], ids=str)
def test_float16_overflows_only_where_the_product_does(corrections):
    torch.manual_seed(0)
    x = torch.randn(4, 256) * 2
    x[:, ::64] = 6e4
    layer = made("1:64", corrections=corrections, features=256, dtype=torch.float16)
    with torch.no_grad():
        layer.weight.mul_(0.01)
    exact = SparseInputLinear(nn.Linear(256, 8), layer.method, FOUND)
    exact.load_state_dict(layer.state_dict())
    y = layer(x.half())
    assert y.isfinite().all()
    assert torch.allclose(y.float(), exact(x.half().float()), rtol=0.01, atol=0.05)


@pytest.mark.parametrize("weight", [torch.zeros(6, 16), torch.ones(6, 16), torch.full((6, 16), .1)])
def test_amber_factors_of_weights_that_do_not_vary_are_one(weight):
    assert torch.equal(amber_coefficients(weight), torch.ones(16))


def test_amber_factors_of_almost_equal_weights():
    weight = torch.zeros(400, 4)
    weight[0, 2] = 1
    factors = amber_coefficients(weight)
    assert factors.isfinite().all()
    assert factors.argmax() == 2


@pytest.mark.parametrize("scale", [1e-30, 1e30])
@pytest.mark.parametrize("norms", [wina_coefficients, clact_coefficients])
def test_norms_of_very_small_and_large_values(norms, scale):
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(norms(x * scale) / scale, norms(x))


@pytest.mark.parametrize("factors", [torch.zeros(4), torch.full((4,), 1e-42)])
def test_factors_of_hardware_without_a_normal_number(factors):
    expected = [0] * 4 if factors[0] == 0 else [255] * 4
    assert quantize_coefficients(factors).tolist() == expected


@pytest.mark.parametrize("value", [torch.inf, torch.nan])
def test_factors_that_are_not_finite_have_no_integers(value):
    with pytest.raises(ValueError, match=r"^coefficients must be finite to be quantised, not"):
        quantize_coefficients(torch.tensor([1.0, value]))


def test_scaling_without_a_finite_magnitude():
    assert smoothing(torch.tensor([torch.inf, 4.0]), torch.ones(2, 2)).tolist() == [1, 2]


def test_variance_of_one_output_is_refused():
    with pytest.raises(ValueError, match="criterion must be another than variance for a layer of"):
        made("2:4", "variance", outputs=1)


@pytest.mark.filterwarnings("ignore:Initializing zero-element tensors")
def test_no_features_are_refused():
    with pytest.raises(ValueError, match=r"^the layer must have at least one input feature, not 0"):
        made("2:4", features=0)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("pattern", ["2:4", "unstructured-50"])
@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
def test_no_tokens(pattern, criterion, corrections, integer):
    layer = made(pattern, criterion, corrections, integer)
    assert layer(torch.zeros(0, 16)).shape == (0, 8)
    assert layer(torch.zeros(2, 0, 16)).shape == (2, 0, 8)
    assert layer.energy_kept(torch.zeros(0, 16)) in (1.0, pytest.approx(0.5, abs=0.5))


def test_no_tokens_in_the_exact_reference():
    tokens = torch.zeros(0, 16, dtype=torch.int8)
    assert SparseLinear(nn.Linear(16, 8), "2:4")(torch.zeros(3, 0, 16)).shape == (3, 0, 8)
    compressed = compress_tokens(tokens, Pattern(2, 4), shift="median")
    assert compressed.kept.shape == (0, 4, 2)
    assert step_masks(torch.zeros(0, 4, dtype=torch.bool), 2)[0].shape == (0, 1, 4)


def test_observe_passes_calls_without_tokens_over():
    model, x = nn.Sequential(nn.Linear(16, 8)), torch.randn(3, 16)
    with_empty = observe(model, [{"input": x}, {"input": x[:0]}], covariance=True)
    alone = observe(model, [{"input": x}], covariance=True)
    for name, value in alone["0"].items():
        assert torch.equal(with_empty["0"][name], value)
    assert observe(model, [{"input": x[:0]}]) == {}


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_the_default_type_changes_nothing(dtype):
    model, x = nn.Sequential(nn.Linear(16, 8)), torch.randn(3, 16)
    batches = [{"input": x + 1}] * 600
    expected = observe(model, batches, covariance=True)
    torch.manual_seed(0)
    outputs = []
    for kind in (torch.float32, dtype):
        torch.set_default_dtype(kind)
        try:
            found = observe(model, batches, covariance=True)
            for criterion, corrections in METHODS:
                with sparsify(model, "2:4", criterion, corrections, statistics=found):
                    outputs.append(model(x))
        finally:
            torch.set_default_dtype(torch.float32)
        for name, value in expected["0"].items():
            assert torch.equal(found["0"][name], value)
    for a, b in zip(outputs[:len(METHODS)], outputs[len(METHODS):], strict=True):
        assert torch.equal(a, b)


def test_observe_refuses_what_would_leave_nothing_right():
    model, x = nn.Sequential(nn.Linear(16, 8)), torch.randn(3, 16)
    x[1, 2] = torch.nan
    with pytest.raises(ValueError, match=r"^inputs of 0 must be finite, not infinite or NaN$"):
        observe(model, [{"input": x}])
    for nothing in ([], iter(())):
        with pytest.raises(ValueError, match=r"^batches must have at least one call, not none$"):
            observe(model, nothing)
    with pytest.raises(ValueError, match=r"^batches must have at least one call, not none$"):
        calibrate(model, [], Method("2:4", corrections=("ls",)))


@pytest.mark.parametrize("pattern", ["2:4", "unstructured-50"])
@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
def test_a_model_in_float64_selects_as_in_float32(pattern, criterion, corrections):
    layer, x = made(pattern, criterion, corrections), torch.randn(5, 16)
    expected = layer(x)
    y = layer.double()(x.double())
    assert y.dtype == torch.float64
    assert torch.allclose(y, expected.double(), atol=1e-5)


@pytest.mark.parametrize("weights", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
def test_autocast_gives_the_type_of_the_dense_layer(criterion, corrections, integer, weights):
    layer = made("16:16", criterion, corrections, integer, dtype=weights)
    dense, x = nn.Linear(16, 8).to(weights), torch.randn(5, 16)
    dense.load_state_dict(layer.state_dict())
    with torch.autocast("cpu", torch.bfloat16):
        y, expected = layer(x), dense(x)
    assert y.dtype == expected.dtype == torch.bfloat16
    if not corrections and criterion != "weight" and not integer:
        assert torch.equal(y, expected)
    elif corrections != ("smooth",):
        assert torch.allclose(y, expected, atol=0.06)


def test_autocast_leaves_the_rotation_in_float32():
    torch.manual_seed(0)
    turn = torch.linalg.qr(torch.randn(16, 16)).Q
    layer = made("2:4", corrections=["larosa", "r-sparse"], covariance=turn @ turn.t())
    x = torch.randn(5, 16)
    with torch.autocast("cpu", torch.bfloat16):
        y = layer(x)
    assert torch.equal(y, layer(x).bfloat16())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_statistics_stay_float32_when_the_model_does_not(dtype):
    norms = torch.rand(16) * 1e6  # beyond float16
    layer = made("2:4", "clact", ["larosa", "smooth", "s-pts", "ls"], norm=norms, largest=norms)
    layer.to(dtype)
    kept = {**dict(layer.named_buffers()), **dict(layer.learned)}
    assert {value.dtype for value in kept.values()} == {torch.float32}
    assert torch.equal(kept["largest"], norms)
    assert layer.weight.dtype == dtype
    plain = made("2:4", "clact", norm=norms).to(dtype)
    assert torch.equal(plain.coefficients, norms)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("corrections", [(), ("d-pts",), ("s-pts",), ("d-pts-mean",), ("l-pts",)],
                         ids=str)
def test_nothing_dropped_is_the_dense_layer_bit_for_bit(dtype, corrections):
    layer, x = made("4:4", "wina", corrections, dtype=dtype), torch.randn(7, 16).to(dtype)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


@pytest.mark.parametrize("pattern", ["2:4", "3:7", "unstructured-70"])
def test_pruned_weights_on_the_integers_of_the_hardware(pattern):
    layer, x = made(pattern, "weight", integer=True), torch.randn(5, 16)
    tokens = quantize(x)
    weights = quantize(torch.where(layer.kept_weights, layer.weight, 0))
    y = tokens.values.long() @ weights.values.long().t() * tokens.scale * weights.scale.t()
    assert torch.allclose(layer(x), y + layer.bias, atol=1e-6)
    assert not torch.equal(layer(x), made(pattern, "weight")(x))


def test_an_infinite_weight_that_is_pruned_is_gone():
    layer = made("1:4", "weight")
    with torch.no_grad():
        layer.weight[0, 0], layer.weight[0, 1] = torch.nan, torch.inf
    assert layer.kept_weights[0, :2].tolist() == [True, False]
    assert made("1:4", "weight")(torch.zeros(1, 16)).isfinite().all()
    assert layer(torch.zeros(1, 16))[0, 1:].isfinite().all()


def test_a_kept_infinity_does_not_spoil_the_low_rank_path():
    x = torch.zeros(1, 16)
    x[0, 0] = torch.inf
    layer = made("1:4", corrections=["r-sparse"])
    dense = nn.functional.linear(x, layer.weight, layer.bias)
    assert torch.equal(layer(x), dense)


def test_arguments_by_keyword():
    layer, x = made("2:4"), torch.randn(3, 16)
    assert torch.equal(layer(input=x), layer(x))


@pytest.mark.usefixtures("nothing_compiled")
def test_integers_of_values_that_are_not_finite_are_refused_or_nan():
    x = torch.tensor([[1.0, torch.inf], [1.0, 2.0], [3e38, 1.0]])
    with pytest.raises(ValueError, match=r"^x must be finite to be quantised, not infinite or NaN"):
        quantize(x)
    with pytest.raises(ValueError, match=r"^x must be finite to be quantised, not infinite or NaN"):
        quantize(x[2:], torch.tensor([[torch.inf]]))
    recorded = torch.compile(lambda v: quantize(v).dequantize(), backend="eager", fullgraph=True)
    assert recorded(x)[0].isnan().all()
    assert recorded(x)[1:].isfinite().all()
