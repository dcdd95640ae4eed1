"""Layers on an accelerator, with the exact model in its place."""

import re
from dataclasses import replace

import pytest
import torch
from torch import nn

from hw.config import Design, Pattern
from hw.fixed_point import Output
from hw.registers import Error
from sw.driver.beats import result_tensor
from sw.driver.layer import SparseLinear, channel_terms, on_accelerator, unit_exponent
from sw.driver.linear import Corrections, field_word, linear_job, run_job, run_linear
from sw.driver.reference import ReferenceAccelerator
from sw.evaluation.metrics import cosine
from sw.exact.linear import nm_linear
from sw.exact.selection import nm_mask
from sw.methods.method import Method
from sw.methods.sparse_layer import SparseInputLinear


def reference(pattern="8:16", **parameters):
    return ReferenceAccelerator(Design(Pattern.parse(pattern), **parameters))


def linear(seed=1, features=96, outputs=37):
    torch.manual_seed(seed)
    return nn.Linear(features, outputs), torch.randn(11, features) + 0.7


def integers(tokens, outputs, features, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(-128, 128, (count, features), dtype=torch.int8, generator=generator)
            for count in (tokens, outputs)]


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
                                       statistics=statistics, learned=statistics,
                                       output_scale=output_scale)(x)
    assert (shifted - dense).square().mean() < 0.8 * (plain - dense).square().mean()


@pytest.mark.parametrize(("names", "parameters", "statistics"), [
    ((), {}, {}), (("d-pts", "var"), {"shift": "median", "statistics": True}, {}),
    (("s-pts",), {"shift": "scalar"}, {"shift": torch.tensor(1.7)}),
])
@pytest.mark.parametrize(("output", "digits"), [("fp32", 13), ("bf16", 8)])
@pytest.mark.parametrize("magnitude", [1e-12, 1.0, 1e12])
def test_floats_are_the_layer_without_arithmetic_on_the_host(names, parameters, statistics, output,
                                                             digits, magnitude):
    """Only multipliers of 16 bits, biases of 24 and the last rounding are in between."""
    layer, x = linear()
    with torch.no_grad():
        layer.weight *= magnitude
        layer.bias *= magnitude
    given = {"corrections": names, "statistics": statistics}
    expected = SparseLinear.from_linear(layer, reference(**parameters), **given)(x)
    y = SparseLinear.from_linear(layer, reference(**parameters), output=output, **given)(x)
    assert y.dtype == x.dtype
    assert (y - expected).abs().max() < 2.0 ** -digits * expected.abs().max()
    assert y.unique().numel() > 100


def test_floats_have_a_layer_without_bias_too():
    layer, x = linear()
    layer.bias = None
    expected = SparseLinear.from_linear(layer, reference())(x)
    y = SparseLinear.from_linear(layer, reference(), output="fp32")(x)
    assert torch.allclose(y, expected, rtol=2.0 ** -13, atol=0)


def test_unit_leaves_the_largest_terms_in_their_range():
    multiplier, bias = torch.logspace(-3, 3, 30).double(), torch.linspace(-7e6, 7e6, 30)
    exponent = unit_exponent(multiplier, bias)
    terms = channel_terms(multiplier / 2 ** exponent, bias / 2 ** exponent)
    assert terms.bias.abs().max() >= 1 << 21
    kept = terms.scale / 2.0 ** (terms.shift + 8) * 2 ** exponent
    assert ((kept / multiplier - 1).abs() < 2.0 ** -15).all()
    error = terms.bias.double() / 256 * 2 ** exponent - bias.double()
    assert error.abs().max() <= 2.0 ** (exponent - 9)
    assert unit_exponent(torch.tensor([0.5]), torch.zeros(1)) == -8
    assert unit_exponent(torch.tensor([2.0 ** -99, 0]), torch.zeros(2)) == -106
    assert unit_exponent(torch.tensor([2.0 ** -140]), torch.zeros(1)) == -128
    assert unit_exponent(torch.zeros(1), torch.zeros(1)) == 0


def test_learned_scale_and_shift_apply_to_the_outputs():
    layer, x = linear()
    layer.bias = None
    d, shift = torch.linspace(-1.5, 0.5, 37), torch.linspace(3, -3, 37)
    plain = SparseLinear.from_linear(layer, reference())(x)
    for output, tolerance in ((None, 1e-5), ("fp32", 1e-3)):
        learned = SparseLinear.from_linear(layer, reference(), corrections=["ls", "shift"],
                                           learned={"ls": d, "shift": shift}, output=output)(x)
        assert torch.allclose(learned, plain * (1 + d) + shift, atol=tolerance)


