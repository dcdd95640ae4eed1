"""Which layers become sparse: heads, routers, towers, patterns that must match, and coverage."""

import json

import pytest
import torch
import transformers
from torch import nn

from sw.methods.coverage import Coverage
from sw.methods.layers import find_layers
from sw.methods.sparsify import sparsify
from tests.sw.methods.tiny import BASE, causal, fill, logits


TEXT = {key: value for key, value in BASE.items() if not key.endswith("token_id")}
VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 1,
          "num_attention_heads": 2, "image_size": 16, "patch_size": 8}


def whisper():
    return transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(
        vocab_size=64, d_model=32, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
        decoder_attention_heads=2, encoder_ffn_dim=48, decoder_ffn_dim=48, pad_token_id=0,
        bos_token_id=1, eos_token_id=2, decoder_start_token_id=1))


def moonshine():
    return transformers.MoonshineForConditionalGeneration(transformers.MoonshineConfig(
        vocab_size=64, hidden_size=32, intermediate_size=48, encoder_num_hidden_layers=1,
        decoder_num_hidden_layers=1, encoder_num_attention_heads=2,
        decoder_num_attention_heads=2))


def llava():
    return transformers.LlavaForConditionalGeneration(transformers.LlavaConfig(
        vision_config=transformers.CLIPVisionConfig(**VISION), image_token_index=63,
        text_config=transformers.LlamaConfig(**TEXT)))


def bert(kind):
    values = {key: value for key, value in TEXT.items() if key != "num_key_value_heads"}
    return getattr(transformers, kind)(transformers.BertConfig(**values))


@pytest.mark.parametrize(("build", "heads"), [
    (whisper, ["proj_out"]), (moonshine, ["proj_out"]),
    (lambda: bert("BertForQuestionAnswering"), ["qa_outputs"]),
    (lambda: bert("BertForMaskedLM"), ["cls.predictions.transform.dense",
                                       "cls.predictions.decoder"]),
    (lambda: bert("BertForTokenClassification"), ["classifier"])])
def test_heads_are_those_of_the_model(build, heads):
    model = fill(build())
    with sparsify(model, "2:4") as sparse:
        dense = [entry for entry in sparse.coverage.entries
                 if entry.linear and entry.state == "dense"]
        assert {entry.why for entry in dense} == {"head"}
        assert [entry.name for entry in dense] == heads
    with pytest.raises(ValueError, match=rf"^layers must match a layer that can be sparse .*, not "
                                         rf"'\*{heads[0]}' \({heads[0]}: head\)$"):
        sparsify(model, "2:4", layers=f"*{heads[0]}")


def test_a_head_that_only_the_model_itself_names_stays_dense():
    class Inner(nn.Module):
        def __init__(self):
            super().__init__()
            self.up, self.last = nn.Linear(8, 8), nn.Linear(8, 4)

        def get_output_embeddings(self):
            return self.last

    model = nn.Sequential(Inner())
    assert set(find_layers(model)) == {"0.up"}
    with pytest.raises(ValueError, match=r"0\.last: head"):
        find_layers(model, ["*.last"])


def test_a_vision_tower_is_sparse_only_where_asked_for():
    model = fill(llava())
    with sparsify(model, "2:4") as sparse:
        assert all(".language_model." in name for name in sparse.layers)
        assert "not of the language model: 1 x model.vision_tower." in sparse.coverage.summary()
    with sparsify(model, "2:4", layers="*.vision_tower.*") as sparse:
        assert {name.split(".")[1] for name in sparse.layers} == {"vision_tower"}
    assert len(find_layers(fill(transformers.ViTModel(transformers.ViTConfig(**VISION))))) == 6


def test_the_speech_encoder_of_a_model_of_text_is_no_language_layer():
    model = fill(transformers.SeamlessM4TModel(transformers.SeamlessM4TConfig(
        vocab_size=64, t2u_vocab_size=64, hidden_size=32, encoder_layers=1, decoder_layers=1,
        encoder_ffn_dim=48, decoder_ffn_dim=48, encoder_attention_heads=2,
        decoder_attention_heads=2, speech_encoder_layers=1, speech_encoder_intermediate_size=48,
        speech_encoder_attention_heads=2, t2u_encoder_layers=1, t2u_decoder_layers=1,
        t2u_encoder_ffn_dim=48, t2u_decoder_ffn_dim=48, t2u_encoder_attention_heads=2,
        t2u_decoder_attention_heads=2, unit_hifi_gan_vocab_size=64, unit_embed_dim=16,
        lang_embed_dim=8, spkr_embed_dim=8, upsample_initial_channel=64)))
    with sparsify(model, "2:4") as sparse:
        assert not [name for name in sparse.layers if name.startswith("speech_encoder.")]
        assert [name for name in sparse.layers if name.startswith("text_decoder.")]
        assert "not of the language model" in sparse.coverage.summary()


