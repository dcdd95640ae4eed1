"""Which layers of a model run on an accelerator: those of ``find_layers``, or none."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from sw.driver.layer import SparseLinear, on_accelerator
from sw.methods.sparsify import sparsify
from tests.sw.driver.test_driver import reference


class Twice(nn.Module):
    """One layer under two names, and another one."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.first = self.second = nn.Linear(32, 32)
        self.up = nn.Linear(32, 48)

    def forward(self, x):
        return self.up(self.second(self.first(x)))


def test_a_layer_of_two_names_runs_under_both():
    model, device, x = Twice().eval(), reference("8:16"), torch.randn(3, 32)
    one, up = (SparseLinear.from_linear(layer, device) for layer in (model.first, model.up))
    own = model.first
    with on_accelerator(model, device, ["first", "second", "up"]) as made:
        assert list(made) == ["first", "second", "up"]
        assert torch.equal(model(x), up(one(one(x))))
    assert model.first is own
    assert model.second is own


def test_one_pattern_may_be_a_string():
    model = Twice()
    with on_accelerator(model, reference(), "u*") as made:
        assert list(made) == ["up"]


def square():
    return nn.ModuleDict({"a": nn.Linear(8, 8), "b": Conv1D(8, 8)})


@pytest.mark.parametrize(("model", "layers", "message"), [
    (Twice, ["up", "typo"], (r"layers must match a linear layer of the model \(there are first, "
                             r"second, up\), not 'typo'")),
    (square, ["*"], (r"layers must be plain nn\.Linear ones to run on an accelerator, not b "
                     r"\(Conv1D: it is none\)")),
    (lambda: nn.ModuleDict({"a": nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))}), ["a"],
     (r"layers must be plain nn\.Linear ones to run on an accelerator, not a "
      r"\(ParametrizedLinear: .*\)")),
    (lambda: nn.TransformerEncoderLayer(16, 2, 32), ["self_attn.*"], (
        r"layers must match a layer that can be sparse .*nn\.MultiheadAttention reads its weights "
        r"and never calls it\)")),
], ids=["none", "transposed", "own weights", "never called"])
def test_layers_that_would_not_run_are_refused(model, layers, message):
    made = model()
    before = dict(made.named_modules())
    with pytest.raises(ValueError, match=f"^{message}$"), \
            on_accelerator(made, reference(), layers):
        pass
    assert dict(made.named_modules()) == before


def test_sparse_layers_are_not_taken_for_dense_ones():
    model = Twice()
    with sparsify(model, "2:4"), pytest.raises(
            ValueError, match=r"^layers must be dense ones, not first, which is sparse already"), \
            on_accelerator(model, reference(), ["*"]):
        pass
