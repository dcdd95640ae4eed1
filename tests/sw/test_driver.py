"""Layers on an accelerator, with the exact model in its place."""

import pytest
import torch
from torch import nn

from hw.config import Design, Pattern
from hw.registers import Error
from sw.driver.layer import SparseLinear, channel_terms, on_accelerator
from sw.driver.linear import run_linear
from sw.driver.reference import ReferenceAccelerator
from sw.linear import nm_linear
from sw.method import Method
from sw.metrics import cosine
from sw.sparse_layer import SparseInputLinear


def reference(pattern="8:16", **parameters):
    return ReferenceAccelerator(Design(Pattern.parse(pattern), **parameters))


def linear(seed=1, features=96, outputs=37):
    torch.manual_seed(seed)
    return nn.Linear(features, outputs), torch.randn(11, features) + 0.7


@pytest.mark.parametrize(("names", "parameters", "statistics"), [
    ((), {}, {}), (("var",), {"statistics": True}, {}),
    (("d-pts", "var"), {"shift": "median", "statistics": True}, {}),
    (("d-pts-mean",), {"shift": "mean"}, {}),
], ids=["none", "var", "d-pts+var", "d-pts-mean"])
@pytest.mark.parametrize("output_scale", [None, 0.02])
def test_layer_is_near_the_integers_of_the_method(names, parameters, statistics, output_scale):
    """Only what the hardware rounds (mean or median of integers, v, int8) is in between."""
    layer, x = linear()
    ours = SparseLinear.from_linear(layer, reference(**parameters), "8:16", corrections=names,
                                    statistics=statistics, output_scale=output_scale)
    theirs = SparseInputLinear(layer, Method("8:16", "act", names, integer=True))
    y, expected = ours(x), theirs(x)
    assert (y - expected).abs().max() < 0.05 + (output_scale or 0)
    assert cosine(expected, y) > 0.999


@pytest.mark.parametrize(("name", "parameters", "statistics"), [
    ("s-pts", {"shift": "scalar"}, {"shift": torch.tensor(1.7)}),
    ("l-pts", {"shift": "channel"}, {"l-pts": torch.linspace(1.5, 1.9, 96)}),
])
@pytest.mark.parametrize("output_scale", [None, 0.02])
def test_a_static_shift_brings_the_result_nearer(name, parameters, statistics, output_scale):
    layer, x = linear()
    x = x + 1
    dense = layer(x)
    plain = SparseLinear.from_linear(layer, reference(), output_scale=output_scale)(x)
    shifted = SparseLinear.from_linear(layer, reference(**parameters), corrections=[name],
                                       statistics=statistics, output_scale=output_scale)(x)
    assert (shifted - dense).square().mean() < 0.8 * (plain - dense).square().mean()


def test_learned_scale_multiplies_the_outputs():
    layer, x = linear()
    layer.bias = None
    d = torch.linspace(-0.5, 0.5, 37)
    plain = SparseLinear.from_linear(layer, reference())(x)
    scaled = SparseLinear.from_linear(layer, reference(), corrections=["ls"],
                                      statistics={"ls": d})(x)
    assert torch.allclose(scaled, plain * (1 + d), atol=1e-5)


def test_a_criterion_is_that_of_the_reference():
    layer, x = linear()
    ours = SparseLinear.from_linear(layer, reference(coefficients=8), criterion="wina")
    theirs = SparseInputLinear(layer, Method("8:16", "wina", integer=True))
    assert torch.allclose(ours(x), theirs(x), atol=1e-4)


@pytest.mark.parametrize(("tokens", "features", "outputs"), [(1, 3, 1), (70, 64, 9), (5, 300, 6)])
def test_a_job_of_any_size_is_the_reference_layer(tokens, features, outputs):
    device = reference("2:4", rows=3, columns=2, max_k=64, batch_tokens=5)
    x = torch.randint(-128, 128, (tokens, features), dtype=torch.int8)
    w = torch.randint(-128, 128, (outputs, features), dtype=torch.int8)
    assert torch.equal(run_linear(device, x, w)[0], nm_linear(x, w, "2:4").long())


def test_a_model_runs_with_some_layers_on_the_accelerator_and_gets_its_own_back():
    model = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 8))
    own, x = model[0], torch.randn(5, 32)
    dense = model(x)
    with on_accelerator(model, reference("16:16"), ["0"]) as layers:
        assert set(layers) == {"0"}
        assert isinstance(model[0], SparseLinear)
        assert cosine(dense, model(x)) > 0.999
        assert layers["0"].counters["STEPS"] > 0
    assert model[0] is own
    assert torch.equal(model(x), dense)


def test_multiplier_is_kept_to_sixteen_bits():
    multiplier = torch.logspace(-5, 2, 200, dtype=torch.float64)
    terms = channel_terms(multiplier, 0.5)
    kept = terms.scale / 2.0 ** (terms.shift + 8)
    assert ((kept / multiplier - 1).abs() < 2.0 ** -15).all()
    assert (terms.bias == 128).all()


@pytest.mark.parametrize(("arguments", "message"), [
    ({"pattern": "2:4"}, "pattern must be 8:16, the accelerator's, not 2:4"),
    ({"corrections": ["var"]}, "statistics of the accelerator must be True for var, not False"),
    ({"corrections": ["d-pts"]}, "shift of the accelerator must be median for d-pts, not none"),
    ({"corrections": ["ls"]}, "statistics must have ls for ls, not none"),
    ({"criterion": "amber"}, "coefficients of the accelerator must be 8 for amber, not 0"),
    ({"corrections": ["r-sparse"]}, ("correction must be one of d-pts, d-pts-mean, s-pts, l-pts, "
                                     "var, ls, not 'r-sparse'")),
])
def test_rejects(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SparseLinear.from_linear(linear()[0], reference(), **arguments)


@pytest.mark.parametrize(("register", "error"), [
    ("K_BLOCKS", Error.K_BLOCKS), ("TOKENS", Error.TOKENS), ("COLUMN_TILES", Error.COLUMN_TILES)])
def test_model_refuses_what_the_hardware_refuses(register, error):
    device = reference()
    for name in ("K_BLOCKS", "TOKENS", "COLUMN_TILES"):
        device.write(name, int(name != register))
    device.write("CONTROL", 1)
    assert device.read("STATUS") == error << 2
