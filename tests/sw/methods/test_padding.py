"""Padding counts for nothing: statistics are those of the real tokens."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import pytest
import torch
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSeq2SeqLM

from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from sw.methods.tokens import real_tokens, token_mask
from sw.methods.training import Training, calibrate
from tests.sw.methods.tiny import causal, fill


LENGTHS = (12, 5)
DYNAMIC = [("clact", ()), ("act", ("smooth",)), ("clact", ("smooth", "d-pts"))]


def sequences(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(3, 64, (1, length), generator=generator) for length in LENGTHS]


def padded(left=False, seed=0):
    """The sequences in one batch; the padding is a token like any other."""
    size = max(LENGTHS)
    batch = {"input_ids": torch.full((len(LENGTHS), size), 2),
             "attention_mask": torch.zeros((len(LENGTHS), size), dtype=torch.long)}
    for row, ids in enumerate(sequences(seed)):
        place = slice(size - ids.shape[1], None) if left else slice(ids.shape[1])
        batch["input_ids"][row, place] = ids
        batch["attention_mask"][row, place] = 1
    return batch


def encoder():
    return fill(AutoModel.from_config(AutoConfig.for_model(
        "bert", vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=48, max_position_embeddings=32)))


def mixture():
    return causal("mixtral", num_local_experts=4, num_experts_per_tok=2)


MODELS = {"llama": lambda: causal("llama"), "bert": encoder, "mixtral": mixture}


def joined(found):
    """Statistics of one call, from those of a call for each sequence."""
    names = set().union(*found)
    parts = {name: [each[name] for each in found if name in each] for name in names}
    return {name: {"norm": torch.stack([part["norm"] for part in held]).norm(dim=0),
                   "largest": torch.stack([part["largest"] for part in held]).amax(0)}
            for name, held in parts.items()}


@pytest.mark.parametrize("kind", MODELS)
def test_observed_statistics_are_those_of_sequences_alone(kind):
    model = MODELS[kind]()
    expected = joined([observe(model, [{"input_ids": ids}]) for ids in sequences()])
    found = observe(model, [padded()], covariance=True)
    assert found.keys() == expected.keys()
    for name, held in expected.items():
        for key, value in held.items():
            assert torch.allclose(found[name][key], value, rtol=1e-3, atol=1e-4), (name, key)
    both = observe(model, [padded()], masks=[torch.ones(2, 12)])  # in place of that
    assert any(not torch.allclose(both[name]["norm"], held["norm"], rtol=1e-2)
               for name, held in expected.items())


@pytest.mark.parametrize(("criterion", "corrections"), DYNAMIC, ids=str)
@pytest.mark.parametrize("kind", MODELS)
@torch.no_grad()
def test_dynamic_statistics_do_not_depend_on_padding(kind, criterion, corrections):
    model = MODELS[kind]()
    real = padded()["attention_mask"].bool()
    outputs = []
    with sparsify(model, "2:4", criterion, corrections):
        for token in (2, 60):
            batch = padded()
            batch["input_ids"][~real] = token
            outputs.append(model(**batch)[0][real])
    assert torch.allclose(*outputs, atol=1e-4)


@torch.no_grad()
def test_a_longer_batch_is_the_same_with_more_padding():
    model, batch = causal("llama"), padded()
    longer = {name: torch.cat([value, torch.zeros(2, 3, dtype=value.dtype)], 1)
              for name, value in batch.items()}
    with sparsify(model, "2:4", "clact") as sparse:
        assert torch.allclose(model(**longer).logits[:, :12], model(**batch).logits, atol=1e-4)
        assert sparse.layers
    assert not model._forward_pre_hooks


@torch.no_grad()
def test_each_token_of_a_generation_is_a_call_of_its_own():
    model, batch = causal("llama"), padded(left=True)
    with sparsify(model, "2:4", "clact"):
        first = model(**batch, use_cache=True)
        mask = torch.cat([batch["attention_mask"], torch.ones(2, 1, dtype=torch.long)], 1)
        step = {"input_ids": torch.full((2, 1), 7), "attention_mask": mask,
                "position_ids": mask.sum(1, keepdim=True) - 1,
                "cache": first.past_key_values}
        assert model(**step).logits.shape == (2, 1, 64)  # all of its tokens are real


def seq2seq():
    return fill(AutoModelForSeq2SeqLM.from_config(AutoConfig.for_model(
        "t5", vocab_size=64, d_model=32, d_kv=16, d_ff=48, num_layers=2, num_heads=2,
        decoder_start_token_id=0)))


@torch.no_grad()
def test_encoder_and_decoder_have_their_own_masks():
    model, batch = seq2seq(), padded()
    batch["decoder_input_ids"] = torch.randint(64, (2, 12))  # as long as the inputs
    expected = observe(model, [{**batch, "decoder_input_ids": batch["decoder_input_ids"][row:row+1],
                                "input_ids": ids, "attention_mask": torch.ones_like(ids)}
                               for row, ids in enumerate(sequences())])
    found = observe(model, [batch])
    assert any("EncDecAttention.k" in name for name in found)
    for name, held in expected.items():
        assert torch.allclose(found[name]["norm"], held["norm"], rtol=1e-3), name
        assert torch.equal(found[name]["largest"] > 0, held["largest"] > 0), name


@torch.no_grad()
def test_an_explicit_mask_for_a_model_that_takes_none():
    torch.manual_seed(0)
    model, x = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 4)), torch.randn(2, 3, 8)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    expected = observe(model, [{"input": x[mask.bool()]}])
    found = observe(model, [{"input": x}], masks=[mask])
    for name, held in expected.items():
        assert torch.allclose(found[name]["norm"], held["norm"])
    with sparsify(model, "2:4", "clact"):
        alone = model(x[mask.bool()])
        with token_mask(mask):
            assert torch.allclose(model(x)[mask.bool()], alone)
        assert not torch.allclose(model(x)[mask.bool()], alone)


def test_tokens_that_a_mask_does_not_describe_are_refused_by_name():
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.patches, self.head = nn.Linear(8, 8), nn.Linear(8, 4)

        def forward(self, x, attention_mask=None):
            return self.head(self.patches(x[:, 1:]))

    model, x = Flat(), torch.randn(2, 3, 8)
    mask = torch.tensor([[1, 1, 0], [1, 0, 0]])
    message = (r"^tokens of patches must be those of the attention mask, \(2, 3\), to leave "
               r"padding out, not \(2, 2\): call without padding, or leave this layer out$")
    with pytest.raises(ValueError, match=message):
        observe(model, [{"x": x, "attention_mask": mask}])
    with sparsify(model, "2:4", "clact"), pytest.raises(ValueError, match=message):
        model(x, attention_mask=mask)
    assert set(observe(model, [{"x": x, "attention_mask": mask.clamp_min(1)}])) == set(
        find_layers(model))


@pytest.mark.usefixtures("nothing_compiled")
@torch.no_grad()
def test_a_compiled_model_leaves_padding_out():
    model, batch = causal("llama"), padded()
    del model.model.layers[1]
    with sparsify(model, "2:4", "clact"):
        expected = model(**batch, use_cache=False).logits
        compiled = torch.compile(model, backend="eager", fullgraph=True)
        assert torch.allclose(compiled(**batch, use_cache=False).logits, expected, atol=1e-4)


def test_training_does_not_see_padding():
    results = []
    for token in (2, 60):
        batch = padded()
        batch["input_ids"][batch["attention_mask"] == 0] = token
        results.append(calibrate(causal("llama"), [batch] * 3, Method("2:4", "clact", ("ls",)),
                                 training=Training(rate=1e-2)))
    for name, (before, after) in results[0]["error"].items():
        assert results[1]["error"][name] == pytest.approx([before, after], rel=1e-3)
        assert after < before


def gradients(model, batch, mask=None):
    """Those of the real tokens' outputs."""
    model.zero_grad()
    output = model(**batch).logits[batch["attention_mask"] != 0].square().mean()
    with nullcontext() if mask is None else token_mask(mask):
        output.backward()
    return [value.grad.clone() for value in model.parameters() if value.grad is not None]


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.parametrize(("kind", "values"), [
    ("llama", {}), ("mixtral", {"num_local_experts": 4, "num_experts_per_tok": 2})])
