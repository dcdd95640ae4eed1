"""Layers in floats through the driver, on the reference accelerator."""

import pytest
import torch

from hw.config import Design, Pattern
from hw.formats import FORMAT_CODES
from sw.driver.floats import float_linear, run_float_linear
from sw.driver.linear import run_linear
from sw.driver.reference import ReferenceAccelerator
from sw.exact.activation import activate
from sw.exact.blocks import quantize_blocks, tensor_scale
from sw.exact.convert import convert
from sw.exact.dot import dot
from sw.exact.formats import Coded, to_bits
from sw.exact.outputs import quantize_outputs
from sw.exact.selection import nm_mask


def design(pattern, given, kept="", **parameters):
    """An accelerator of floats, which cuts tokens of more than four blocks into chunks."""
    pattern, kept = Pattern.parse(pattern), kept or given
    found = Design(pattern, **{
        "format": given, "quantize": "none" if kept == given else kept, "weight_format": kept,
        "accumulator": "fp32", "epilogue_lanes": 0, "rows": 3, "columns": 2, "tile": 2,
        "max_k": 4 * pattern.m, "batch_tokens": 7, **parameters})
    found.require("accelerator")
    return found


def operands(design, tokens, features, outputs):
    random = torch.Generator().manual_seed(features)
    x = torch.randn(tokens, features, generator=random)
    return convert(x, design.format), torch.randn(outputs, features, generator=random).bfloat16()


OF_WEIGHTS = {"tensor": 2.0 ** -9}
"""Scale of a tensor of normal weights, whose largest is from 2.7 to 5.2."""


@pytest.mark.parametrize("made", [
    design("2:4", "bf16", "fp8_e4m3", result_format="bf16"),
    design("8:16", "fp16", "fp8_e4m3", accumulator="exact", accumulator_width=49),
    design("3:7", "fp6_e2m3", accumulator="exact", packets="job"),
    design("4:4", "fp4_e2m1", result_format="bf16"),
    design("16:32", "bf16", "mxfp4", result_format="bf16"),
    design("16:32", "bf16", "mxfp6_e3m2", selection="after"),
    design("16:32", "fp16", "mxfp8_e4m3"),
    design("8:16", "bf16", "nvfp4", result_format="bf16"),
    design("4:16", "bf16", "nvfp4", selection="after"),
    design("8:16", "bf16", result_format="bf16", guard=0),
    design("3:7", "fp16", result_format="fp16"),
    design("4:8", "fp16"),
    design("2:4", "fp8_e5m2"),
    design("4:8", "bf16", "fp8_e5m2", selection="after", result_format="bf16"),
    design("16:32", "fp16", "mxfp8_e5m2")],
    ids=lambda made: f"{made.pattern} {made.options}")
@pytest.mark.parametrize("blocks", [1, 3, 6])
def test_streams_carry_the_layer(made, blocks):
    """Through bytes and back: whatever was packed, and cut into batches, tiles and chunks."""
    device = ReferenceAccelerator(made)
    x, weight = operands(made, 9, blocks * made.pattern.m - (blocks > 1), 5)
    name = made.weight_format
    scale = {"tensor": 1.25 * 2.0 ** -10} if made.tensor_scaled else {}
    rounded = (quantize_blocks(weight, name, **OF_WEIGHTS if made.tensor_scaled else {})
               if made.quantized else Coded(convert(weight, name), name))
    expected, mask = float_linear(x, rounded, made, **scale)
    found, counters = run_float_linear(device, x, weight, **scale)
    assert found.dtype == {"bf16": torch.bfloat16, "fp16": torch.float16,
                           "fp32": torch.float32}[made.result_format]
    assert found.equal(expected)
    assert counters["STEPS"] == 3 * 4 * blocks if blocks < 6 else counters["STEPS"] > 0
    assert int(mask.sum()) <= 9 * blocks * made.pattern.n
    real = x.double() @ weight.double().T
    assert torch.cosine_similarity(found.double().flatten(), real.flatten(), 0) > 0.8


@pytest.mark.parametrize("made", [
    design("2:4", "bf16", weight_format="int4", result_format="bf16", epilogue_lanes=1),
    design("8:16", "fp16", weight_format="int8", result_format="fp16", epilogue_lanes=2, guard=3),
    design("4:8", "fp16", "fp8_e4m3", weight_format="int4", accumulator="exact", packets="job",
           accumulator_width=34, result_format="bf16", epilogue_lanes=1, activation="silu"),
    design("4:4", "fp8_e4m3", weight_format="int8", result_format="bf16", epilogue_lanes=1)],
    ids=lambda made: f"{made.pattern} {made.options}")
