"""Quantisation, integer layer, metrics."""

import math

import pytest
import torch
from torch import nn

from hw.config import Design, Pattern
from sw import SparseLinear, cosine, nm_linear, snr_db
from sw.driver.layer import SparseLinear as OnAccelerator
from sw.driver.reference import ReferenceAccelerator
from sw.exact.linear import integer_matmul
from sw.exact.quantize import quantize, saturate
from sw.exact.selection import energy_kept
from tests.sw import plain


def test_quantisation_by_hand():
    values, scale = quantize(torch.tensor([[127.0, -63.5, 0.5, 1.5], [0.0, 0.0, 0.0, 0.0]]))
    assert values.tolist() == [[127, -64, 0, 2], [0, 0, 0, 0]]
    assert scale.tolist() == [[1.0], [1.0]]


def test_rounding_error_is_at_most_half_a_step():
    x = torch.randn(50, 33, generator=torch.Generator().manual_seed(0))
    quantized = quantize(x)
    assert (quantized.dequantize() - x).abs().le(quantized.scale * 0.5001).all()
    assert quantized.values.abs().amax(-1).eq(127).all()


def test_saturation():
    assert saturate(torch.tensor([-300, -129, -128, 127, 128])).tolist() == \
        [-128, -128, -128, 127, 127]


def test_quantisation_rejects_infinity():
    with pytest.raises(ValueError, match=r"^x must be finite to be quantised, not "):
        quantize(torch.tensor([float("inf")]))


@pytest.mark.parametrize(("n", "m"), plain.PATTERNS)
def test_integer_layer_equals_plain_python(n, m):
    generator = torch.Generator().manual_seed(n * m)
    x = torch.randint(-128, 128, (4, 67), generator=generator).to(torch.int8)
    weight = torch.randint(-128, 128, (5, 67), generator=generator).to(torch.int8)
    expected = []
    for token in x.tolist():
        kept = plain.flat_mask(token, n, m)
        expected.append([sum(value * w for value, w, keep in zip(token, row, kept, strict=True)
                             if keep) for row in weight.tolist()])
    result = nm_linear(x, weight, f"{n}:{m}")
    assert result.dtype == torch.int32
    assert result.tolist() == expected


def test_largest_sums_are_exact():
    x = torch.full((1, 131071), -128, dtype=torch.int8)
    assert integer_matmul(x, x).item() == 131071 * 16384


def test_integer_layer_rejects():
    x = torch.ones(2, 8, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"^x must be int8 of two dimensions, not float32 of 2$"):
        integer_matmul(x.float(), x)
    with pytest.raises(ValueError, match=r"^weight must have the 8 input features of x, not 4$"):
        nm_linear(x, x[:, :4], "2:4")
    with pytest.raises(ValueError, match=r"^coefficients must be integers, not float32$"):
        nm_linear(x, x, "2:4", torch.rand(8))
    big = torch.ones(1, 131072, dtype=torch.int8)
    with pytest.raises(ValueError, match=r"^x must have at most 131071 input features, not "):
        integer_matmul(big, big)


def test_sparse_linear_is_close_to_the_float_layer():
    torch.manual_seed(0)
    linear = torch.nn.Linear(64, 48)
    x = torch.randn(2, 7, 64)
    dense = SparseLinear(linear, "16:16")(x)
    assert dense.shape == (2, 7, 48)
    assert snr_db(linear(x), dense) > 35
    assert snr_db(linear(x), SparseLinear(linear, "8:16")(x)) > 5


def test_metrics_by_hand():
    exact = torch.tensor([[3.0, 4.0]])
    assert snr_db(exact, exact) == math.inf
    assert snr_db(exact, torch.tensor([[3.0, 3.5]])) == pytest.approx(20)
    assert cosine(exact, torch.tensor([[4.0, -3.0]])) == pytest.approx(0)
    assert energy_kept(exact, torch.tensor([[False, True]])) == pytest.approx(0.64)


@pytest.mark.parametrize("features", [1, 2, 3, 17])
@pytest.mark.parametrize("outputs", [1, 2, 33])
@pytest.mark.parametrize("tokens", [0, 1, 5])
def test_integer_product_of_every_shape(tokens, features, outputs):
    generator = torch.Generator().manual_seed(tokens + features + outputs)
    x, weight = (torch.randint(-128, 128, (rows, features), dtype=torch.int8, generator=generator)
                 for rows in (tokens, outputs))
    assert torch.equal(integer_matmul(x, weight).long(), x.long() @ weight.long().t())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_layer_computes_the_same_in_a_model_of_another_type(dtype):
    torch.manual_seed(0)
    layer, x = SparseLinear(nn.Linear(64, 16), "8:16"), torch.randn(5, 64).to(dtype)
    expected = layer(x)
    model = nn.Sequential(layer).to(dtype)
    assert torch.equal(model(x), expected)
    assert {layer.scale.dtype, layer.bias.dtype} == {torch.float32}


@pytest.mark.parametrize("x", [torch.ones(3, 64, dtype=torch.int64), torch.ones(3, 32),
                               torch.tensor(1.0)], ids=lambda x: f"{x.dtype} {list(x.shape)}")
def test_a_layer_refuses_what_is_no_row_of_floats(x):
    layer = nn.Linear(64, 16)
    for made in (SparseLinear(layer, "8:16"), OnAccelerator.from_linear(
            layer, ReferenceAccelerator(Design(Pattern(8, 16))))):
        with pytest.raises(ValueError, match=r"^input of the layer must be floating-point numbers "
                                             r"\[\.\.\., 64\] to be sparse, not torch\."):
            made(x)
