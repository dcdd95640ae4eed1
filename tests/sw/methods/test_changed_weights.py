"""Weights that change under a sparse layer: what follows from them follows."""

import copy

import pytest
import torch
from torch import nn

from sw.methods.derived import Fingerprint
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify


METHODS = [*((name, ()) for name in ("weight", "variance", "amber", "wina")),
           ("act", ("r-sparse",)), ("wina", ("larosa", "r-sparse"))]
FEATURES = 48


def model(seed):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(FEATURES, 33), nn.ReLU(), nn.Linear(33, 40))


def statistics(of):
    return {name: {"covariance": torch.eye(layer.in_features).double()}
            for name, layer in of.named_modules() if isinstance(layer, nn.Linear)}


def by_load(of, state):
    of.load_state_dict(state)


def by_assignment(of, state):
    of.load_state_dict(copy.deepcopy(state), assign=True)


def by_copy(of, state):
    with torch.no_grad():
        for name, parameter in of.state_dict(keep_vars=True).items():
            parameter.copy_(state[name])


def by_data_in_place(of, state):
    for name, parameter in of.state_dict(keep_vars=True).items():
        parameter.data.copy_(state[name])


def by_data(of, state):
    for name, parameter in of.state_dict(keep_vars=True).items():
        parameter.data = state[name].clone()


def by_optimiser(of, state):
    named = of.state_dict(keep_vars=True)
    for name, parameter in named.items():
        parameter.grad = parameter.detach() - state[name]
    torch.optim.SGD(list(named.values()), lr=1.0).step()
    by_copy(of, state)  # the step rounds


def by_rows_exchanged(of, state):
    by_data_in_place(of, state)
    for name, parameter in of.state_dict(keep_vars=True).items():
        if name.endswith("weight"):
            parameter.data.copy_(state[name].flip(0))
            state[name] = state[name].flip(0)


CHANGES = [by_load, by_assignment, by_copy, by_data_in_place, by_data, by_optimiser,
           by_rows_exchanged]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
@torch.no_grad()
def test_a_sparse_model_is_that_of_its_weights_now(criterion, corrections, change):
    ours, state = model(0), model(1).state_dict()
    x = torch.randn(5, FEATURES)
    with sparsify(ours, "2:4", criterion, corrections, statistics=statistics(ours)):
        before = ours(x)
        change(ours, state)
        after = ours(x)
    fresh = model(0)
    fresh.load_state_dict(state)
    assert torch.equal(ours(x), fresh(x)), "dense again, the new weights stay"
    with sparsify(fresh, "2:4", criterion, corrections, statistics=statistics(fresh)):
        assert torch.equal(after, fresh(x))
    assert not torch.allclose(after, before, atol=0.1)


@pytest.mark.parametrize(("criterion", "corrections"), METHODS, ids=str)
@torch.no_grad()
def test_another_type_of_weights(criterion, corrections):
    ours = model(0)
    x = torch.randn(5, FEATURES).bfloat16()
    found = statistics(ours)
    with sparsify(ours, "2:4", criterion, corrections, statistics=found):
        ours(x.float())
        ours.bfloat16()
        after = ours(x)
    with sparsify(ours, "2:4", criterion, corrections, statistics=found):
        assert torch.equal(ours(x), after)


def test_the_low_rank_path_stays_once_it_was_trained():
    layer = SparseInputLinear(nn.Linear(20, 12), Method("2:4", corrections=("r-sparse",)))
    x = torch.randn(4, 20)
    with torch.no_grad():
        layer.learned["a"].add_(1)
    trained = layer.learned["a"].clone()
    with torch.no_grad():
        layer.weight.mul_(2)
        layer(x)
    assert torch.equal(layer.learned["a"], trained)
    given = {name: value.detach() for name, value in layer.learned.items()}
    layer = SparseInputLinear(nn.Linear(20, 12), layer.method, learned=given)
    with torch.no_grad():
        layer.weight.mul_(2)
        layer(x)
    assert torch.equal(layer.learned["a"], trained)


@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize(("criterion", "corrections"), METHODS[:-1], ids=str)
@torch.no_grad()
def test_a_compiled_model_is_that_of_its_weights_now(criterion, corrections):
    ours, x = model(0), torch.randn(5, FEATURES)
    with sparsify(ours, "2:4", criterion, corrections):
        compiled = torch.compile(ours, backend="eager", fullgraph=True)
        compiled(x)
        by_data_in_place(ours, model(1).state_dict())
        if corrections:  # values can be compared in a graph, but a decomposition would be slow
            with pytest.raises(RuntimeError, match="must follow the weights, which have changed"):
                compiled(x)
            ours(x)
        assert torch.allclose(compiled(x), ours(x), atol=1e-5)