@pytest.mark.parametrize("blocks", [1, 3, 6])
def test_scales_of_outputs_multiply_sums(made, blocks):
    """Integers by what the compressor keeps, times the scales, plus the bias: each rounds once."""
    device, m = ReferenceAccelerator(made), made.pattern.m
    x, weight = operands(made, 9, blocks * m - (blocks > 1), 5)
    kind = made.result_format
    coded = quantize_outputs(weight, made.weight_format, kind)
    bias, active = convert(torch.linspace(-2, 2, 5), kind), made.activation != "none"
    found, _ = run_float_linear(device, x, weight, bias, active)
    given, _ = run_float_linear(device, x, coded.values, bias, active, scale=coded.scale)
    assert given.equal(found)
    kept = Coded(convert(x, made.multiplied.format), made.multiplied.format)
    sums = dot(kept, Coded(coded.values, coded.name), m, nm_mask(x.float(), made.pattern.n, m),
               made.accumulator, made.guard)
    scaled = convert(sums.double() * coded.scale.double(), kind)
    expected = convert(scaled.double() + bias.double(), kind)
    assert found.equal(activate(expected, made.activation) if active else expected)
    plain, _ = run_float_linear(device, x, weight)
    assert plain.equal(scaled)
    real = x.double() @ weight.double().T
    assert torch.cosine_similarity(plain.double().flatten(), real.flatten(), 0) > 0.8


PAIR = design("2:4", "bf16", weight_format="int4", result_format="bf16", epilogue_lanes=1)
ONES = torch.ones(3, 8, dtype=torch.int8)


@pytest.mark.parametrize(("made", "weight", "scale", "message"), [
    (PAIR, ONES, None, r"weight must be floating-point with two axes, not int8 \[3, 8\]"),
    (PAIR, ONES.float(), torch.ones(3).bfloat16(),
     r"weight must be int8 with two axes, not float32 \[3, 8\]"),
    (PAIR, ONES, torch.ones(3), r"scale must be bfloat16 \[3\], not torch.float32 \[3\]"),
    (PAIR, ONES, torch.ones(2).bfloat16(),
     r"scale must be bfloat16 \[3\], not torch.bfloat16 \[2\]"),
    (PAIR, ONES * 8, torch.ones(3).bfloat16(),
     "values must be from -8 to 7 in int4, not from 8 to 8"),
    (PAIR, ONES * torch.inf, None, "weight must be finite, .*, not inf"),
    (design("2:4", "bf16", result_format="bf16"), ONES, torch.ones(3).bfloat16(),
     ("scale must be None on an accelerator whose weights are bf16, without a scale for each "
      "output"))], ids=lambda case: getattr(case, "options", ""))
