"""Experts that share a parameter: as many sparse layers as experts, each for its own tokens."""

import copy

import pytest
import torch
from torch.nn.functional import linear, silu

from sw.exact.selection import nm_mask
from sw.methods.experts import expert_modules, separated
from sw.methods.layers import find_layers
from sw.methods.method import Method
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from sw.methods.training import Training, calibrate
from tests.sw.methods.tiny import causal, ids, logits


MODELS = {
    "mixtral": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "qwen3_moe": {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
                  "head_dim": 16},
    "gpt_oss": {"num_local_experts": 4, "num_experts_per_tok": 2, "head_dim": 16},
    "granitemoe": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "phimoe": {"num_local_experts": 4, "num_experts_per_tok": 2},
    "llama4_text": {"num_local_experts": 4, "num_experts_per_tok": 1, "head_dim": 16,
                    "intermediate_size_mlp": 48, "moe_layers": [0, 1]},
    "jetmoe": {"num_local_experts": 4, "num_experts_per_tok": 2, "kv_channels": 16},
    "nemotron_h": {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32,
                   "moe_shared_expert_intermediate_size": 32, "hybrid_override_pattern": "E*",
                   "head_dim": 16, "n_groups": 1, "ssm_state_size": 16, "mamba_num_heads": 2,
                   "mamba_head_dim": 16},
}


@pytest.fixture
def mixtral():
    return causal("mixtral", **MODELS["mixtral"])


@pytest.mark.parametrize("kind", MODELS)
def test_experts_are_sparse_and_dense_again(kind):
    model = causal(kind, **MODELS[kind])
    dense, modules, state = logits(model), dict(model.named_modules()), model.state_dict()
    with separated(model):
        assert torch.allclose(logits(model), dense, atol=1e-5)
    assert dict(model.named_modules()) == modules
    with sparsify(model, "16:16"):
        assert torch.allclose(logits(model), dense, atol=1e-5)
    experts = [name for name in find_layers(model) if any(
        name.startswith(f"{held}.") for held in expert_modules(model))]
    with sparsify(model, "2:4", layers=experts) as sparse:
        assert set(sparse.layers) == set(experts)
        assert not torch.allclose(logits(model), dense, atol=1e-2)
        assert model.state_dict().keys() == state.keys()
        model.load_state_dict(state)
    assert dict(model.named_modules()) == modules
    assert torch.equal(logits(model), dense)


@torch.no_grad()
def test_a_tokens_values_go_through_the_selection_of_its_experts(mixtral):
    block = mixtral.model.layers[0].mlp
    x = torch.randn(7, 32, generator=torch.Generator().manual_seed(1))
    chosen = torch.tensor([[0, 1], [1, 2], [3, 0], [2, 3], [1, 0], [2, 0], [3, 1]])
    weights = torch.rand(7, 2, generator=torch.Generator().manual_seed(2))
    expected = torch.zeros(7, 32)
    for token in range(7):
        kept = x[token] * nm_mask(x[token][None], 2, 4)[0]
        for expert, weight in zip(chosen[token].tolist(), weights[token], strict=True):
            gate, up = linear(kept, block.experts.gate_up_proj[expert]).chunk(2)
            hidden = silu(gate) * up
            hidden = hidden * nm_mask(hidden[None], 2, 4)[0]
            expected[token] += weight * linear(hidden, block.experts.down_proj[expert])
    with sparsify(mixtral, "2:4"):
        assert torch.allclose(block.experts(x, chosen, weights), expected, atol=1e-5)


@pytest.mark.parametrize(("criterion", "corrections"), [
    ("wina", "d-pts+var"), ("amber", "ls+shift"), ("act", "s-pts+r-sparse"), ("clact", "smooth"),
    ("act", "larosa"), ("weight", "")])
def test_every_method_on_experts(criterion, corrections):
    model = causal("gpt_oss", **MODELS["gpt_oss"])
    found = observe(model, [{"input_ids": ids(40, seed)} for seed in range(4)], covariance=True)
    assert set(found) == set(find_layers(model))
    dense, names = logits(model), corrections.split("+") if corrections else ()
    for pattern, same in (("16:16", True), ("2:4", False)):
        with sparsify(model, pattern, criterion, names, statistics=found):
            assert torch.allclose(logits(model), dense, atol=1e-4) is same
    assert torch.equal(logits(model), dense)


