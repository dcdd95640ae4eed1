"""Layers with a forward or weights of their own."""

import copy
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from sw.exact.selection import nm_prune
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify
from sw.methods.training import Training, calibrate
from sw.methods.wrapping import SelectedInput
from tests.sw.methods.tiny import causal


X = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))


class Int8(nn.Linear):
    """Quantised as bitsandbytes does it: integers for weights, and a scale."""

    def __init__(self):
        super().__init__(16, 8)
        self.weight = nn.Parameter(torch.randint(-127, 128, (8, 16)).to(torch.int8), False)
        self.register_buffer("scale", torch.rand(8, 1))

    def forward(self, x):
        return nn.functional.linear(x, self.weight * self.scale, self.bias)


class Packed(nn.Linear):
    """Two weights of four bits in a byte: the weights have another shape."""

    def __init__(self):
        super().__init__(16, 8)
        self.weight = nn.Parameter(torch.randint(0, 256, (64, 1)).to(torch.uint8), False)

    def forward(self, x):
        both = torch.stack([self.weight & 15, self.weight >> 4], -1).view(8, 16)
        return nn.functional.linear(x, both.float() - 8, self.bias)


class Float8(nn.Linear):
    """Weights in eight bits of floating point, whose scale is kept beside them."""

    def __init__(self):
        super().__init__(16, 8)
        self.weight = nn.Parameter(self.weight.data.to(torch.float8_e4m3fn), False)
        self.weight_scale_inv = nn.Parameter(torch.tensor(100.0))

    def forward(self, x):
        return nn.functional.linear(x, self.weight.float() * self.weight_scale_inv, self.bias)


class LowRank(nn.Linear):
    """An adapter in the layer itself."""

    def __init__(self):
        super().__init__(16, 8)
        self.a, self.b = nn.Parameter(torch.randn(2, 16)), nn.Parameter(torch.randn(8, 2))

    def forward(self, x):
        return super().forward(x) + x @ self.a.t() @ self.b.t()


class Buffers(nn.Module):
    """No ``nn.Linear`` and no parameters at all, as GPTQ and AWQ have it."""

    def __init__(self):
        super().__init__()
        self.in_features, self.out_features = 16, 8
        self.register_buffer("qweight", torch.randint(-8, 8, (16, 8), dtype=torch.int32))
        self.register_buffer("scales", torch.rand(8))

    def forward(self, x):
        return x @ (self.qweight * self.scales)


class Choice(nn.Linear):
    """Gives more than one tensor."""

    def __init__(self):
        super().__init__(16, 8)

    def forward(self, x):
        scores = super().forward(x)
        return scores.softmax(-1), scores.topk(2).indices


def replaced_forward():
    layer = nn.Linear(16, 8)
    layer.forward = lambda x: nn.functional.linear(x, layer.weight, layer.bias) * 3
    return layer


def pruned():
    layer = nn.Linear(16, 8)
    prune.l1_unstructured(layer, "weight", 0.5)
    return layer


OWN = {"int8": Int8, "4-bit": Packed, "fp8": Float8, "low rank": LowRank, "buffers": Buffers,
       "tuple": Choice, "forward": replaced_forward, "prune": pruned,
       "weight norm": lambda: parametrizations.weight_norm(nn.Linear(16, 8)),
       "spectral norm": lambda: nn.utils.spectral_norm(nn.Linear(16, 8)).eval()}


@pytest.fixture(params=OWN)
def model(request):
    torch.manual_seed(0)
    return nn.Sequential(OrderedDict(body=OWN[request.param]())).eval()


def flat(output):
    return torch.cat([part.flatten().float() for part in output]) \
        if isinstance(output, tuple) else output


def test_its_own_forward_runs_on_the_selected_input(model):
    layer, state = model.body, {key: value.clone() for key, value in model.state_dict().items()}
    dense, expected = flat(model(X)), flat(model(nm_prune(X, 2, 4)))
    with sparsify(model, "2:4") as sparse:
        assert isinstance(sparse.layers["body"], SelectedInput)
        assert torch.equal(flat(model(X)), expected)
        about = f"2:4, before the forward of {type(layer).__name__}"
        assert sparse.coverage.entries[0].why == about
        assert model.state_dict().keys() == state.keys()
    with sparsify(model, "16:16", "clact", ["d-pts", "var"]):
        assert torch.allclose(flat(model(X)), dense, rtol=1e-4, atol=1e-3)
    assert model.body is layer
    assert torch.equal(flat(model(X)), dense)
    assert not any(isinstance(getattr(hook, "__self__", None), SelectedInput)
                   for hook in layer._forward_pre_hooks.values())
    for key, value in model.state_dict().items():
        assert torch.equal(value.float(), state[key].float())