def test_scales_of_outputs_that_are_none_are_refused(made, weight, scale, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        run_float_linear(ReferenceAccelerator(made), torch.ones(2, 8).bfloat16(), weight,
                         scale=scale)


def test_the_rule_without_scales_is_selection_conversion_and_product():
    made = design("2:4", "bf16", "fp8_e4m3")
    x, weight = operands(made, 4, 16, 3)
    x[0, :3] = torch.tensor([torch.inf, 1e4, -3e-3])
    kept, right = Coded(convert(x, "fp8_e4m3"), "fp8_e4m3"), Coded(convert(weight, "fp8_e4m3"),
                                                                  "fp8_e4m3")
    expected = dot(kept, right, 4, nm_mask(x, 2, 4))
    assert run_float_linear(ReferenceAccelerator(made), x, weight)[0].equal(expected)


def test_values_that_come_in_the_format_of_elements_stay():
    """Infinities, which a conversion to E5M2 saturates, too."""
    made = design("2:4", "fp8_e5m2")
    x = torch.tensor([[torch.inf, 2, 1, 0], [1, 2, 3, 4]]).to(torch.float8_e5m2)
    weight = torch.tensor([[1, 1, 1, 1], [1, 1, -torch.inf, 0], [0, 1, 1, torch.inf]])
    found, _ = run_float_linear(ReferenceAccelerator(made), x, weight.to(torch.float8_e5m2))
    inf, nan = torch.inf, torch.nan
    assert found.allclose(torch.tensor([[inf, inf, nan], [7, -inf, inf]]), equal_nan=True)
    rounded, _ = run_float_linear(ReferenceAccelerator(made), x, weight)
    assert rounded.allclose(torch.tensor([[inf, inf, nan], [7, -3 * 57344, 3 + 4 * 57344]]),
                            equal_nan=True)


def test_the_guard_bits_are_those_of_the_design():
    x = torch.tensor([[256, 1, 0, 0]]).bfloat16()
    weight = torch.tensor([[256, 1 + 2.0 ** -7, 0, 0]])
    for guard, sum_ in ((0, 2.0 ** 16), (2, 2.0 ** 16 + 1), (24, 2.0 ** 16 + 1 + 2.0 ** -7)):
        made = design("2:4", "bf16", guard=guard)
        assert run_float_linear(ReferenceAccelerator(made), x, weight)[0].item() == sum_


def test_registers_say_the_formats():
    codes = []
    for made in (design("2:4", "bf16", "fp8_e4m3"),
                 design("2:4", "bf16", "fp8_e4m3", result_format="bf16"),
                 design("2:4", "fp4_e2m1", accumulator="exact"),
                 design("2:4", "bf16", result_format="bf16"),
                 design("2:4", "fp16", result_format="fp16"),
                 design("2:4", "fp8_e5m2"), design("16:32", "fp16", "mxfp8_e5m2")):
        word = ReferenceAccelerator(made).read("NUMBERS")
        assert FORMAT_CODES[word & 0xFF] == made.format
        assert FORMAT_CODES[word >> 8 & 0xFF] == made.weight_format
        codes.append(word >> 16)
    assert codes == [0, 1, 2, 1, 1, 0, 0]


BF16 = design("2:4", "bf16", "fp8_e4m3")


@pytest.mark.parametrize(("device", "x", "weight", "message"), [
    (BF16, torch.ones(2, 8), torch.ones(3, 8),
     r"x must be bfloat16 with two axes, not float32 \[2, 8\]"),
    (BF16, torch.ones(2, 8).bfloat16(), torch.ones(3, 8, dtype=torch.int8),
     r"weight must be floating-point with two axes, not int8 \[3, 8\]"),
    (BF16, torch.ones(2, 8).bfloat16(), torch.ones(3, 4),
     "weight must have the 8 input features of x, not 4"),
    (BF16, torch.ones(0, 8).bfloat16(), torch.ones(3, 8),
     r"x must hold at least one row of one feature, not \[0, 8\]"),
    (design("2:4", "fp8_e4m3", accumulator="exact", accumulator_width=45, max_k=8),
     torch.ones(2, 4 * 84).to(torch.float8_e4m3fn), torch.ones(3, 4 * 84),
     "x must have at most 332 input features, not 336"),
    (Design(Pattern(2, 4)), torch.ones(2, 8).bfloat16(), torch.ones(3, 8),
     "format of the accelerator must be one of floats, not 'int8'"),
])
def test_other_layers_are_refused(device, x, weight, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        run_float_linear(ReferenceAccelerator(device), x, weight)


def test_the_scale_of_the_tensor_is_that_of_the_tokens_unless_it_is_given():
    device = ReferenceAccelerator(design("8:16", "bf16", "nvfp4", result_format="bf16"))
    x, weight = operands(device.design, 6, 64, 4)
    x = x * 2.0 ** 12
    own, _ = run_float_linear(device, x, weight)
    assert device.read("TENSOR_SCALE") & 0xFFFF == to_bits(
        torch.tensor([tensor_scale(x)]).bfloat16(), "bf16").item()
    assert run_float_linear(device, x, weight, tensor=tensor_scale(x))[0].equal(own)
    real = x.double() @ weight.double().T
    assert torch.cosine_similarity(own.double().flatten(), real.flatten(), 0) > 0.8
    # With one that is far too small everything saturates at 6 * 448 of it.
    small, _ = run_float_linear(device, x, weight, tensor=2.0 ** -12)
    assert small.abs().max() < own.abs().max() / 100


@pytest.mark.parametrize(("made", "tensor", "message"), [
    (BF16, 2.0, "tensor must be 1 for fp8_e4m3, which has no blocks, not 2.0"),
    (design("16:32", "bf16", "mxfp4"), 2.0,
     "tensor must be 1 for mxfp4, whose blocks alone have a scale, not 2.0"),
    (design("8:16", "bf16", "nvfp4"), 0.3,
     "tensor must be a finite number of bf16 of at least 2 ** -115, not 0.3"),
    (design("8:16", "bf16", "nvfp4"), 2.0 ** -100,
     (r"product of both tensors' scales must be a finite number of bf16 of at least 2 \*\* -106, "
      f"not {2.0 ** -109!r}"))], ids=lambda made: getattr(made, "options", ""))
def test_scales_of_tensors_that_are_none_are_refused(made, tensor, message):
    with pytest.raises(ValueError, match="^" + message.replace(" 2 ** ", r" 2 \*\* ") + "$"):
        run_float_linear(ReferenceAccelerator(made), *operands(made, 2, 64, 3), tensor=tensor)


def test_integers_are_refused_on_an_accelerator_of_floats():
    ones = torch.ones(2, 8, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"^format of the accelerator must be int8, not 'bf16'$"):
        run_linear(ReferenceAccelerator(BF16), ones, ones)


THRESHOLDS = [
    (design("2:4", "bf16", "fp8_e4m3", flexible="n", unstructured=True), 0x3F40, 0.75),
    (design("2:4", "fp16", "fp8_e4m3", flexible="all", unstructured=True), 0x3A00, 0.75),
    (design("4:8", "bf16", "fp8_e4m3", flexible="n", unstructured=True, selection="after"), 0x34,
     0.75),
    (design("3:7", "fp6_e2m3", flexible="n", unstructured=True), 6, 0.75),
    (design("4:8", "fp4_e2m1", flexible="n", unstructured=True, accumulator="exact"), 2, 1.0)]


@pytest.mark.parametrize(("made", "threshold", "least"), THRESHOLDS,
                         ids=lambda case: getattr(case, "options", ""))
def test_a_threshold_is_the_bits_of_the_least_number_that_is_kept(made, threshold, least):
    device = ReferenceAccelerator(made)
    x, weight = operands(made, 9, 6 * made.pattern.m - 1, 5)
    x = convert(x.float() * torch.tensor([1 / 8, 1, 4])[:, None].repeat(3, 1), made.format)
    seen = made.selected_number.name
    assert to_bits(convert(torch.tensor([least]), seen), seen).item() == threshold
    compared = convert(x, seen).float()
    rounded = Coded(convert(weight, made.weight_format), made.weight_format)
    expected, mask = float_linear(x, rounded, made, threshold=threshold)
    assert mask.equal(compared.abs() >= least)
    found, counters = run_float_linear(device, x, weight, threshold=threshold)
    assert found.equal(expected)
    kept = torch.where(mask, convert(x, made.weight_format).double(), 0)
    assert found.double().allclose(kept @ rounded.values.double().T, rtol=1e-5, atol=1e-6)
    every, all_steps = run_float_linear(device, x, weight, threshold=1)
    assert all_steps["STEPS"] > counters["STEPS"] > 0
    assert not every.equal(found)
    assert run_float_linear(device, x, weight)[0].equal(float_linear(x, rounded, made)[0])


@pytest.mark.parametrize(("made", "threshold", "message"), [
    (BF16, 1, "unstructured of the accelerator must be True for a threshold, not False"),
    (THRESHOLDS[0][0], 1 << 15, "threshold must be an integer from 0 to 32767, not 32768"),
    (THRESHOLDS[2][0], 128, "threshold must be an integer from 0 to 127, not 128"),
    (THRESHOLDS[4][0], -1, "threshold must be an integer from 0 to 7, not -1")],
    ids=lambda case: getattr(case, "options", ""))
def test_thresholds_that_there_are_not_are_refused(made, threshold, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        run_float_linear(ReferenceAccelerator(made), *operands(made, 2, 8, 2), threshold=threshold)


def test_a_last_block_that_is_short_takes_the_steps_of_a_whole_one():
    """Its padding is kept where a pattern asks for it, and a step of zeros makes -0 to +0."""
    made = design("4:32", "bf16", "mxfp8_e4m3", flexible="n", selection="after")
    x, weight = (torch.tensor([[value, 0, 0]]).bfloat16() for value in (-2.0 ** -120, 2.0 ** -120))
    for kept, sign in ((4, True), (8, False)):
        pattern, right = Pattern(kept, 32), quantize_blocks(weight, "mxfp8_e4m3")
        found, _ = run_float_linear(ReferenceAccelerator(made), x, weight, pattern=pattern)
        expected, _ = float_linear(x, right, made, pattern=pattern)
        assert (found.signbit().item(), expected.signbit().item()) == (sign, sign)