def test_gradients_are_of_the_shared_parameter(mixtral):
    experts = mixtral.model.layers[1].mlp.experts
    expected = mixtral(input_ids=ids()).logits.square().sum()
    expected.backward()
    gradient, experts.down_proj.grad = experts.down_proj.grad, None
    with sparsify(mixtral, "16:16"):
        mixtral(input_ids=ids()).logits.square().sum().backward()
    assert torch.allclose(experts.down_proj.grad, gradient, rtol=1e-3, atol=1e-4)


@torch.no_grad()
def test_copies_types_and_loads_reach_the_shared_parameter(mixtral):
    state = {name: value * 0.5 for name, value in mixtral.state_dict().items()}
    with sparsify(mixtral, "2:4"):
        again = copy.deepcopy(mixtral)
        assert torch.equal(logits(again), logits(mixtral))
        again.load_state_dict(state)
        assert not torch.equal(logits(again), logits(mixtral))
        mixtral.load_state_dict(state, assign=True)
        assert torch.equal(logits(again), logits(mixtral))
        assert logits(mixtral.bfloat16()).dtype == torch.bfloat16
    assert mixtral.model.layers[0].mlp.experts.down_proj.dtype == torch.bfloat16
    expected = state["model.layers.0.mlp.experts.down_proj"].bfloat16()
    assert torch.equal(mixtral.model.layers[0].mlp.experts.down_proj, expected)


def test_two_sparse_parts_of_the_same_experts(mixtral):
    dense, modules = logits(mixtral), dict(mixtral.named_modules())
    first = sparsify(mixtral, "2:4", layers="*.down_proj")
    one = logits(mixtral)
    second = sparsify(mixtral, "4:8", layers="*.gate_up_proj")
    assert not torch.equal(logits(mixtral), one)
    second.remove()
    assert torch.equal(logits(mixtral), one)
    first.remove()
    first.remove()  # nothing is left to do
    assert dict(mixtral.named_modules()) == modules
    assert torch.equal(logits(mixtral), dense)


def test_learned_corrections_of_experts(mixtral):
    batches = [{"input_ids": ids(40, seed)[:1]} for seed in range(4)]
    modules = dict(mixtral.named_modules())
    state = calibrate(mixtral, batches, Method("2:4", corrections=("ls",)),
                      training=Training(rate=3e-3, epochs=2))
    assert dict(mixtral.named_modules()) == modules
    assert all(after < before for before, after in state["error"].values())
    assert state["coverage"]["layers"] == {"sparse": 24, "not called": 0, "dense": 1}
    with sparsify(mixtral, "2:4", corrections="ls", learned=state["learned"]) as sparse:
        assert logits(mixtral).isfinite().all()
        assert sparse.layers["model.layers.0.mlp.experts.3.down_proj"].learned["ls"].any()


def unreached(model):
    """Send all tokens to the same two experts of a block; return the layers of the others."""
    gate = model.model.layers[0].mlp.gate.weight
    torch.nn.init.zeros_(gate)
    reached = torch.zeros(4).topk(2).indices.tolist()
    return [f"model.layers.0.mlp.experts.{k}.{name}" for name in ("gate_up_proj", "down_proj")
            for k in range(4) if k not in reached]


def test_experts_that_no_token_went_to_are_reported(mixtral):
    expected = unreached(mixtral)
    with sparsify(mixtral, "2:4") as sparse:
        assert sparse.coverage.layers("not called") == []  # nothing has run
        logits(mixtral)
        assert sparse.coverage.layers("not called") == expected


def test_layers_without_statistics_stay_dense_and_are_named(mixtral):
    expected = unreached(mixtral)
    found = observe(mixtral, [{"input_ids": ids()}])
    with sparsify(mixtral, "2:4", corrections="s-pts", statistics=found) as sparse:
        unseen = [entry.name for entry in sparse.coverage.entries
                  if entry.why == "never called while observed"]
        assert unseen == expected
        assert not set(unseen) & set(sparse.layers)
    with pytest.raises(ValueError, match=r"^statistics must be of layers that become sparse"):
        sparsify(mixtral, "2:4", corrections="s-pts", statistics={"other": {}})