def test_a_criterion_is_that_of_the_reference():
    layer, x = linear()
    ours = SparseLinear.from_linear(layer, reference(coefficients=8), criterion="wina")
    theirs = SparseInputLinear(layer, Method("8:16", "wina", integer=True))
    assert torch.allclose(ours(x), theirs(x), atol=1e-4)


@pytest.mark.parametrize(("tokens", "features", "outputs"), [(1, 3, 1), (70, 64, 9), (5, 300, 6)])
def test_a_job_of_any_size_is_the_reference_layer(tokens, features, outputs):
    device = reference("2:4", rows=3, columns=2, max_k=64, batch_tokens=5)
    x, w = integers(tokens, outputs, features)
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
    ({"pattern": "2:4"}, "pattern must be 8:16, as the design has it, not 2:4"),
    ({"corrections": ["var"]}, "statistics of the accelerator must be True for var, not False"),
    ({"corrections": ["d-pts"]}, "shift of the accelerator must be median for d-pts, not none"),
    ({"corrections": ["ls"]}, "learned must have ls for act ls, not none"),
    ({"corrections": ["shift"], "learned": {"ls": 0}},
     "learned must have shift for act shift, not ls"),
    ({"output": "fp16"}, "output must be one of fp32, bf16, not 'fp16'"),
    ({"output": "bf16", "output_scale": 0.5}, "output_scale must be None for output bf16, not 0.5"),
    *(({"output_scale": scale}, f"output_scale must be a finite number above 0, not {scale}")
      for scale in (0.0, -0.5, float("nan"), float("inf"))),
    ({"criterion": "amber"}, "coefficients of the accelerator must be 8 for amber, not 0"),
    ({"corrections": ["r-sparse"]}, ("correction must be one of d-pts, d-pts-mean, s-pts, l-pts, "
                                     "var, ls, shift, not 'r-sparse'")),
])
def test_rejects(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SparseLinear.from_linear(linear()[0], reference(), **arguments)


@pytest.mark.parametrize(("pattern", "steps"), [
    ("2:4", 1), ("4:8", 1), ("8:16", 1), ("16:32", 1), ("1:4", 1), ("3:4", 2), ("32:32", 2)])
def test_any_pattern_on_one_accelerator(pattern, steps):
    device = reference("16:32", flexible="all", rows=3, columns=2, max_k=64, batch_tokens=5)
    x, w = integers(7, 5, 96)
    y, counters = run_linear(device, x, w, pattern=Pattern.parse(pattern))
    assert torch.equal(y, nm_linear(x, w, pattern).long())
    assert counters["STEPS"] == 3 * 3 * 3 * steps


@pytest.mark.parametrize("word", [0, field_word("JOB_PATTERN", keep=4, size=8),
                                  field_word("JOB_PATTERN", keep=3, size=2)])
def test_threshold_in_place_of_a_pattern(word):
    """Whatever the register of the pattern holds."""
    device = reference("16:32", flexible="all", unstructured=True, rows=2, columns=2)
    x, w = integers(5, 3, 96)
    job = linear_job(device.design, x, w, threshold=62)
    results, counters = run_job(device, replace(job, registers=job.registers
                                                | {"JOB_PATTERN": word}))
    y = result_tensor(results, 5, 96, 3, device.design)
    mask = x.long().abs() >= 62
    assert torch.equal(y, (x.long() * mask) @ w.long().t())
    kept = mask.reshape(5, 3, 32).sum(-1).tolist()
    groups = [[max(pair) for pair in zip(*kept[k:k + 2], strict=True)] for k in (0, 2, 4)]
    assert counters["STEPS"] == 2 * sum(1 + (most > 16) for group in groups for most in group)
    assert counters["STEPS"] not in (2 * 9, 2 * 18)


def test_pattern_that_the_hardware_refuses():
    device = reference("8:16", flexible="n")
    with pytest.raises(ValueError, match=r"^pattern must be N:16, as the design has it, not 4:8$"):
        run_linear(device, torch.zeros(1, 16, dtype=torch.int8),
                   torch.zeros(1, 16, dtype=torch.int8), pattern=Pattern(4, 8))
    for name, value in (("K_BLOCKS", 1), ("TOKENS", 1), ("COLUMN_TILES", 1),
                        ("JOB_PATTERN", 4 | 8 << 8), ("CONTROL", 1)):
        device.write(name, value)
    assert device.read("STATUS") == Error.PATTERN << 2


@pytest.mark.parametrize(("parameters", "given", "message"), [
    ({}, {"factors": torch.ones(16)}, "factors must be None on an accelerator without them"),
    ({"coefficients": 4}, {"shifts": torch.ones(16)},
     "shifts must be None on an accelerator without them"),
    ({"coefficients": 4}, {"factors": torch.ones(16), "keep_loaded": True},
     "factors must be None with keep_loaded"),
    ({"coefficients": 4}, {"factors": torch.full((16,), 16)},
     "factors must be from 0 to 15, not from 16 to 16"),
    ({"coefficients": 4}, {"factors": torch.ones(15)},
     "factors must have shape [16], not [15]"),
    ({}, {"output": Output.INT8}, "channels must be given for output int8, not None"),
    ({}, {"output": Output.CORRECTED, "token_scale": torch.ones(2, 1)},
     "token_scale must have shape [3, 1], not [2, 1]"),
])
def test_rejects_parameters_that_would_be_ignored_or_cut(parameters, given, message):
    x, w = integers(3, 2, 16)
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        run_linear(reference(**parameters), x, w, Corrections(**given))


def test_parameters_stay_for_the_jobs_that_bring_none():
    device, other = reference(coefficients=4), reference(coefficients=4)
    x, w = integers(3, 2, 16)
    given = Corrections(factors=torch.arange(16))
    first, _ = run_linear(device, x, w, given)
    assert torch.equal(run_linear(device, x, w, Corrections(keep_loaded=True))[0], first)
    assert not torch.equal(run_linear(other, x, w)[0], first)
    with pytest.raises(RuntimeError, match=r"start refused: CORRECTIONS\.coef is 0"):
        run_linear(device, *integers(3, 2, 32), Corrections(keep_loaded=True))


@pytest.mark.parametrize("pattern", ["1:2", "3:5", "3:7"])
@pytest.mark.parametrize("shift", ["none", "channel"])
def test_parameters_may_end_within_a_byte(pattern, shift):
    """The bits behind them are padding: factors of 4 bits for 7 channels, and others."""
    device = reference(pattern, coefficients=4, shift=shift, max_k=70)
    x, w = integers(3, 2, 35)
    factors = torch.arange(35) % 16
    found, _ = run_linear(device, x, w, Corrections(factors=factors))
    kept = nm_mask(x.short().abs() * factors.short(), *map(int, pattern.split(":")))
    assert torch.equal(found, torch.where(kept, x, 0).long() @ w.long().T)


@pytest.mark.parametrize(("parameters", "message"), [
    ({"epilogue_lanes": 0},
     "epilogue_lanes of the accelerator must be at least 1 for output fp32, not 0"),
    ({"accumulator_width": 31},
     "accumulator_width of the accelerator must be at least 32 for output fp32, not 31"),
])
def test_rejects_an_accelerator_without_floats(parameters, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        SparseLinear.from_linear(linear()[0], reference(**parameters), output="fp32")


@pytest.mark.parametrize(("parameters", "given"), [
    ({"coefficients": 4}, {"factors": torch.ones(33, dtype=torch.int64)}),
    ({"shift": "channel"}, {"shifts": torch.ones(33, dtype=torch.int64)}),
    ({"shift": "mean"}, {}), ({"shift": "median"}, {}),
    ({"statistics": True}, {"output": Output.CORRECTED, "variance": True}),
], ids=str)
def test_tokens_that_must_be_whole_are_no_longer_than_the_buffer(parameters, given):
    """The driver refuses what the accelerator does, which says so in ``BUFFER``."""
    device = reference("2:4", max_k=32, **parameters)
    x, w = integers(2, 4, 33)
    with pytest.raises(ValueError, match=r"^x must have at most 32 input features of tokens that "
                                         r"must be whole, not 33$"):
        run_linear(device, x, w, Corrections(**given))
    design = device.design
    sizes = {"K_BLOCKS": 9, "TOKENS": 2, "COLUMN_TILES": 1}
    for register, value in (sizes | Corrections(**given).registers(design)).items():
        device.write(register, value)
    device.write("CONTROL", 1)
    assert device.read("STATUS") == Error.OUTPUT << 2
    assert device.read("BUFFER") == 8