def test_routers_stay_dense_whatever_their_class():
    model = causal("qwen2_moe", num_experts=4, num_experts_per_tok=2, moe_intermediate_size=16,
                   shared_expert_intermediate_size=16)
    assert not [name for name in find_layers(model) if "gate" in name.split(".")[-1]
                and not name.endswith(("gate_proj", "gate_up_proj"))]
    phimoe = causal("phimoe", num_local_experts=4, num_experts_per_tok=2)  # returns a tuple
    with sparsify(phimoe, "2:4") as sparse:
        assert logits(phimoe).isfinite().all()
        assert "router: 2 x model.layers.*.mlp.router" in sparse.coverage.summary()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"layers": ["*.q_proj", "*.mpl.*"]},
     ("layers must match a linear layer of the model (there are down_proj, gate_proj, k_proj, "
      "o_proj, q_proj, up_proj, v_proj), not '*.mpl.*'")),
    ({"layers": []}, "layers must have at least one pattern, or be None for all, not []"),
    ({"ignore": ["*.dwn_proj"]},
     ("ignore must match a linear layer of the model (there are down_proj, gate_proj, k_proj, "
      "o_proj, q_proj, up_proj, v_proj), not '*.dwn_proj'")),
    ({"layers": "*.q_proj", "ignore": "*.layers.*"},
     ("layers must match a linear layer of the model (there are down_proj, gate_proj, k_proj, "
      "o_proj, q_proj, up_proj, v_proj), not '*.q_proj' less ['*.layers.*']")),
    ({"pattern": {"*.dwn_proj": "16:32", "*": "8:16"}},
     "pattern must have names that match a layer which becomes sparse, not '*.dwn_proj'"),
    ({"pattern": {"*": "8:16", "*.down_proj": "16:32"}},
     ("pattern must have names that match a layer which becomes sparse, the more special ones "
      "first, not '*.down_proj'")),
    ({"pattern": {"*.down_proj": "16:3"}}, "n must be an integer from 1 to 3, not 16"),
    ({"pattern": {}}, ("pattern must be written N:M, as in 8:16, or unstructured-P with P from 0 "
                       "to 99, not ''")),
    ({"pattern": 8}, ("pattern must be written N:M, as in 8:16, or unstructured-P with P from 0 "
                      "to 99, not 8")),
])
def test_every_pattern_must_match(arguments, message):
    model = causal("llama")
    modules, dense = dict(model.named_modules()), logits(model)
    with pytest.raises(ValueError, match="must") as caught:
        sparsify(model, **arguments)
    assert str(caught.value) == message
    assert dict(model.named_modules()) == modules
    assert torch.equal(logits(model), dense)


def test_a_pattern_for_each_layer():
    model = causal("llama")
    patterns = {"*.down_proj": "2:4", "*.mlp.*": "16:16"}
    with sparsify(model, patterns, ignore="*.0.mlp.up*") as sparse:
        mixed = logits(model)
        assert {name.rpartition(".")[2]: layer.method.pattern
                for name, layer in sparse.layers.items()} == {
            "gate_proj": "16:16", "up_proj": "16:16", "down_proj": "2:4"}
        why = {entry.name: entry.why for entry in sparse.coverage.entries}
        assert why["model.layers.0.mlp.up_proj"] == "ignored"
        assert why["model.layers.0.mlp.down_proj"] == "2:4"
        assert why["model.layers.0.self_attn.q_proj"] == "no pattern"
    with sparsify(model, "2:4", layers="*.down_proj"):
        assert torch.allclose(logits(model), mixed, atol=1e-5)


def test_coverage_counts_layers_and_parameters():
    model = causal("mixtral", num_local_experts=4, num_experts_per_tok=2)
    total = sum(parameter.numel() for parameter in model.parameters())
    with sparsify(model, "2:4", layers="*.self_attn.*") as sparse:
        coverage = sparse.coverage
    assert coverage.parameters() == total
    assert coverage.parameters("sparse") == 2 * 4 * 32 * 32
    assert len(coverage.layers("sparse")) == 8
    assert coverage.share == pytest.approx(2 * 4 * 32 * 32 / total)
    plain = json.loads(json.dumps(coverage.as_dict()))
    assert plain["layers"] == {"sparse": 8, "not called": 0, "dense": 17}
    assert sum(group["parameters"] for group in plain["groups"]) == total
    assert {"name": "model.layers.*.mlp.experts.*.down_proj", "kind": "ExpertLinear", "modules": 8,
            "parameters": 8 * 32 * 48, "linear": True, "state": "dense", "why": "not in layers",
            } in plain["groups"]
    assert str(coverage).splitlines()[0] == coverage.summary()
    assert coverage.summary().startswith("sparse: 8 of 25 linear layers, ")
    assert Coverage(()).share == 0


def test_tied_parameters_count_once():
    model = causal("llama", tie_word_embeddings=True)
    with sparsify(model, "2:4") as sparse:
        assert sparse.coverage.parameters() == sum(p.numel() for p in model.parameters())


def test_a_layer_whose_weights_are_read_directly_is_reported():
    model = causal("mamba", state_size=8)
    with sparsify(model, "2:4") as sparse:
        assert "backbone.layers.0.mixer.dt_proj" in sparse.coverage.layers("sparse")
        logits(model)
        assert sparse.coverage.layers("not called") == [
            f"backbone.layers.{k}.mixer.dt_proj" for k in (0, 1)]
        assert "not called: 2 x backbone.layers.*.mixer.dt_proj" in sparse.coverage.summary()
    assert sparse.coverage.layers("not called")  # known after the run, too


@pytest.mark.usefixtures("nothing_compiled")
def test_calls_are_seen_in_compiled_models():
    model, x = nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16)), torch.ones(2, 16)
    with sparsify(model, "2:4") as sparse:
        compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
        compiled(x)
        assert sparse.coverage.layers("not called") == []


def test_a_second_pattern_elsewhere_in_the_model():
    model = causal("llama")
    dense = logits(model)
    with sparsify(model, "2:4", layers="*.mlp.*"), sparsify(model, "4:8") as sparse:
        assert set(sparse.layers) == {name for name in find_layers(causal("llama"))
                                      if ".self_attn." in name}
        assert "2:4, made sparse before" in {entry.why for entry in sparse.coverage.entries}
    assert torch.equal(logits(model), dense)
