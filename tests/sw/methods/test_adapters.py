"""Adapters of PEFT, put on before and after a model is made sparse."""

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2Config, GPT2LMHeadModel

from sw.methods.layers import find_layers
from sw.methods.sparse_layer import SparseInputLinear
from sw.methods.sparsify import sparsify
from tests.sw.methods.tiny import causal, fill, logits


# Of PEFT itself: it asks transformers by an older name.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")


def adapted(model, **options):
    torch.manual_seed(0)
    return get_peft_model(model, LoraConfig(
        r=2, init_lora_weights=False, target_modules=["q_proj", "down_proj"], **options)).eval()


def sparse_layers(model):
    return [module for module in model.modules() if isinstance(module, SparseInputLinear)]


def test_adapters_stay_dense_whichever_comes_first():
    first = adapted(causal("llama"))
    dense, modules = logits(first), dict(first.named_modules())
    names = {name.replace(".base_layer", "").removeprefix("base_model.model.")
             for name in find_layers(first)}
    assert names == set(find_layers(causal("llama")))
    with sparsify(first, "2:4") as sparse:
        outputs = logits(first)
        assert {entry.why for entry in sparse.coverage.entries
                if "lora" in entry.name} == {"adapter"}
    assert torch.equal(logits(first), dense)
    assert dict(first.named_modules()) == modules
    second = causal("llama")
    with sparsify(second, "2:4"):
        second = adapted(second)
        assert torch.allclose(logits(second), outputs, atol=1e-5)
    assert torch.equal(logits(second), dense)  # with its adapters


def test_patterns_name_a_layer_as_without_its_adapter():
    model = adapted(causal("llama"))
    with sparsify(model, {"*.down_proj": "2:4"}, layers="*.down_proj") as sparse:
        assert {name.split(".")[-2] for name in sparse.layers} == {"down_proj"}
    with pytest.raises(ValueError, match=r"lora_A.default: adapter\)$"):
        sparsify(model, "2:4", layers="*lora_A*")


@pytest.mark.parametrize("safe", [False, True])
@pytest.mark.parametrize("sparse_first", [False, True])
def test_merging_while_sparse_stays_after_remove(sparse_first, safe):
    expected = adapted(causal("llama")).merge_and_unload()
    model = causal("llama")
    if sparse_first:
        sparse = sparsify(model, "2:4", "wina")
        model = adapted(model)
    else:
        model = adapted(model)
        sparse = sparsify(model, "2:4", "wina")
    merged = model.merge_and_unload(safe_merge=safe)
    assert len(sparse_layers(merged)) == len(find_layers(expected))
    sparse.remove()
    assert not sparse_layers(merged)
    assert torch.equal(logits(merged), logits(expected))
    assert [type(module) for module in merged.modules()] == [
        type(module) for module in expected.modules()]


def test_copies_of_a_sparse_layer_are_dense_again_too():
    model = causal("llama")
    sparse = sparsify(model, "2:4")
    model = adapted(model, modules_to_save=["up_proj"])  # trains a copy of these
    assert len(sparse_layers(model)) == 2 * 7 + 2
    sparse.remove()
    assert not sparse_layers(model)


def test_training_an_adapter_over_sparse_layers():
    model = causal("llama")
    with sparsify(model, "2:4"):
        model = adapted(model)
        model(input_ids=torch.arange(8)[None]).logits.square().sum().backward()
    gradients = {name for name, parameter in model.named_parameters() if parameter.grad is not None}
    assert gradients
    assert all("lora" in name for name in gradients)


@pytest.mark.parametrize("safe", [False, True])
def test_merging_into_the_transposed_weights_of_gpt_2(safe):
    merged = []
    for sparse_first in (False, True):
        torch.manual_seed(0)
        model = fill(GPT2LMHeadModel(GPT2Config(
            vocab_size=64, n_embd=32, n_layer=1, n_head=2, n_positions=32, bos_token_id=0,
            eos_token_id=0)))
        sparse = sparsify(model, "2:4") if sparse_first else None
        torch.manual_seed(0)
        model = get_peft_model(model, LoraConfig(
            r=2, init_lora_weights=False, target_modules=["c_attn", "attn.c_proj"],
            fan_in_fan_out=True)).merge_and_unload(safe_merge=safe)
        if sparse:
            sparse.remove()
        merged.append(logits(model.eval()))
    assert torch.equal(*merged)


@pytest.mark.parametrize("sparse_first", [False, True])
def test_adapters_of_shared_expert_parameters(sparse_first):
    def experts():
        return causal("mixtral", num_local_experts=4, num_experts_per_tok=2)

    def adapt(model):
        torch.manual_seed(0)
        return get_peft_model(model, LoraConfig(
            r=2, init_lora_weights=False, target_parameters=["mlp.experts.down_proj"])).eval()

    dense, model = logits(adapt(experts())), experts()
    if sparse_first:
        sparse = sparsify(model, "16:16")
        model = adapt(model)
    else:
        model = adapt(model)
        sparse = sparsify(model, "16:16")
    assert torch.allclose(logits(model), dense, atol=1e-5)
    sparse.remove()
    assert not sparse_layers(model)
    assert torch.equal(logits(model), dense)
