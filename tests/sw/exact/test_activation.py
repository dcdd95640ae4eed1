"""Bias and activation functions in bf16 and fp16: all inputs of a function, and the table."""

from itertools import pairwise

import pytest
import torch
from torch.nn.functional import gelu, silu

from hw.config.activations import FUNCTIONS, LINES
from sw.exact.activation import activate, add_bias
from sw.exact.convert import convert
from sw.exact.formats import from_bits, to_bits


ALL = {name: from_bits(torch.arange(1 << 16), name) for name in ("bf16", "fp16")}

EXACT = {"gelu": gelu, "silu": silu}


def ordered(x, form):
    """Bits as integers that grow with the numbers; both zeros are 0."""
    bits = to_bits(x, form)
    return torch.where(bits >> 15 == 1, 0x8000 - bits, bits)


@pytest.mark.parametrize(("form", "name", "least", "beyond", "most"), [
    ("bf16", "gelu", -3.0, 2e-5, 0.02), ("bf16", "silu", -8.0, 3e-4, 0.02),
    ("fp16", "gelu", -1.0, 2e-4, 0.1), ("fp16", "silu", -1.0, 3e-4, 0.11)])
def test_a_function_is_within_one_unit_in_the_last_place(form, name, least, beyond, most):
    x = ALL[form][ALL[form].isfinite()]
    y, exact = activate(x, name), EXACT[name](x.double())
    near = x >= least
    nearest = convert(exact, form)
    assert (ordered(y, form) - ordered(nearest, form)).abs()[near].max() == 1
    error = (y.double() - exact).abs()[~near].max().item()
    assert error < beyond
    share = (y != nearest)[near].double().mean().item()
    print(f"{name}: {share:.2%} of all inputs from {least} on are not the nearest {form}; below, "
          f"the largest error is {error:.1e}")
    assert share < most


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("bits", "expected"), [
    (0x0000, 0x0000), (0x8000, 0x8000), (0x7F80, 0x7F80), (0xFF80, 0x8000), (0x7FC1, 0x7FC0),
    (0xFFFF, 0x7FC0), (0x7F7F, 0x7F7F), (0xFF7F, 0x8000), (0x0080, 0x0040), (0x0001, 0x0001),
    (0x8001, 0x8000), (0x0003, 0x0002)])
def test_the_table_of_special_values(name, bits, expected):
    assert to_bits(activate(from_bits(torch.tensor(bits), "bf16"), name), "bf16") == expected


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("bits", "expected"), [
    (0x0000, 0x0000), (0x8000, 0x8000), (0x7C00, 0x7C00), (0xFC00, 0x8000), (0x7C01, 0x7E00),
    (0xFFFF, 0x7E00), (0x7BFF, 0x7BFF), (0xFBFF, 0x8000), (0x0001, 0x0001), (0x8001, 0x8000),
    (0x0003, 0x0002)])
def test_special_values_of_fp16(name, bits, expected):
    assert to_bits(activate(from_bits(torch.tensor(bits), "fp16"), name), "fp16") == expected


@pytest.mark.parametrize("name", FUNCTIONS)
def test_lines_fall_and_meet(name):
    lines = FUNCTIONS[name].lines
    assert len(lines) == 1 << LINES
    for (begin, fall), (following, _) in pairwise(lines):
        assert 0 <= fall <= begin
        assert abs(begin - fall - following) < 64  # of 2 ** 20


def test_an_unknown_function_is_named():
    with pytest.raises(ValueError, match="activation must be one of gelu, silu, not 'relu'"):
        activate(ALL["bf16"][:1], "relu")


def test_a_bias_is_rounded_once():
    y = from_bits(torch.tensor([0x3F80, 0x3F80, 0x3F81, 0x8000, 0x8000, 0x7F80, 0x7F80, 0x7F7F,
                                0x0001]), "bf16")
    bias = from_bits(torch.tensor([0x3B80, 0x3B81, 0x3B80, 0x8000, 0x0000, 0xFF80, 0x3F80, 0x7F7F,
                                   0x0001]), "bf16")
    expected = [0x3F80, 0x3F81, 0x3F82, 0x8000, 0x0000, 0x7FC0, 0x7F80, 0x7F80, 0x0002]
    assert to_bits(add_bias(y, bias), "bf16").tolist() == expected
