"""Layers of models: as many weights as their published sizes, and as transformers makes them."""

import json
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModel, AutoModelForCausalLM
from transformers.pytorch_utils import Conv1D

from synth.performance.models import MODELS, layers, named
from synth.performance.phases import phase_layers


@pytest.mark.parametrize(("model", "billions"), list(zip(
    MODELS, (6.607, 7.505, 7.070, 3.880), strict=True)))
def test_weights_of_the_models_that_come_along(model, billions):
    """Parameters that are published, less embeddings (shared in Gemma) and norms."""
    weights = sum(one.features * one.outputs * one.count for one in layers(named(model)))
    assert weights / 1e9 == pytest.approx(billions, abs=0.002)


SIZES = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3,
         "num_attention_heads": 4, "vocab_size": 64}
OLD = {"n_embd": 32, "n_layer": 3, "n_head": 4, "vocab_size": 64}


@pytest.mark.parametrize(("kind", "sizes"), [
    ("llama", SIZES | {"num_key_value_heads": 2}), ("qwen2", SIZES | {"num_key_value_heads": 2}),
    ("qwen3", SIZES | {"num_key_value_heads": 2, "head_dim": 16}), ("mistral", SIZES),
    ("gemma2", SIZES | {"num_key_value_heads": 2, "head_dim": 16}),
    ("gemma3_text", {**SIZES, "num_key_value_heads": 1, "head_dim": 8}),
    ("phi3", SIZES | {"pad_token_id": 0}), ("gpt2", OLD), ("gptj", OLD | {"rotary_dim": 4}),
    ("gpt_neox", SIZES), ("opt", {**SIZES, "ffn_dim": 48, "word_embed_proj_dim": 32}),
    ("phi", SIZES), ("bert", SIZES)])
def test_weights_are_those_of_transformers(kind, sizes, tmp_path):
    config = AutoConfig.for_model(kind, **sizes)
    config.save_pretrained(tmp_path)
    with torch.device("meta"):
        model = (AutoModel.from_config(config, add_pooling_layer=False) if kind == "bert"
                 else AutoModelForCausalLM.from_config(config))
    expected = sum(part.weight.numel() for part in model.modules()
                   if isinstance(part, (torch.nn.Linear, Conv1D)))
    found = layers(named(str(tmp_path)))
    assert sum(one.features * one.outputs * one.count for one in found) == expected


def test_phases():
    prompt, after = (phase_layers(named("qwen2.5-7b"), phase, tokens)
                     for phase, tokens in (("prefill", 300), ("decode", 4)))
    assert {layer.tokens for layer in after} == {4}
    assert {layer.name: layer.tokens for layer in prompt}.pop("vocabulary") == 1
    assert {layer.tokens for layer in prompt} == {1, 300}
    assert [layer.count for layer in prompt] == [28] * 7 + [1]


@pytest.mark.parametrize(("config", "message"), [
    ({"model_type": "llama"}, "model must have a hidden_size, not none"),
    ({"model_type": "llama", **SIZES, "hidden_size": 0},
     "hidden_size of the model must be an integer from 1 to 16777216, not 0"),
    ({"model_type": "llama", **SIZES, "vocab_size": "many"},
     "vocab_size of the model must be an integer from 1 to 16777216, not 'many'"),
    ({"model_type": "llama", **SIZES, "num_local_experts": 8},
     "model must have no experts, not num_local_experts 8"),
    ({"text_config": None}, "text_config must be an object, not None"),
    ({"model_type": ["llama"]}, r"model_type must be one of llama, .*, not \['llama'\]")])
def test_what_is_no_model_is_refused(config, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        layers(config)


@pytest.mark.parametrize("content", ["[1]", "{", None, 100_000 * "[", 5000 * "9"])
def test_what_is_no_configuration_is_refused(content, tmp_path):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=r"^model must be one of llama-2-7b, llama-3\.1-8b, "
                                         r"qwen2\.5-7b, gemma-3-4b, or a config\.json, not '"):
        named(str(path))


def test_an_unknown_kind_of_model_is_refused():
    with pytest.raises(ValueError, match=r"^model_type must be one of llama, .*, not 'mamba'$"):
        layers({"model_type": "mamba"})


def test_sizes_that_come_along_have_a_source():
    text = json.loads(Path(layers.__code__.co_filename).with_name("models.json").read_text())
    assert set(text) == set(MODELS)
    assert all(entry["source"] for entry in text.values())