def test_a_checkpoint_of_gradients_knows_padding_or_is_refused_by_name(kind, values, reentrant):
    """Layers compute again once the model, and what it knows of padding, is gone."""
    model, batch = causal(kind, **values).train(), padded()
    found = observe(model, [batch])
    for statistics, mask, criterion in ((None, batch["attention_mask"], "clact"),
                                        (found, None, "clact"), (None, None, "act")):
        with sparsify(model, "2:4", criterion, statistics=statistics):
            model.activation_checkpointing_disable()
            expected = gradients(model, batch)
            model.activation_checkpointing_enable({"use_reentrant": reentrant})
            model.enable_input_require_grads()
            again = gradients(model, batch, mask)
            assert len(again) == len(expected)
            assert all(map(torch.equal, again, expected))
            if mask is not None:
                with pytest.raises(ValueError, match=r"^model\.layers\.1\.\S+ must know which "
                                                     r"tokens are padding, not compute again "):
                    gradients(model, batch)


@pytest.mark.long
@pytest.mark.parametrize("cache", [{"use_cache": False}, {}, {"cache_implementation": "static"}])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "mixtral"])
def test_sentences_go_on_in_a_batch_as_alone(kind, cache):
    """With padding on the left, and with every cache, where the dense model does so too."""
    from tests.sw.methods.zoo import build

    def more(ids, mask):
        return model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=5,
                              do_sample=False, pad_token_id=0, **cache)[:, ids.shape[1]:]

    model, batch = build(kind)[0], padded(left=True)
    for corrections in ((), ("d-pts", "var")):
        with sparsify(model, "4:8", corrections=list(corrections)):
            together = more(batch["input_ids"], batch["attention_mask"])
            alone = [more(ids, torch.ones_like(ids)) for ids in sequences()]
        assert torch.equal(together, torch.cat(alone))


def test_threads_have_masks_of_their_own():
    x = torch.zeros(1, 4, 8)

    def other():
        assert real_tokens(x, "layer") is None
        with token_mask(torch.tensor([[0, 0, 1, 1]])):
            return real_tokens(x, "layer").tolist()

    with ThreadPoolExecutor(1) as pool, token_mask(torch.tensor([[1, 1, 1, 0]])):
        assert pool.submit(other).result() == [False, False, True, True]
        assert real_tokens(x, "layer").tolist() == [True, True, True, False]


def test_gradients_in_another_thread_know_an_explicit_mask():
    """As a device has a thread of its own for them; two masks at once are refused by name."""
    found = []

    class Again(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, given):
            found.append(real_tokens(torch.zeros(1, 2, 8), "layer", padded=True).tolist())
            return given

    def backward():
        Again.apply(torch.ones(1, requires_grad=True)).sum().backward()

    with ThreadPoolExecutor(1) as pool, token_mask(torch.tensor([[1, 0]])):
        pool.submit(backward).result()
        assert found == [[True, False]]
        with token_mask(torch.tensor([[0, 1]])), pytest.raises(ValueError, match="layer must know"):
            pool.submit(backward).result()
