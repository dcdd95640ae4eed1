"""The models of the paper: their published configurations, at reduced width."""

import copy
import itertools

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from sw.evaluation.subjects import Subject
from sw.methods.corrections import CORRECTIONS
from sw.methods.criteria import CRITERIA
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from sw.methods.training import Training, calibrate


LLAMA_3_1_8B = {
    "model_type": "llama", "vocab_size": 128256, "hidden_size": 4096, "intermediate_size": 14336,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 8,
    "hidden_act": "silu", "max_position_embeddings": 131072, "rms_norm_eps": 1e-5,
    "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": False,
    "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009],
    "rope_parameters": {"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0,
                        "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                        "original_max_position_embeddings": 8192},
}
LLAMA_2_7B = {
    "model_type": "llama", "vocab_size": 32000, "hidden_size": 4096, "intermediate_size": 11008,
    "num_hidden_layers": 32, "num_attention_heads": 32, "num_key_value_heads": 32,
    "hidden_act": "silu", "max_position_embeddings": 4096, "rms_norm_eps": 1e-5,
    "attention_bias": False, "tie_word_embeddings": False, "bos_token_id": 1, "eos_token_id": 2,
}
QWEN_2_5_7B = {
    "model_type": "qwen2", "vocab_size": 152064, "hidden_size": 3584, "intermediate_size": 18944,
    "num_hidden_layers": 28, "num_attention_heads": 28, "num_key_value_heads": 4,
    "hidden_act": "silu", "max_position_embeddings": 32768, "rms_norm_eps": 1e-6,
    "tie_word_embeddings": False, "use_sliding_window": False,
    "bos_token_id": 151643, "eos_token_id": 151645,
    "rope_parameters": {"rope_type": "default", "rope_theta": 1000000.0},
}
GEMMA_3_4B = {
    "model_type": "gemma3_text", "vocab_size": 262208, "hidden_size": 2560,
    "intermediate_size": 10240, "num_hidden_layers": 34, "num_attention_heads": 8,
    "num_key_value_heads": 4, "head_dim": 256, "query_pre_attn_scalar": 256,
    "hidden_activation": "gelu_pytorch_tanh", "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-6, "sliding_window": 1024, "tie_word_embeddings": True,
    "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
}
MODELS = {"Llama-3.1-8B": LLAMA_3_1_8B, "Llama-2-7B": LLAMA_2_7B, "Qwen2.5-7B": QWEN_2_5_7B,
          "Gemma-3-4B": GEMMA_3_4B}

PROJECTIONS = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}


