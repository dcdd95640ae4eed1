"""Criteria, corrections and sparse models against plain Python and the formulas."""

import copy
import io
import math
import statistics

import pytest
import torch
from torch import nn

from sw.methods.corrections import CORRECTIONS, low_rank, smoothing, token_shift, variance_ratio
from sw.methods.criteria import (
    CRITERIA,
    amber_coefficients,
    clact_coefficients,
    quantize_coefficients,
    variance_coefficients,
    wina_coefficients,
)
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify


def seeded(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + shape[-1]))


@pytest.fixture
def linear():
    torch.manual_seed(0)
    return nn.Linear(20, 12)


class Model(nn.Module):
    """Two projections and a head."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.up, self.down, self.lm_head = nn.Linear(32, 48), nn.Linear(48, 32), nn.Linear(32, 8)

    def forward(self, x):
        return self.lm_head(self.down(self.up(x).relu()))


def columns(weight):
    return [list(column) for column in zip(*weight.tolist(), strict=True)]


def test_criteria_equal_plain_python():
    weight = seeded(30, 6)
    wina = [math.sqrt(sum(w * w for w in column)) for column in columns(weight)]
    assert wina_coefficients(weight).tolist() == pytest.approx(wina, rel=1e-5)
    assert clact_coefficients(weight).tolist() == pytest.approx(wina, rel=1e-5)
    variance = [statistics.variance(column) for column in columns(weight)]
    assert variance_coefficients(weight).tolist() == pytest.approx(variance, rel=1e-5)
    ordered = sorted(w for row in weight.tolist() for w in row)
    # Of 180 values the 0.5 % and 99.5 % quantiles lie between the two outermost on each side.
    inliers = ordered[1:-1]
    mean, deviation = statistics.fmean(inliers), statistics.pstdev(inliers)
    norms = [math.sqrt(sum(((w - mean) / deviation) ** 2 for w in column))
             for column in columns(weight)]
    expected = [norm / min(norms) for norm in norms]
    assert amber_coefficients(weight).tolist() == pytest.approx(expected, rel=1e-5)


def test_coefficients_use_all_bits_of_hardware():
    assert quantize_coefficients(torch.tensor([0.0, 1.0, 2.0])).tolist() == [0, 128, 255]


def test_statistics_equal_plain_python():
    x = seeded(5, 20)
    median = [statistics.median_low(token) for token in x.tolist()]
    assert token_shift(x).flatten().tolist() == median
    mean = [statistics.fmean(token) for token in x.tolist()]
    assert token_shift(x, mean=True).flatten().tolist() == pytest.approx(mean, rel=1e-4, abs=1e-6)
    kept = torch.where(x.abs() > 0.5, x, 0)
    ratio = [math.sqrt(statistics.variance(a) / statistics.variance(b))
             for a, b in zip(x.tolist(), kept.tolist(), strict=True)]
    assert variance_ratio(x, kept).flatten().tolist() == pytest.approx(ratio, rel=1e-5)


@pytest.mark.parametrize("correction", CORRECTIONS)
@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("pattern", ["16:16", "unstructured-0"])
def test_nothing_dropped_is_the_dense_layer(linear, correction, criterion, pattern):
    x = seeded(40, 20)
    found = {"shift": torch.tensor(0.1), "norm": torch.ones(20), "largest": x.abs().amax(0),
             "covariance": x.t().cov()}
    layer = SparseInputLinear(linear, Method(pattern, criterion, (correction,)), found)
    assert torch.allclose(layer(x), linear(x), atol=1e-4)


@pytest.mark.parametrize("corrections", [(), ("d-pts",), ("d-pts-mean", "var"), ("l-pts",)])
@pytest.mark.parametrize("criterion", CRITERIA)
def test_integer_path_is_close_to_float(linear, criterion, corrections):
    x = seeded(40, 20)
    outputs = [SparseInputLinear(linear, Method("16:16", criterion, corrections, integer))(x)
               for integer in (False, True)]
    assert torch.allclose(*outputs, atol=0.05)


def test_learned_parameters_do_what_they_say(linear):
    x = seeded(6, 20)
    plain_output = SparseInputLinear(linear, Method("8:16"))(x)
    layer = SparseInputLinear(linear, Method("8:16", corrections=("ls", "shift")))
    with torch.no_grad():
        layer.learned["ls"].fill_(0.5)
        layer.learned["shift"].fill_(2.0)
    assert torch.allclose(layer(x), (plain_output - linear.bias) * 1.5 + 2 + linear.bias, atol=1e-5)
    layer = SparseInputLinear(linear, Method("8:16", corrections=("l-pts",)))
    layer(x).sum().backward()
    assert layer.learned["l-pts"].grad.abs().sum() > 0


def test_low_rank_is_the_singular_value_decomposition():
    weight = seeded(6, 9)
    a, b = low_rank(weight, 6)
    assert torch.allclose(a @ b, weight, atol=1e-5)
    a, b = low_rank(weight, 2)
    rest = torch.linalg.svdvals(weight)[2:].square().sum()
    assert (a @ b - weight).square().sum().item() == pytest.approx(rest.item(), rel=1e-4)


def test_smoothing_by_hand():
    weight = torch.tensor([[1.0, 4.0], [-2.0, 1.0]])
    assert smoothing(torch.tensor([8.0, 0.0]), weight).tolist() == [2.0, 1.0]


@pytest.mark.parametrize("pattern", ["2:4", "unstructured-70"])
def test_weights_are_pruned_in_place_of_activations(linear, pattern):
    layer = SparseInputLinear(linear, Method(pattern, "weight"))
    x = seeded(3, 20)
    kept = layer.kept_weights.sum().item()
    assert kept == (120 if pattern == "2:4" else 240 * 30 // 100)
    expected = x @ (linear.weight * layer.kept_weights).t() + linear.bias
    assert torch.allclose(layer(x), expected, atol=1e-6)


def test_wrapped_and_unwrapped_model_is_bit_identical():
    model, x = Model(), seeded(7, 32)
    modules, before = dict(model.named_modules()), model(x)
    state = model.state_dict()
    with sparsify(model, "2:4", corrections=["d-pts", "var", "r-sparse"]) as sparse:
        assert set(sparse.layers) == {"up", "down"}
        assert not torch.equal(model(x), before)
        assert set(model.state_dict()) == set(state)
        model.load_state_dict(state)
    assert dict(model.named_modules()) == modules
    assert torch.equal(model(x), before)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_every_type_of_model(dtype):
    model = Model().to(dtype)
    x = seeded(7, 32).to(dtype)
    with sparsify(model, "16:16"):
        assert model(x).dtype == dtype
        assert torch.allclose(model(x).float(), Model()(seeded(7, 32)), atol=0.05)


@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("correction", CORRECTIONS)
@torch.no_grad()
def test_sparse_model_changes_its_type_with_the_dense_one(correction, integer):
    model, x = Model(), seeded(7, 32)
    found = observe(model, [{"x": x}], covariance=True)
    with sparsify(model, "8:16", "clact", [correction], statistics=found, integer=integer):
        before = model(x)
        model.bfloat16()
        assert model(x.bfloat16()).dtype == torch.bfloat16
        error = (model(x.bfloat16()).float() - before).norm() / before.norm()
        assert error < (0.3 if integer else 0.2)  # some masks differ
    assert model.up.weight.dtype == torch.bfloat16


@torch.no_grad()
def test_copy_and_pickle_of_a_sparse_model():
    model, x = Model(), seeded(7, 32)
    state = model.state_dict()
    with sparsify(model, "8:16", "wina", ["d-pts", "var", "ls", "r-sparse"]):
        file = io.BytesIO()
        torch.save(model, file)
        file.seek(0)
        for again in (copy.deepcopy(model), torch.load(file, weights_only=False)):
            assert torch.equal(again(x), model(x))
            assert again.state_dict().keys() == state.keys()


def test_layer_of_two_names_is_sparse_under_both():
    shared = nn.Linear(32, 32)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    x = seeded(7, 32)
    found = observe(model, [{"input": x}])
    with sparsify(model, "2:4", corrections=["s-pts"], statistics=found) as sparse:
        assert set(sparse.layers) == {"0", "2"}
        assert all(isinstance(model[k], SparseInputLinear) for k in (0, 2))
    assert model[0] is model[2] is shared


def test_a_single_name_may_stand_for_a_list():
    model, x = Model(), seeded(7, 32)
    with sparsify(model, "2:4", corrections=["d-pts", "var"], layers=["*own"]):
        expected = model(x)
    with sparsify(model, "2:4", corrections="d-pts+var", layers="*own") as sparse:
        assert set(sparse.layers) == {"down"}
        assert torch.equal(model(x), expected)


def test_observed_statistics():
    model, x = Model(), seeded(7, 32)
    found = observe(model, [{"x": x[:3]}, {"x": x[3:]}], covariance=True)
    medians = [token_shift(part).mean() for part in (x[:3], x[3:])]
    assert found["up"]["shift"].item() == pytest.approx((sum(medians) / 2).item())
    assert torch.equal(found["up"]["largest"], x.abs().amax(0))
    assert torch.allclose(found["up"]["covariance"].float(), x.t().cov(correction=0), atol=1e-5)
    with sparsify(model, "2:4", corrections=["s-pts", "larosa"], statistics=found):
        assert model(x).isfinite().all()


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize(("pattern", "criterion", "corrections"), [
    ("8:16", "wina", ["d-pts", "var"]), ("unstructured-70", "clact", ["l-pts", "r-sparse"]),
    ("2:4", "weight", [])])
def test_compiled_model_has_the_same_outputs_and_gradients(pattern, criterion, corrections):
    model, x = Model(), seeded(7, 32)
    with sparsify(model, pattern, criterion, corrections):
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        outputs, gradients = [], []
        for run in (model, compiled):
            model.zero_grad()
            outputs.append(run(x))
            outputs[-1].square().sum().backward()
            gradients.append({name: parameter.grad.clone()
                              for name, parameter in model.named_parameters()})
    assert torch.allclose(*outputs, atol=1e-6)
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert torch.allclose(gradient, gradients[1][name], rtol=1e-4, atol=1e-5), name


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")  # of inductor itself
@pytest.mark.long
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@torch.no_grad()
def test_compiles_to_machine_code(dtype, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))  # nothing from an earlier run
    model, x = nn.Sequential(nn.Linear(32, 16)).to(dtype), seeded(64, 32).to(dtype)
    with sparsify(model, "2:4", "wina", ["d-pts-mean", "var"]):
        compiled = torch.compile(model, backend="inductor", fullgraph=True)
        assert torch.allclose(compiled(x), model(x), atol=4 * torch.finfo(dtype).eps)
    assert list(tmp_path.rglob("*.so"))


@pytest.mark.parametrize(("arguments", "message"), [
    ({"pattern": "8/16"}, ("pattern must be written N:M, as in 8:16, or unstructured-P with P "
                           "from 0 to 99, not '8/16'")),
    ({"criterion": "top"}, ("criterion must be one of act, clact, amber, wina, variance, weight, "
                            "not 'top'")),
    ({"corrections": ["x"]}, ("correction must be one of d-pts, d-pts-mean, s-pts, l-pts, shift, "
                              "ls, var, r-sparse, smooth, larosa, sharq, not 'x'")),
    ({"corrections": ["d-pts", "l-pts"]}, ("corrections must have at most one of d-pts, "
                                           "d-pts-mean, s-pts, l-pts, not d-pts and l-pts")),
    ({"layers": ["*.mlp.*"]}, ("layers must match a linear layer of the model (there are down, "
                               "up), not '*.mlp.*'")),
    ({"corrections": ["s-pts"]}, ("s-pts must be calibrated: give observe(model, batches), "
                                  "not none")),
])
def test_rejects_and_leaves_the_model_alone(arguments, message):
    model = Model()
    with pytest.raises(ValueError, match="must") as caught:
        sparsify(model, **arguments)
    assert str(caught.value) == message
    assert set(find_layers(model)) == {"up", "down"}


def test_rejects_a_layer_by_itself():
    with pytest.raises(ValueError, match=r"^layers must match a linear layer of the model"):
        sparsify(nn.Linear(8, 8))