@pytest.mark.parametrize(("arguments", "needed"), [
    ({"criterion": "wina"}, "wina"), ({"criterion": "weight"}, "weight"),
    ({"corrections": "d-pts+ls"}, "ls"), ({"corrections": "r-sparse"}, "r-sparse"),
    ({"corrections": "smooth"}, "smooth"), ({"integer": True}, "integer=True"),
    ({"format": "mxfp4"}, "format='mxfp4'")])
def test_what_needs_its_weights_is_refused(model, arguments, needed):
    dense, kind = flat(model(X)), type(model.body).__name__
    with pytest.raises(ValueError, match=rf"^layers must be plain for {needed}, which needs their "
                                         rf"weights, not body \({kind}: it.*\): leave it out with "
                                         "ignore$"):
        sparsify(model, "2:4", **arguments)
    assert torch.equal(flat(model(X)), dense)


def test_learned_shifts_before_an_own_forward():
    torch.manual_seed(0)
    model = nn.Sequential(OrderedDict([("0", nn.Sequential(Int8()))])).eval()
    batches = [{"input": X[k:k + 1]} for k in range(5)]
    state = calibrate(model, batches, Method("2:4", corrections=("l-pts",)),
                      training=Training(rate=1e-2, epochs=4))
    before, after = state["error"]["0"]
    assert after < before
    dense, layer = model(X), model[0][0]
    with sparsify(model, "2:4", corrections="l-pts", learned=state["learned"]):
        assert not torch.equal(model(X), dense)
    assert model[0][0] is layer
    assert torch.equal(model(X), dense)


def test_plain_subclasses_are_replaced_as_before():
    class Named(nn.Linear):
        """A name, and no forward of its own."""

    model = nn.Sequential(Named(16, 8))
    with sparsify(model, "2:4", "wina", "ls+r-sparse") as sparse:
        assert type(sparse.layers["0"]) is SparseInputLinear
    falcon = causal("falcon", ffn_hidden_size=48)
    with sparsify(falcon, "2:4", "wina") as sparse:
        assert {type(layer) for layer in sparse.layers.values()} == {SparseInputLinear}


def test_layers_without_weights_are_refused():
    for model, about in ((nn.Sequential(nn.Linear(16, 8, device="meta")),
                          r"their weights in memory, not 0 \(Linear, on the meta device\)"),
                         (nn.Sequential(nn.LazyLinear(8)), r"their weights, not 0 \(LazyLinear")):
        with pytest.raises(ValueError, match=f"^layers must have {about}"):
            sparsify(model, "2:4")


def test_what_is_no_row_of_numbers_is_refused():
    for layer in (Int8(), nn.Linear(16, 8)):
        model = nn.Sequential(layer)
        for x, about in ((X.long(), r"torch.int64 \[5, 16\]"),
                         (X.view(10, 8), r"torch.float32 \[10, 8\]"),
                         (X[:, :0], r"torch.float32 \[5, 0\]"),
                         (X[0, 0], r"torch.float32 \[\]")):
            with sparsify(model, "2:4"), pytest.raises(
                    ValueError, match=r"^input of 0 must be floating-point numbers \[..., 16\] to "
                                      rf"be sparse, not {about}$"):
                model(x)


def test_layer_of_two_names_with_its_own_forward_is_selected_before_once():
    shared = replaced_square()
    model = nn.Sequential(shared, shared)
    once = nm_prune(X, 2, 4)
    expected = model[0].forward(nm_prune(model[0].forward(once), 2, 4))
    with sparsify(model, "2:4") as sparse:
        assert set(sparse.layers) == {"0", "1"}
        assert torch.equal(model(X), expected)
        with pytest.raises(ValueError, match="not 0, which is sparse already: call remove"):
            sparsify(model, "2:4", layers="0")
        assert torch.equal(copy.deepcopy(model)(X), expected)
    assert set(find_layers(model)) == {"0", "1"}
    assert set(observe(model, [{"input": X}])) == {"0", "1"}


def replaced_square():
    class Twice(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    torch.manual_seed(0)
    return Twice(16, 16)
