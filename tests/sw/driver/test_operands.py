"""Operands of a layer that an accelerator does not take, and a layer of no token."""

import pytest
import torch
from torch import nn

from hw.config import Design, Pattern
from sw.driver.layer import SparseLinear
from sw.driver.linear import Corrections, run_linear
from sw.driver.reference import ReferenceAccelerator


@pytest.mark.parametrize(("x", "weight", "message"), [
    ((0, 8), (3, 8), r"x must hold at least one row of one feature, not \[0, 8\]"),
    ((2, 0), (3, 0), r"x must hold at least one row of one feature, not \[2, 0\]"),
    ((2, 8), (0, 8), r"weight must hold at least one row of one feature, not \[0, 8\]"),
    ((2, 8), (3, 4), "weight must have the 8 input features of x, not 4"),
    ((8,), (3, 8), r"x must be int8 with two axes, not int8 \[8\]"),
])
def test_shapes_of_no_layer_are_refused(x, weight, message):
    device = ReferenceAccelerator(Design(Pattern(2, 4)))
    with pytest.raises(ValueError, match=f"^{message}$"):
        run_linear(device, torch.ones(x, dtype=torch.int8), torch.ones(weight, dtype=torch.int8))


def test_other_types_are_refused():
    device = ReferenceAccelerator(Design(Pattern(2, 4)))
    with pytest.raises(ValueError, match=r"^x must be int8 with two axes, not float32 \[2, 8\]$"):
        run_linear(device, torch.ones(2, 8), torch.ones(3, 8, dtype=torch.int8))


@pytest.mark.parametrize("output_scale", [None, 0.1])
@pytest.mark.parametrize("shape", [(0, 8), (2, 0, 8)])
def test_a_layer_of_no_token_gives_no_result(shape, output_scale):
    device = ReferenceAccelerator(Design(Pattern(2, 4)))
    layer = SparseLinear.from_linear(nn.Linear(8, 3), device, output_scale=output_scale)
    y = layer(torch.zeros(shape, dtype=torch.bfloat16))
    assert (y.shape, y.dtype) == ((*shape[:-1], 3), torch.bfloat16)
    assert set(layer.counters.values()) == {0}


@pytest.mark.parametrize("shift", [2, -3, 127])
def test_padding_displaces_no_value_of_a_layer_with_a_static_shift(shift):
    """Of 6 features in blocks of 8 the 4 largest are kept after the shift, not what fills up."""
    device = ReferenceAccelerator(Design(Pattern(4, 8), shift="scalar"))
    x = torch.tensor([[shift + 1, shift - 1, shift, shift, shift, shift + 9]]).clamp(-128, 127)
    y, _ = run_linear(device, x.to(torch.int8), torch.ones(1, 6, dtype=torch.int8),
                      Corrections(static_shift=shift))
    assert y.tolist() == [[int((x - shift).sum())]]


@pytest.mark.parametrize("shift", [-129, 128])
def test_a_static_shift_beyond_int8_is_refused(shift):
    device = ReferenceAccelerator(Design(Pattern(4, 8), shift="scalar"))
    x, weight = torch.ones(1, 8, dtype=torch.int8), torch.ones(1, 8, dtype=torch.int8)
    with pytest.raises(ValueError, match=f"^static_shift must be an integer .*, not {shift}$"):
        run_linear(device, x, weight, Corrections(static_shift=shift))