def test_backward_after_a_change():
    ours, x = model(0), torch.randn(5, FEATURES)
    with sparsify(ours, "2:4", "wina", ["r-sparse"]):
        loss = ours(x).square().sum()
        ours[0].weight.data.mul_(1.5)
        ours(x)
        loss.backward()
    assert ours[0].weight.grad.isfinite().all()


@pytest.mark.parametrize("arguments", [
    *({"criterion": criterion, "corrections": corrections} for criterion, corrections in METHODS),
    {"corrections": ("s-pts", "var")}, {"format": "fp8_e4m3"}], ids=str)
def test_training_goes_on_after_inference_mode(arguments):
    """Statistics, what is kept of weights, and learned values that were made or met in it."""
    gradients, x, state = [], torch.randn(5, FEATURES), model(1).state_dict()
    for first in (torch.inference_mode, torch.no_grad):
        ours = model(0)
        with first():
            found = observe(ours, [{"input": x}], covariance=True)
            sparsify(ours, "2:4", statistics=found, **arguments)
            by_data_in_place(ours, state)
            ours(x)
        tokens = x.clone().requires_grad_()
        ours(tokens).square().sum().backward()
        gradients.append([tokens.grad, *(each.grad for each in ours.parameters())])
        assert {name for name, each in ours.named_parameters() if each.is_inference()} == set()
    for ours, expected in zip(*gradients, strict=True):
        assert ours is expected is None or torch.equal(ours, expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64, torch.int8],
                         ids=str)
@pytest.mark.parametrize("shape", [(4, 8), (5, 7), (1, 1)])
def test_fingerprint_tells_weights_apart(dtype, shape):
    generator = torch.Generator().manual_seed(sum(shape))
    weight = torch.randint(-99, 99, shape, generator=generator).to(dtype)
    found = Fingerprint.of(weight)
    assert Fingerprint.of(weight.clone()).same(found)
    assert Fingerprint.of(weight.t().contiguous().t()).same(found)
    other = weight.clone()
    other[-1, -1] += 1
    for changed in (other, -weight, weight.to(torch.float16)):
        assert not Fingerprint.of(changed).same(found)
    if shape[0] > 1:
        assert not Fingerprint.of(weight.flip(0)).same(found)
        assert not Fingerprint.of(weight.flip(1)).same(found)
        part = torch.cat([weight, weight])[1:, 1:]  # does not begin at a whole word
        assert Fingerprint.of(part).same(Fingerprint.of(part))


@pytest.mark.parametrize("criterion", ["wina", "weight"])
def test_weights_that_were_taken_away_are_said(criterion):
    layer = nn.Linear(16, 8)
    model = nn.Sequential(layer)
    with sparsify(model, "2:4", criterion):
        model.to("meta")
        with pytest.raises(ValueError, match=r"^weights of a sparse layer must be in memory, not "
                                             r"on the meta device$"):
            model(torch.randn(2, 16, device="meta"))


class Quantized(torch.Tensor):
    """Weights of a type of their own, as torchao's."""


@pytest.mark.parametrize(("arguments", "exact"), [
    ({}, True), ({"corrections": "d-pts+var"}, True), ({"criterion": "wina"}, False),
    ({"criterion": "weight"}, False), ({"corrections": "r-sparse"}, False),
    ({"integer": True}, False), ({"format": "mxfp4"}, False), ({"format": "int8"}, False)])
def test_weights_that_were_given_a_type_of_their_own(arguments, exact):
    """A quantiser that comes after sparsity: exact, or refused by name; dense again with them."""
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(32, 8)), torch.randn(3, 32)
    with sparsify(model, "2:4", **arguments), torch.no_grad():
        expected, weight = model(x), model[0].weight.data.as_subclass(Quantized)
        model[0]._parameters["weight"] = weight
        if exact:
            assert torch.equal(model(x), expected)
        else:
            with pytest.raises(ValueError, match=r"^weights of a sparse layer must be plain "
                                                 r"numbers for a .* them, not Quantized$"):
                model(x)
    assert type(model[0]) is nn.Linear
    assert model[0].weight is weight
