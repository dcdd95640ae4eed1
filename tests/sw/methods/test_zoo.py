"""Every architecture is sparse where its coverage says so, and dense again bit for bit."""

import pytest
import torch
from torch.nn.functional import linear

from sw.methods.experts import expert_modules
from sw.methods.observe import observe
from sw.methods.sparsify import sparsify
from tests.sw.methods.zoo import CAUSAL, ENCODERS, KINDS, OTHERS, SEQ2SEQ, build


LAYERS = {
    "llama": (14, 15), "mistral": (14, 15), "qwen2": (14, 15), "qwen3": (14, 15),
    "gemma3_text": (14, 15), "phi3": (8, 9), "olmo2": (14, 15), "cohere": (14, 15),
    "glm4": (12, 13), "opt": (12, 13), "gpt_neox": (8, 9), "falcon": (8, 9), "bloom": (8, 9),
    "gpt2": (8, 9), "mixtral": (24, 25), "qwen3_moe": (24, 25), "gpt_oss": (24, 25),
    "granitemoe": (24, 25), "olmoe": (24, 25), "deepseek_v3": (24, 25), "jetmoe": (34, 39),
    "dbrx": (4, 7), "mamba": (6, 9),
    "mamba2": (4, 5), "jamba": (18, 20), "bert": (12, 13), "roberta": (12, 13),
    "modernbert": (8, 8), "electra": (13, 13), "deberta-v2": (16, 16), "distilbert": (12, 12),
    "albert": (7, 8), "xlnet": (4, 4), "t5": (32, 33), "bart": (16, 17), "vit": (6, 7),
    "dinov2": (6, 6), "whisper": (16, 16), "clip": (12, 20), "llava": (14, 22),
    "qwen2_vl": (14, 20),
}
"""Linear layers that are sparse and called, and all there are."""

NOT_CALLED = {"mamba": {"backbone.layers.0.mixer.dt_proj", "backbone.layers.1.mixer.dt_proj"},
              "jamba": {"model.layers.0.mamba.dt_proj"}}
"""Layers whose weights the model reads by itself."""


@torch.no_grad()
def run(model, batch):
    return model(**batch)[0]


def differs(found, name, module, args, output):
    """Note whether a sparse layer gave something else than the dense one would."""
    dense = linear(args[0], module.matrix, module.bias)
    found[name] = found.get(name, False) or not torch.allclose(output, dense, atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_architecture_is_sparse_as_its_coverage_says(kind):
    model, batch = build(kind)
    dense, modules = run(model, batch), dict(model.named_modules())
    state = {name: value.clone() for name, value in model.state_dict().items()}
    with sparsify(model, "16:16"):
        nothing_dropped = run(model, batch)
    # Experts that share a parameter are summed in another order.
    if expert_modules(model):
        assert torch.allclose(nothing_dropped, dense, atol=1e-5)
    else:
        assert torch.equal(nothing_dropped, dense)

    changed = {}
    with sparsify(model, "1:16") as sparse:
        handles = [layer.register_forward_hook(
            lambda module, args, output, name=name: differs(changed, name, module, args, output))
            for name, layer in sparse.layers.items()]
        output = run(model, batch)
        for handle in handles:
            handle.remove()
    assert output.isfinite().all()
    assert not torch.allclose(output, dense, atol=1e-2)
    coverage = sparse.coverage
    assert set(coverage.layers("sparse")) == set(changed)
    assert all(changed.values()), "sparse in name alone"
    assert set(coverage.layers("not called")) == NOT_CALLED.get(kind, set())
    assert (len(changed), len(coverage.layers())) == LAYERS[kind]
    assert all(entry.why for entry in coverage.entries if entry.linear)
    assert coverage.parameters() == sum(value.numel() for value in model.parameters())

    assert dict(model.named_modules()) == modules
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(run(model, batch), dense)


@pytest.mark.long
@pytest.mark.parametrize("integer", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_every_architecture_with_statistics(kind, integer):
    model, batch = build(kind)
    dense = run(model, batch)
    statistics = observe(model, [batch], covariance=True)
    for criterion, corrections in (("clact", ["s-pts", "var"]), ("wina", ["d-pts", "smooth"]),
                                   ("amber", ["larosa", "ls"]), ("act", ["r-sparse"])):
        with sparsify(model, "8:16", criterion, corrections, statistics=statistics,
                      integer=integer) as sparse:
            assert run(model, batch).isfinite().all()
        assert not sparse.coverage.layers("not called") or kind in NOT_CALLED
    assert torch.equal(run(model, batch), dense)


def test_thirty_architectures_of_every_kind():
    assert len(KINDS) >= 30
    assert min(map(len, (CAUSAL, ENCODERS, SEQ2SEQ, OTHERS))) >= 2
