"""A sparse model's configuration in a file: the same outputs, or a refusal."""

from dataclasses import fields

import pytest
import torch

from sw.files import save
from sw.methods.configuration import _METHOD, load_config, save_config
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from tests.sw.methods.tiny import causal, ids, logits


MOE = {"num_local_experts": 4, "num_experts_per_tok": 2}


@pytest.mark.parametrize(("criterion", "corrections"), [
    ("clact", "s-pts+ls+var"), ("wina", "r-sparse+shift"), ("act", "larosa"), ("weight", "")])
def test_all_of_a_configuration_comes_back(tmp_path, criterion, corrections):
    model, path = causal("mixtral", **MOE), tmp_path / "sparse.pt"
    found = observe(model, [{"input_ids": ids(40)}], covariance=True)
    with sparsify(model, {"*.down_proj": "4:8", "*": "2:4"}, criterion, corrections or (),
                  ignore="*.k_proj", statistics=found) as sparse:
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for layer in sparse.layers.values():
                for value in layer.learned.values():
                    value += 0.1 * torch.randn(value.shape, generator=generator)
        expected, coverage = logits(model), sparse.coverage.summary()
        save_config(sparse, path)
    again = causal("mixtral", **MOE)
    dense = logits(again)
    with load_config(again, str(path)) as loaded:
        assert torch.equal(logits(again), expected)
        assert loaded.coverage.summary() == coverage
        assert loaded.layers.keys() == sparse.layers.keys()
    assert torch.equal(logits(again), dense)


@pytest.mark.parametrize("how", [
    {"corrections": "d-pts", "integer": True}, {"format": "fp8_e4m3"},
    {"format": "mxfp4", "selection": "after"}, {"corrections": "sharq", "format": "nvfp4"}],
    ids=["int8", "fp8_e4m3", "mxfp4", "nvfp4"])
def test_numbers_of_the_hardware_come_back(tmp_path, how):
    model = causal("llama")
    with sparsify(model, "2:4", "amber", **how) as sparse:
        expected = logits(model)
        save_config(sparse, tmp_path / "sparse.pt")
    with load_config(model, tmp_path / "sparse.pt") as again:
        assert torch.equal(logits(model), expected)
        assert all(again.layers[name].method == layer.method
                   for name, layer in sparse.layers.items())


def test_every_field_of_a_method_is_read():
    assert list(_METHOD) == [field.name for field in fields(Method)]


def test_refuses_what_does_not_fit(tmp_path):
    path, model = tmp_path / "sparse.pt", causal("llama")
    with sparsify(model, "2:4") as sparse:
        save_config(sparse, path)
        with pytest.raises(ValueError, match=rf"^{path} must fit the model, which has no dense "
                                             "layer model.layers.0.self_attn.q_proj$"):
            load_config(model, path)
    for other, about in (
            (causal("gpt2"), "which has no dense layer model.layers.0.self_attn.q_proj"),
            (causal("llama", num_hidden_layers=1),
             "which has no dense layer model.layers.1.self_attn.q_proj"),
            (causal("llama", intermediate_size=64),
             ("whose layer model.layers.0.mlp.gate_proj has 32 inputs and 64 outputs, not 32 and "
              "48"))):
        dense, modules = logits(other), dict(other.named_modules())
        with pytest.raises(ValueError, match=r"must fit the model") as caught:
            load_config(other, path)
        assert str(caught.value) == f"{path} must fit the model, {about}"
        assert dict(other.named_modules()) == modules
        assert torch.equal(logits(other), dense)


@pytest.mark.parametrize("change", [
    lambda state: state.pop("dense"), lambda state: state.update(layers=[]),
    lambda state: state["layers"].update(x=None),
    lambda state: first(state).update(statistics={"shift": 1.0}),
    lambda state: first(state)["method"].update(pattern=8),
    lambda state: first(state)["method"].update(corrections=[1]),
    lambda state: first(state)["method"].pop("integer"),
    lambda state: first(state)["method"].update(selection=None),
])
def test_refuses_values_that_are_none(tmp_path, change):
    path = tmp_path / "sparse.pt"
    save_config(sparsify(causal("llama"), "2:4"), path)
    state = torch.load(path)
    change(state)
    torch.save(state, path)
    with pytest.raises(ValueError, match="must be a checkpoint of sparse configuration, not a "):
        load_config(causal("llama"), path)


def first(state):
    return next(iter(state["layers"].values()))


def test_refuses_other_files(tmp_path):
    path = tmp_path / "sparse.pt"
    with pytest.raises(FileNotFoundError):
        load_config(causal("llama"), path)
    for write in (lambda: path.write_bytes(b"PK cut"), lambda: save(path, "something", {})):
        write()
        with pytest.raises(ValueError, match=rf"^{path} must be a checkpoint of sparse "
                                             "configuration, not a damaged or foreign file$"):
            load_config(causal("llama"), path)
