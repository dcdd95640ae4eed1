"""Block formats against rational numbers, and selection before and after quantisation."""

import math
from fractions import Fraction

import pytest
import torch

from hw.config import Pattern
from hw.formats import BLOCK_FORMATS, FORMATS, QUANTIZED
from sw.exact.blocks import quantize_blocks, tensor_scale, weight_tensor_scale
from sw.exact.formats import to_bits
from sw.exact.quantizer import quantize_kept, quantized
from sw.exact.selection import nm_mask, nm_prune
from tests.sw.rational import nearest


E4M3 = FORMATS["fp8_e4m3"]


def tokens(features=80):
    """bf16 tokens of widely different sizes: subnormal, large, zero, ties, one outlier."""
    random = torch.Generator().manual_seed(1414)
    x = torch.randn(9, features, generator=random)
    x *= torch.tensor([1, 1e-38, 3e37, 1e-3, 0, 1, 1e4, 1e-39, 1])[:, None]
    x[5] = torch.randint(-24, 25, (features,), generator=random) / 4  # many ties
    x[6, ::40] = 3e38
    x[8] = 2.0 ** torch.randint(-14, 4, (features,), generator=random)
    return x.bfloat16()


def scale_bits(block, form, tensor):
    """Bits of the scale of a block of floats, and its value."""
    largest = max(abs(Fraction(value)) for value in block)
    if form.scale == "e4m3":
        bits = max(1, nearest(largest / 6 / Fraction(tensor), E4M3))
        return bits, Fraction(E4M3.value(bits)) * Fraction(tensor)
    exponent = math.frexp(largest)[1] - 1 - form.element.max_exponent if largest else -127
    exponent = min(127, max(-127, exponent))
    return exponent + 127, Fraction(2) ** exponent


