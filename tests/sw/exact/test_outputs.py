"""Integer weights with a scale for each output: rounding, and the rule against fractions."""

from fractions import Fraction

import pytest
import torch

from hw.formats import FORMATS
from sw.exact.formats import TYPES
from sw.exact.outputs import SCALES, Scaled, quantize_outputs, scale_outputs


def test_largest_weights_become_the_largest_integer():
    weight = torch.tensor([[7.0, -3.5, 1.0, 0.4], [0, 0, 0, 0], [-28, 2, -6, 10]])
    found = quantize_outputs(weight, "int4")
    assert isinstance(found, Scaled)
    assert found.values.tolist() == [[7, -4, 1, 0], [0, 0, 0, 0], [-7, 0, -2, 2]]
    assert found.scale.dtype == torch.bfloat16
    assert found.scale.tolist() == [1, 1, 4]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ["int4", "int8"])
def test_no_weight_is_further_than_half_a_step(name, scale):
    """Of the scale that was rounded, but for what saturates because that is less than it was."""
    generator = torch.Generator().manual_seed(14)
    sizes = 2.0 ** torch.arange(-16, 9).repeat(2)[:, None]
    weight = torch.randn(50, 64, generator=generator) * sizes
    found = quantize_outputs(weight, name, scale)
    most = (1 << FORMATS[name].bits - 1) - 1
    assert found.scale.dtype == TYPES[scale]
    assert int(found.values.abs().max()) == most
    step = found.scale.double()[:, None]
    error = (found.values.double() * step - weight.double()).abs()
    inside = weight.double().abs() <= most * step
    assert inside.double().mean() > 0.98
    assert bool((error[inside] <= (step / 2).expand_as(error)[inside]).all())
    assert bool((found.values.abs()[~inside] == most).all())
    assert found.dequantize().equal(found.values.float() * found.scale.float()[:, None])


def test_the_smallest_weights_of_fp16_have_its_smallest_scale():
    found = quantize_outputs(torch.tensor([[2.0 ** -24, -(2.0 ** -26)]]), "int8", "fp16")
    assert found.scale.item() == 2.0 ** -24
    assert found.values.tolist() == [[1, 0]]


@pytest.mark.parametrize(("weight", "arguments", "message"), [
    (torch.ones(1, 2), ("fp8_e4m3",), "weight_format must be one of int4, int8, not 'fp8_e4m3'"),
    (torch.ones(1, 2), ("int4", "fp32"), "scale must be one of bf16, fp16, not 'fp32'"),
    (torch.tensor([[1, torch.nan]]), ("int4",),
     r"weight must be finite, and at most \S+ with scales of bf16, not nan"),
    (torch.tensor([[2e6, 1]]), ("int4", "fp16"),
     r"weight must be finite, and at most 458528 with scales of fp16, not 2e\+06")])
def test_weights_that_have_no_scale_are_refused(weight, arguments, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        quantize_outputs(weight, *arguments)


@pytest.mark.parametrize("name", SCALES)
def test_products_are_rounded_once(name):
    """Against the nearest of two neighbours by fractions, ties to the even one."""
    generator = torch.Generator().manual_seed(3)
    y = torch.randn(20, 6, generator=generator) * 2.0 ** torch.arange(-12, 8)[:, None]
    y[::3] = y[::3].bfloat16().float()  # short enough for ties
    scale = (torch.randn(6, generator=generator) * 2.0 ** -3).to(TYPES[name])
    found = scale_outputs(y, scale)
    assert found.dtype == scale.dtype
    for row, results in zip(y, found, strict=True):
        for one, factor, result in zip(row, scale, results, strict=True):
            exact = Fraction(one.item()) * Fraction(factor.item())
            near = [torch.nextafter(result, torch.tensor(way, dtype=result.dtype))
                    for way in (-torch.inf, torch.inf)]
            off = abs(Fraction(result.item()) - exact)
            others = [abs(Fraction(other.item()) - exact) for other in near]
            assert off <= min(others)
            if off == min(others):
                assert result.view(torch.int16).item() & 1 == 0


def test_special_sums_and_scales():
    inf, nan = torch.inf, torch.nan
    y = torch.tensor([0.0, -0.0, inf, nan, 1.0, 3e38])
    scale = torch.tensor([-2.0, 0.0, inf]).bfloat16()
    found = scale_outputs(y[:, None], scale)
    expected = torch.tensor([[-0.0, 0, nan], [0, -0.0, nan], [-inf, nan, inf], [nan, nan, nan],
                             [-2, 0, inf], [-inf, 0, inf]])
    assert found.float().allclose(expected, equal_nan=True)
    assert found.signbit().equal(expected.signbit() & ~expected.isnan())
    assert set(found[found.isnan()].view(torch.int16).tolist()) == {0x7FC0}
