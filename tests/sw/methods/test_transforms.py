"""Sparse layers under the transforms of PyTorch: exported, vectorised, differentiated, traced."""

import pytest
import torch
from onnx.reference import ReferenceEvaluator
from torch import nn

from sw.exact.selection import _mask_by_value, nm_mask, unstructured_mask
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify


METHODS = [("8:16", "act", ()), ("2:4", "wina", ("d-pts", "var")),
           ("2:4", "amber", ("d-pts-mean",)), ("3:7", "variance", ()),
           ("unstructured-50", "clact", ()), ("8:16", "clact", ("smooth",)),
           ("2:4", "weight", ()), ("2:4", "act", ("r-sparse", "ls", "shift", "l-pts")),
           ("2:4", "act", ("larosa", "s-pts"))]
DYNAMIC_BATCH = ({0: torch.export.Dim("batch"), 1: torch.export.Dim("tokens")},)


def each_method():
    return pytest.mark.parametrize(("pattern", "criterion", "corrections"), METHODS, ids=str)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(32, 24), nn.ReLU(), nn.Linear(24, 16)).eval()


@pytest.fixture
def x():
    return torch.randn(5, 7, 32, generator=torch.Generator().manual_seed(0))


def sparse(model, x, pattern, criterion, corrections, integer):
    found = observe(model, [{"input": x}], covariance=True) if "larosa" in corrections else None
    return sparsify(model, pattern, criterion, corrections, statistics=found, integer=integer)


@pytest.mark.parametrize("integer", [False, True])
@each_method()
@torch.no_grad()
def test_export_with_dynamic_shapes(model, x, pattern, criterion, corrections, integer):
    with sparse(model, x, pattern, criterion, corrections, integer):
        exported = torch.export.export(model, (x,), dynamic_shapes=DYNAMIC_BATCH).module()
        for part in (x, x[:3, :2]):
            assert torch.allclose(exported(part), model(part), atol=1e-5)
        if not corrections:  # what follows from the weights is part of the graph
            other = {name: value.flip(0) for name, value in model.state_dict().items()}
            model.load_state_dict(other)
            exported.load_state_dict(other)
            assert torch.allclose(exported(x), model(x), atol=1e-5)


@pytest.mark.parametrize("integer", [False, True])
@each_method()
@torch.no_grad()
def test_vmap_is_a_loop(model, x, pattern, criterion, corrections, integer):
    with sparse(model, x, pattern, criterion, corrections, integer):
        expected = torch.stack([model(tokens) for tokens in x])
        assert torch.allclose(torch.vmap(model)(x), expected, atol=1e-5)


@each_method()
def test_functional_gradients_are_those_of_backward(model, x, pattern, criterion, corrections):
    with sparse(model, x, pattern, criterion, corrections, False):
        found = torch.func.grad(lambda v: model(v).square().sum())(x)
        x.requires_grad_()
        model(x).square().sum().backward()
    assert torch.allclose(found, x.grad, atol=1e-5)


@each_method()
@torch.no_grad()
def test_one_model_with_the_weights_of_several(model, x, pattern, criterion, corrections):
    with sparse(model, x, pattern, criterion, corrections, False):
        if "r-sparse" in corrections:  # learned values are no weights
            return
        states = [model.state_dict(), {name: value.flip(0) * 2 for name, value in
                                       model.state_dict().items()}]
        stacked = {name: torch.stack([state[name] for state in states]) for name in states[0]}
        found = torch.vmap(lambda state: torch.func.functional_call(model, state, (x,)))(stacked)
        for state, y in zip(states, found, strict=True):
            model.load_state_dict(state)
            assert torch.allclose(y, model(x), atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")  # of PyTorch
@pytest.mark.parametrize(("method", "integer"), [
    (METHODS[1], False), (METHODS[2], True), (METHODS[4], False),
    *(pytest.param(method, integer, marks=pytest.mark.long) for method in METHODS
      for integer in (False, True))], ids=str)
@torch.no_grad()
def test_onnx(model, x, method, integer):
    with sparse(model, x, *method, integer):
        program = torch.onnx.export(model, (x,), dynamo=True, dynamic_shapes=DYNAMIC_BATCH,
                                    verbose=False)
        evaluator = ReferenceEvaluator(program.model_proto)
        for part in (x, x[:3, :2]):
            found, = evaluator.run(None, {evaluator.input_names[0]: part.numpy()})
            assert torch.allclose(torch.from_numpy(found), model(part), atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int8],
                         ids=str)
def test_selection_by_value_is_that_by_bits(dtype):
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(-4, 5, (200, 16), generator=generator).to(dtype)
    if dtype.is_floating_point:
        special = torch.tensor([torch.nan, torch.inf, -torch.inf, -0.0, torch.finfo(dtype).max])
        chosen = special[torch.randint(len(special), x.shape, generator=generator)].to(dtype)
        x = torch.where(torch.rand(x.shape, generator=generator) < 0.3, chosen, x)
    for kept in (1, 5, 15):
        assert torch.equal(_mask_by_value(x, kept), nm_mask(x, kept, 16))
        assert torch.equal(_mask_by_value(x, kept), unstructured_mask(x, kept))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # PyTorch itself advises against it
@pytest.mark.parametrize("criterion", ["act", "weight"])
def test_a_trace_is_refused(model, x, criterion):
    message = (r"^sparse layers must be exported with torch.export, or with "
               r"torch.onnx.export\(..., dynamo=True\), not with torch.jit.trace$")
    with sparsify(model, "2:4", criterion), pytest.raises(ValueError, match=message):
        torch.jit.trace(model, (x,))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("criterion", ["act", "weight"])
@pytest.mark.parametrize("record", [torch.jit.script, torch.fx.symbolic_trace])
def test_scripts_and_symbolic_traces_are_refused(model, criterion, record):
    message = (r"^sparse layers must be exported with torch\.export, or with .*, not with "
               rf"{record.__module__.partition('.')[0]}\.(jit\.script|fx\.symbolic_trace)$")
    with sparsify(model, "2:4", criterion), pytest.raises(ValueError, match=message):
        record(model)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_layers_that_are_scripts_stay_dense_by_name(model, x):
    mixed = nn.Sequential(torch.jit.script(model[0]), *model[1:])
    with sparsify(mixed, "2:4") as sparse:
        assert list(sparse.layers) == ["2"]
        assert sparse.coverage.as_dict()["groups"][-1]["why"] == "TorchScript, which calls no hooks"
        mixed(x)
    with pytest.raises(ValueError, match=r"not only ones that stay dense \(0: TorchScript"):
        sparsify(torch.jit.script(model), "2:4")
