"""Sparse layers in a model: encoders of PyTorch, hooks, and the way back."""

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune, remove_spectral_norm, spectral_norm
from torch.nn.utils.parametrize import remove_parametrizations

from sw.exact.selection import nm_prune
from sw.methods.sparsify import find_layers, sparsify
from tests.sw.methods.tiny import causal, logits


X = torch.randn(5, 16, generator=torch.Generator().manual_seed(0))


def encoder(layers=2):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(16, 2, 32, dropout=0, batch_first=True)
    return nn.TransformerEncoder(layer, layers).eval()


@torch.no_grad()
@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors:UserWarning")
@pytest.mark.parametrize("padded", [False, True])
def test_encoders_of_pytorch_do_not_read_weights_past_their_layers(padded):
    model, x = encoder(), X[None].expand(2, 5, 16) * torch.tensor([1.0, 2.0])[:, None, None]
    mask = torch.tensor([[False] * 5, [False] * 3 + [True] * 2]) if padded else None
    dense = model(x, src_key_padding_mask=mask)
    real = ~mask if padded else torch.ones(2, 5, dtype=torch.bool)
    with sparsify(model, "16:16") as sparse:
        assert torch.allclose(model(x, src_key_padding_mask=mask)[real], dense[real], atol=1e-5)
        assert {name.rpartition(".")[2] for name in sparse.layers} == {"linear1", "linear2"}
        assert sparse.coverage.layers("not called") == []
    with sparsify(model, "1:16"):
        changed = model(x, src_key_padding_mask=mask)
        assert not torch.allclose(changed[real], dense[real], atol=0.1)
        model.train()  # the path without fused kernels
        assert torch.allclose(model(x, src_key_padding_mask=mask)[real], changed[real], atol=1e-5)
        model.eval()
    assert torch.equal(model(x, src_key_padding_mask=mask), dense)
    assert model.use_nested_tensor
    assert not any(module._forward_pre_hooks for module in model.modules())


def test_the_output_of_attention_is_refused_by_name():
    with pytest.raises(ValueError, match=r"^layers must match a layer that can be sparse .* not "
                                         r"'\*.out_proj' \(layers.0.self_attn.out_proj: "
                                         r"nn.MultiheadAttention reads its weights"):
        sparsify(encoder(), "2:4", layers="*.out_proj")


def test_hooks_of_a_layer_run_while_it_is_sparse():
    model, seen = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 8)), []
    model[0].register_forward_pre_hook(lambda module, args: (args[0] * 2,))
    model[0].register_forward_hook(lambda module, args, kwargs, output: seen.append("forward"),
                                   with_kwargs=True, always_call=True)
    model[0].register_full_backward_hook(lambda *_: seen.append("backward"))
    handle = model[1].register_forward_hook(lambda module, args, output: output * 2)
    dense = model(X).detach()
    with sparsify(model, "16:16"):
        assert torch.allclose(model(X), dense, atol=1e-5)
        model(X.clone().requires_grad_()).sum().backward()
        assert seen == ["forward"] * 3 + ["backward"]
        added = model[0].register_forward_hook(lambda *_: seen.append("added"))
        handle.remove()
        assert torch.allclose(model(X), dense / 2, atol=1e-5)
        assert seen[-1] == "added"
    model(X)
    assert seen[-1] == "added"  # put on while sparse, and still there
    added.remove()
    assert torch.equal(model(X), dense / 2)


def test_what_is_sparse_already_is_refused_by_its_name():
    message = (r"^layers must be dense ones, not 0, which is sparse already: call remove\(\) of "
               r"what made it sparse first$")
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))
    with sparsify(model, "2:4"):
        for layers in (None, "0", "*"):
            with pytest.raises(ValueError, match=message):
                sparsify(model, "4:8", layers=layers)
    with sparsify(model, "2:4", layers="0"):
        with pytest.raises(ValueError, match=message):
            sparsify(model, "4:8", layers=["1", "0"])
        with sparsify(model, "4:8") as rest:  # what is dense still
            assert set(rest.layers) == {"1"}


def test_layers_are_placed_where_dense_ones_are_and_once():
    model = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16))
    one = sparsify(model, "2:4")
    with pytest.raises(ValueError, match="not 0, which is sparse already"):
        one.place()
    one.remove()
    with sparsify(model, "4:8", layers="1") as other:
        y = model(X)
        with pytest.raises(ValueError, match="not 1, which is sparse already"):
            one.place()
        assert torch.equal(model(X), y)
        assert model[1] is other.layers["1"]
    one.place()
    assert model[1] is one.layers["1"]


@pytest.mark.parametrize("kind", ["llama", "mixtral"])
def test_a_sparse_model_with_a_head_is_refused_too(kind):
    model = causal(kind)
    with sparsify(model), pytest.raises(ValueError, match=r"not model.*, which is sparse already"):
        sparsify(model)


def test_dense_again_in_the_mode_and_with_the_parameters_of_now():
    model = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 8))
    layers, state = list(model), {key: value * 2 for key, value in model.state_dict().items()}
    sparse = sparsify(model, "2:4")
    model.eval().load_state_dict(state, assign=True)
    sparse.remove()
    assert list(model) == layers
    assert not any(layer.training for layer in layers)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())


def test_a_layer_that_was_taken_out_is_named():
    model = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 8))
    first, sparse = model[0], sparsify(model, "2:4")
    model[1] = nn.Identity()
    with pytest.raises(ValueError, match=r"^layers must be in the model to be dense again, not "
                                         "taken out of it as 1$"):
        sparse.remove()
    assert model[0] is first


def test_hooks_of_a_model_see_the_same_as_before():
    model = causal("llama")
    calls = []
    handles = [layer.register_forward_hook(lambda *_, name=name: calls.append(name))
               for name, layer in find_layers(model).items()]
    logits(model)
    expected, calls[:] = list(calls), []
    with sparsify(model, "2:4"):
        logits(model)
    assert calls == expected
    for handle in handles:
        handle.remove()


@pytest.mark.parametrize(("change", "undo"), [
    (parametrizations.weight_norm, lambda layer: remove_parametrizations(layer, "weight")),
    (parametrizations.spectral_norm, lambda layer: remove_parametrizations(layer, "weight")),
    (spectral_norm, remove_spectral_norm),
    (lambda layer: prune.l1_unstructured(layer, "weight", 0.5),
     lambda layer: prune.remove(layer, "weight")),
], ids=["weight norm", "spectral norm", "spectral norm by a hook", "prune"])
def test_weights_reparametrised_while_sparse_are_used_and_never_lost(change, undo):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(16, 8), nn.Linear(8, 4)).eval()
    first, second = model
    x = torch.randn(5, 16)
    sparse = sparsify(model, "2:4")
    change(model[0])
    y = model[0](x)
    assert torch.allclose(y, nn.functional.linear(nm_prune(x, 2, 4), model[0].weight, first.bias))
    with pytest.raises(ValueError, match=r"layers must have weights that are not computed from "
                                         r"others to be dense again, not 0: "):
        sparse.remove()
    assert model[1] is second
    assert torch.equal(model[0](x), y)
    undo(model[0])
    weight = model[0].weight.detach().clone()
    sparse.remove()
    assert model[0] is first
    assert torch.equal(first.weight, weight)
    assert set(first.state_dict()) == {"weight", "bias"}