def reduced(published):
    """A model of the published kind, 1/64 as wide (heads 1/16), of two layers."""
    heads = {"num_attention_heads": max(2, published["num_attention_heads"] // 8)}
    heads["num_key_value_heads"] = max(
        1, heads["num_attention_heads"] * published["num_key_value_heads"]
        // published["num_attention_heads"])
    head_dim = 16
    values = {**published, **heads, "vocab_size": 128, "num_hidden_layers": 2,
              "hidden_size": heads["num_attention_heads"] * head_dim, "head_dim": head_dim,
              "intermediate_size": published["intermediate_size"] // 128,
              "bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    torch.manual_seed(0)
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    return AutoModelForCausalLM.from_config(config).eval()


def windows(count=1):
    generator = torch.Generator().manual_seed(0)
    return [{"input_ids": torch.randint(128, (1, 24), generator=generator)} for _ in range(count)]


@pytest.fixture(params=MODELS)
def model(request):
    return reduced(MODELS[request.param])


METHODS = [*((criterion, ()) for criterion in (*CRITERIA, "weight")),
           *(("act", (correction,)) for correction in CORRECTIONS),
           ("clact", ("d-pts", "var")), ("amber", ("var", "ls", "shift")),
           ("wina", ("smooth", "larosa", "l-pts", "r-sparse"))]


@torch.no_grad()
def test_every_method_runs_and_leaves_no_trace(model):
    batch, = batches = windows()
    modules, state = dict(model.named_modules()), model.state_dict()
    dense = model(**batch).logits
    statistics = observe(model, batches, covariance=True)
    for (criterion, corrections), integer in itertools.product(METHODS, (False, True)):
        if integer and criterion == "weight":
            continue
        with sparsify(model, "8:16", criterion, corrections, statistics=statistics,
                      integer=integer) as sparse:
            kinds = {name.rpartition(".")[2] for name in sparse.layers}
            assert (len(sparse.layers), kinds) == (2 * 7, PROJECTIONS)
            assert model.state_dict().keys() == state.keys()
            model.load_state_dict(state)
            logits = model(**batch).logits
            assert logits.isfinite().all()
            assert not torch.equal(logits, dense)
    assert dict(model.named_modules()) == modules
    assert torch.equal(model(**batch).logits, dense)


def test_a_checkpoint_of_the_sparse_model_is_that_of_the_dense_one(model, tmp_path):
    with sparsify(model, "2:4", corrections=["ls", "r-sparse"]):
        model.save_pretrained(tmp_path)
    with torch.no_grad():
        again = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
        assert torch.equal(again(**windows()[0]).logits, model(**windows()[0]).logits)


def test_qwen_keeps_its_biases():
    model = reduced(QWEN_2_5_7B)
    with torch.no_grad(), sparsify(model, "8:16", layers=["*.q_proj"]) as sparse:
        layer = sparse.layers["model.layers.0.self_attn.q_proj"]
        layer.bias.fill_(3.0)
        assert torch.equal(layer(torch.zeros(2, layer.in_features)),
                           torch.full((2, layer.out_features), 3.0))


@torch.no_grad()
def test_gpt_2_with_its_own_kind_of_linear_layer():
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(
        "gpt2", vocab_size=128, n_embd=32, n_layer=2, n_head=2, n_positions=32,
        initializer_range=0.3, bos_token_id=None, eos_token_id=None)).eval()
    batches = windows()
    dense, state = model(**batches[0]).logits, model.state_dict()
    usual = copy.deepcopy(model)
    for name, layer in find_layers(model).items():
        linear = nn.Linear(*layer.weight.shape)
        linear.weight.copy_(layer.weight.t())
        linear.bias.copy_(layer.bias)
        usual.set_submodule(name, linear)
    outputs = []
    for each in (model, usual):
        statistics = observe(each, batches, covariance=True)
        outputs.append([])
        for (criterion, corrections), pattern in itertools.product(
                METHODS, ("8:16", "unstructured-50")):
            with sparsify(each, pattern, criterion, corrections, statistics=statistics) as sparse:
                assert len(sparse.layers) == 2 * 4
                outputs[-1].append(each(**batches[0]).logits)
                if each is model:
                    assert model.state_dict().keys() == state.keys()
                    model.load_state_dict(state)
    for ours, expected in zip(*outputs, strict=True):
        assert torch.allclose(ours, expected, rtol=1e-3, atol=1e-3)
    assert torch.equal(model(**batches[0]).logits, dense)
    calibrated = calibrate(model, windows(2), Method("2:4", corrections=("ls", "shift")))
    assert list(calibrated["error"]) == ["transformer.h.0", "transformer.h.1"]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@torch.no_grad()
def test_every_type(model, dtype):
    model.to(dtype)
    dense = model(**windows()[0]).logits
    assert dense.dtype == dtype
    with sparsify(model, "16:16"):
        assert torch.equal(model(**windows()[0]).logits, dense)
    with sparsify(model, "8:16", "wina", ["d-pts", "var", "ls"]):
        logits = model(**windows()[0]).logits
    assert logits.dtype == dtype
    assert logits.isfinite().all()


def test_learned_corrections_train_on_it(model):
    state = calibrate(model, windows(8), Method("8:16", corrections=("l-pts", "ls", "shift")),
                      training=Training())
    assert list(state["error"]) == ["model.layers.0", "model.layers.1"]
    assert all(after < before for before, after in state["error"].values())


@torch.no_grad()
def test_perplexity_comes_back(model):
    subject = Subject(model, windows(2), [], "perplexity")
    dense = subject.losses()
    with sparsify(model, "2:4", "clact", ["d-pts", "var"]):
        assert subject.losses() != dense
    assert subject.losses() == dense


@pytest.mark.usefixtures("nothing_compiled")
@torch.no_grad()
def test_whole_model_compiles_in_one_graph():
    model, batch = reduced(LLAMA_3_1_8B), windows()[0]
    del model.model.layers[1]
    with sparsify(model, "8:16", "wina", ("d-pts", "var", "ls", "r-sparse")):
        expected = model(**batch, use_cache=False).logits
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(**batch, use_cache=False).logits, expected, atol=1e-5)


@pytest.mark.long
@pytest.mark.usefixtures("nothing_compiled")
@pytest.mark.parametrize("criterion", ["clact", "wina"])
@torch.no_grad()
def test_a_compiled_model_goes_on_from_its_cache(criterion):
    """Graphs are made for a prompt and for a token, and give what the model gives without them."""
    model, ids = reduced(LLAMA_3_1_8B), windows()[0]["input_ids"]
    del model.model.layers[1]
    with sparsify(model, "8:16", criterion, ("d-pts", "var")):
        logits = []
        for run in (model, torch.compile(model, backend="eager")):
            cache, logits = None, [*logits, []]
            for part in (ids[:, :-3], ids[:, -3:-2], ids[:, -2:-1], ids[:, -1:]):
                outputs = run(input_ids=part, cache=cache, use_cache=True)
                cache = outputs.past_key_values
                logits[-1].append(outputs.logits)
    for eager, compiled in zip(*logits, strict=True):
        assert torch.allclose(compiled, eager, atol=1e-5)
