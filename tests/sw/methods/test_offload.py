"""Models whose weights accelerate moves: to the CPU or to a disk, and from there for each call."""

import pytest
import torch
from accelerate import cpu_offload, disk_offload, dispatch_model
from accelerate.hooks import remove_hook_from_submodules

from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from tests.sw.methods.tiny import causal, ids, logits


def offloaded(kind, folder, name="llama", **values):
    model = causal(name, **values)
    if kind == "cpu":
        return cpu_offload(model, execution_device=torch.device("cpu"))
    if kind == "disk":
        return disk_offload(model, str(folder), execution_device=torch.device("cpu"))
    return dispatch_model(model, {"": "cpu"}, main_device="cpu", force_hooks=True)


@pytest.mark.parametrize("kind", ["cpu", "disk", "dispatch"])
def test_offloaded_weights_are_used_and_stay_where_they_are(kind, tmp_path):
    plain = causal("llama")
    found = observe(plain, [{"input_ids": ids()}])
    with sparsify(plain, "2:4", corrections="s-pts+var", statistics=found):
        expected = logits(plain)
    model = offloaded(kind, tmp_path)
    devices = {name: value.device for name, value in model.named_parameters()}
    assert torch.equal(observe(model, [{"input_ids": ids()}])["model.layers.0.mlp.up_proj"]["norm"],
                       found["model.layers.0.mlp.up_proj"]["norm"])
    with sparsify(model, "2:4", corrections="s-pts+var", statistics=found) as sparse:
        for _ in range(2):
            assert torch.allclose(logits(model), expected, atol=1e-5)
        assert sparse.coverage.layers("not called") == []
        assert {name: value.device for name, value in model.named_parameters()} == devices
    assert torch.equal(logits(model), logits(plain))
    remove_hook_from_submodules(model)
    assert torch.equal(logits(model), logits(plain))


@pytest.mark.parametrize("kind", ["cpu", "disk"])
def test_methods_that_need_offloaded_weights_are_refused(kind, tmp_path):
    model = offloaded(kind, tmp_path)
    with pytest.raises(ValueError, match=r"^layers must be plain for wina, which needs their "
                                         r"weights, not model.layers.0.self_attn.q_proj \(Linear: "
                                         r"its weights are offloaded\): leave it out with ignore$"):
        sparsify(model, "2:4", "wina")
    assert torch.equal(logits(model), logits(causal("llama")))


def test_a_hook_that_only_moves_inputs_runs_with_the_sparse_layer(tmp_path):
    model, plain = offloaded("dispatch", tmp_path), causal("llama")
    with sparsify(model, "2:4", "wina", "r-sparse"), sparsify(plain, "2:4", "wina", "r-sparse"):
        assert hasattr(model.model.layers[0].mlp.up_proj, "_hf_hook")
        assert torch.equal(logits(model), logits(plain))
    assert torch.equal(logits(model), logits(plain))


def test_offloaded_experts_are_refused(tmp_path):
    model = offloaded("cpu", tmp_path, "mixtral", num_local_experts=4, num_experts_per_tok=2)
    dense = logits(model)
    with pytest.raises(ValueError, match=r"^layers must have their weights in memory, not "
                                         r"model.layers.0.mlp.experts.0.gate_up_proj"):
        sparsify(model, "2:4")
    with sparsify(model, "2:4", ignore="*.experts.*"):
        assert not torch.equal(logits(model), dense)
    assert torch.equal(logits(model), dense)


@pytest.mark.parametrize("kind", ["cpu", "disk", "dispatch"])
@pytest.mark.parametrize(("name", "values"), [
    ("llama", {}), ("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2})])
def test_a_model_that_is_offloaded_while_it_is_sparse_is_dense_and_offloaded_afterwards(
        kind, name, values, tmp_path):
    model = causal(name, **values)
    dense, before = logits(model), dict(model.named_modules())
    sparse = sparsify(model, "2:4", "wina")
    expected = logits(model)
    if kind == "cpu":
        cpu_offload(model, execution_device=torch.device("cpu"))
    elif kind == "disk":
        disk_offload(model, str(tmp_path), execution_device=torch.device("cpu"))
    else:
        dispatch_model(model, {"": "cpu"}, main_device="cpu", force_hooks=True)
    devices = {name: value.device for name, value in model.named_parameters()}
    assert torch.equal(logits(model), expected)
    sparse.remove()
    assert {name: value.device for name, value in model.named_parameters()} == devices
    assert torch.allclose(logits(model), dense, atol=1e-5)
    remove_hook_from_submodules(model)
    assert dict(model.named_modules()) == before
    assert torch.equal(logits(model), dense)