@pytest.mark.parametrize("name", list(BLOCK_FORMATS))
@pytest.mark.parametrize("tensor", [1.0, 0.0107421875])
def test_scales_and_elements_are_the_rational_ones(name, tensor):
    form, x = BLOCK_FORMATS[name], tokens()
    if form.scale == "e8m0" and tensor != 1:
        with pytest.raises(ValueError, match=f"tensor must be 1 for {name}, whose blocks alone"):
            quantize_blocks(x, name, tensor=tensor)
        return
    keep = torch.rand(x.shape, generator=torch.Generator().manual_seed(7)) < 0.6
    for mask in (None, keep):
        found = quantize_blocks(x, name, mask, tensor)
        bits = to_bits(found.values, form.element.name)
        real = found.dequantize()
        for row in range(len(x)):
            for start in range(0, x.shape[1], form.size):
                part = slice(start, start + form.size)
                block = x[row, part].double()
                if mask is not None:
                    block = torch.where(mask[row, part], block, 0)
                expected, unit = scale_bits(block.tolist(), form, tensor)
                scale = found.scale[row, start // form.size]
                assert scale.view(torch.uint8).item() == expected
                half = 1 << form.element.bits - 1
                for value, got, back in zip(block.tolist(), bits[row, part].tolist(),
                                            real[row, part].tolist(), strict=True):
                    wanted = nearest(Fraction(value) / unit, form.element)
                    assert got & half - 1 == wanted & half - 1
                    assert got >> form.element.bits - 1 == (math.copysign(1, value) < 0)
                    assert back == Fraction(form.element.value(got)) * unit


@pytest.mark.parametrize("name", list(BLOCK_FORMATS))
@pytest.mark.parametrize("special", [math.nan, math.inf, -math.inf])
def test_a_special_value_makes_its_block_nan(name, special):
    form, x = BLOCK_FORMATS[name], torch.ones(2, 96).bfloat16()
    x[1, form.size + 3] = special
    found = quantize_blocks(x, name)
    expected = torch.zeros(2, 96, dtype=torch.bool)
    expected[1, form.size:2 * form.size] = True
    assert found.dequantize().isnan().equal(expected)
    nan = 0xFF if form.scale == "e8m0" else 0x7F
    assert found.scale[1, 1].view(torch.uint8).item() == nan
    assert not to_bits(found.values, form.element.name)[1, form.size:2 * form.size].any()
    # Selection keeps such a value, so that it is seen there too.
    before = quantize_kept(x, name, Pattern(1, 4), "before")
    assert before.dequantize().isnan().any()
    dropped = quantize_blocks(x, name, x.isfinite())
    assert dropped.dequantize().isfinite().all()


def test_the_scale_of_a_tensor_saturates_no_block():
    for largest in (1.0, 2688.0, 2689.0, 3.3e38, 6.5e-32):
        x = torch.tensor([largest, -largest / 2]).bfloat16()
        scale = tensor_scale(x)
        exact = Fraction(x[0].double().item()) / 2688
        assert Fraction(scale) >= exact
        below = torch.nextafter(torch.tensor(scale).bfloat16(), torch.tensor(0.).bfloat16())
        assert Fraction(below.item()) < exact
    assert tensor_scale(torch.tensor([math.inf, 2688.0]).bfloat16()) == 1.0
    assert tensor_scale(torch.tensor(9.2e-41).bfloat16()) == 2.0 ** -115
    assert tensor_scale(torch.zeros(4).bfloat16()) == tensor_scale(torch.zeros(0)) == 1.0


def test_the_scale_of_weights_is_the_next_power_of_two():
    for largest, expected in ((2688.0, 1.0), (2720.0, 2.0), (1344.0, 0.5), (1.0, 2.0 ** -11),
                              (0.0, 1.0)):
        assert weight_tensor_scale(torch.tensor([largest, -largest / 3]).bfloat16()) == expected


@pytest.mark.parametrize("name", QUANTIZED)
def test_selection_before_quantises_what_is_kept_alone(name):
    x, pattern = tokens()[[0, 3, 5, 8]], Pattern(8, 16)
    before = quantize_kept(x, name, pattern, "before")
    assert before.mask.equal(nm_mask(x, 8, 16))
    assert before.dequantize().equal(quantized(nm_prune(x, 8, 16), name).dequantize())
    after = quantize_kept(x, name, pattern, "after")
    whole = quantized(x, name)
    assert after.mask.equal(nm_mask(whole.operand.values, 8, 16))
    assert after.sparse().equal(torch.where(after.mask, whole.dequantize(), 0))
    assert whole.dequantize()[0].allclose(x[0].float(), rtol=0.51, atol=0.3)


def test_scales_of_kept_values_are_finer():
    x = torch.full((1, 32), 0.5).bfloat16()
    x[0, 0] = 8.0
    coefficients = torch.ones(32)
    coefficients[0] = 0
    before, after = (quantize_kept(x, "mxfp4", Pattern(16, 32), where, coefficients)
                     for where in ("before", "after"))
    assert before.dequantize()[before.mask].eq(0.5).all()
    assert after.sparse()[0, 1:].eq(0).all()


@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2"])
def test_fp8_takes_the_scale_of_its_token(name):
    x = tokens()[[0, 3, 8]].float()
    found = quantized(x, name)
    largest = FORMATS[name].max_finite
    for token, scale, values in zip(x, found.scale, found.operand.values, strict=True):
        assert scale.item() == (token.abs().max() / largest).item()
        assert values.float().abs().max() == largest
        for value, got in zip(token, to_bits(values, name).tolist(), strict=True):
            assert got & 0x7F == nearest(Fraction((value / scale).item()), FORMATS[name]) & 0x7F


BF16 = torch.ones(1, 32).bfloat16()


@pytest.mark.parametrize(("call", "message"), [
    (lambda: quantized(BF16, "fp4_e2m1"),
     ("format must be one of bf16, fp16, int8, fp8_e4m3, fp8_e5m2, mxfp8_e4m3, mxfp8_e5m2, "
     "mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not 'fp4_e2m1'")),
    (lambda: quantize_kept(BF16, "mxfp4", Pattern(3, 7)),
     "m must divide the 32 values that share a scale in mxfp4, which 7 does not"),
    (lambda: quantize_kept(BF16, "nvfp4", Pattern(16, 32)),
     "m must divide the 16 values that share a scale in nvfp4, which 32 does not"),
    (lambda: quantize_kept(BF16, "mxfp4", Pattern(8, 16), "during"),
     "selection must be one of before, after, not 'during'"),
    (lambda: quantize_blocks(BF16, "mxfp3"),
     ("format must be one of mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not "
     "'mxfp3'")),
    (lambda: quantize_blocks(BF16.float(), "mxfp4"),
     "x must be of a floating-point type of at most 16 bits to be quantised to mxfp4, not float32"),
    *((lambda tensor=tensor: quantize_blocks(BF16, "nvfp4", tensor=tensor),
       f"tensor must be a finite number of bf16 of at least 2 ** -115, not {tensor!r}")
      for tensor in (0.3, 2.0 ** -116, math.inf)),
    (lambda: quantized(BF16, "int8", tensor=2.0),
     "tensor must be 1 for int8, which has no blocks, not 2.0"),
    (lambda: quantized(BF16 * math.inf, "fp8_e4m3"),
     "x must be finite to be quantised, not infinite or NaN"),
])
def test_rejects(call, message):
    with pytest.raises(ValueError, match=r"must be|must divide") as caught:
        call()
    assert str(caught.value) == message
