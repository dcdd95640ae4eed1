"""The linear layer as the hardware computes it: N:M sparse int8 activations, dense int8 weights."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from hw.config import PRODUCT_MAGNITUDE, Pattern
from sw.exact.graph import lacks_operations
from sw.exact.modules import check_tokens, float32_stays
from sw.exact.quantize import quantize
from sw.exact.selection import nm_prune


__all__ = ["SparseLinear", "integer_matmul", "nm_linear"]


MAX_K = ((1 << 31) - 1) // PRODUCT_MAGNITUDE
"""Input features whose products an int32 accumulator always holds."""


def integer_matmul(x: Tensor, weight: Tensor) -> Tensor:
    """Return ``x @ weight.T`` of int8 [T, K] and int8 [O, K] in int32, exact.

    Raises
    ------
    ValueError
        If a type or shape is another, or K is more than an int32 accumulator covers.
    """
    for name, value in (("x", x), ("weight", weight)):
        if value.dtype != torch.int8 or value.dim() != 2:
            raise ValueError(f"{name} must be int8 of two dimensions, not "
                             f"{str(value.dtype).removeprefix('torch.')} of {value.dim()}")
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"weight must have the {x.shape[1]} input features of x, "
                         f"not {weight.shape[1]}")
    if x.shape[1] > MAX_K:
        raise ValueError(f"x must have at most {MAX_K} input features, not {x.shape[1]}")
    # PyTorch's own product is wrong where K is 1.
    if x.device.type == "cpu" and x.shape[1] > 1 and not lacks_operations(x, weight):
        return torch._int_mm(x.contiguous(), weight.t())
    # cuBLAS asks for multiples of 8 and more than 16 rows; float64 is exact below 2 ** 53.
    return (x.double() @ weight.double().t()).to(torch.int32)


def nm_linear(x: Tensor, weight: Tensor, pattern: Pattern | str,
              coefficients: Tensor | None = None) -> Tensor:
    """Prune int8 tokens to N:M and multiply by the weights, in integers.

    Parameters
    ----------
    x : Tensor
        int8, [T, K].
    weight : Tensor
        int8, [O, K].
    pattern : Pattern or str
        Such as ``"8:16"``; N = M is dense.
    coefficients : Tensor, optional
        Integers, [K], factors of the score.

    Returns
    -------
    Tensor
        int32, [T, O]: the accumulators of the hardware.

    Raises
    ------
    ValueError
        If a parameter is out of its range.
    """
    pattern = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
    if coefficients is not None and coefficients.is_floating_point():
        raise ValueError("coefficients must be integers, not "
                         f"{str(coefficients.dtype).removeprefix('torch.')}")
    return integer_matmul(nm_prune(x, pattern.n, pattern.m, coefficients), weight)


class SparseLinear(nn.Module):
    """A linear layer in floating point that computes as the hardware does.

    Tokens are quantised, pruned, multiplied in integers, and scaled back. The weights are
    quantised once; their scales and the bias stay float32, whatever type a model gets.

    Parameters
    ----------
    linear : nn.Linear
        The layer to take weights and bias from; it is not changed.
    pattern : Pattern or str
        Such as ``"8:16"``.
    coefficients : Tensor, optional
        Integers, [in_features], factors of the score.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None
    coefficients: Tensor | None

    def __init__(self, linear: nn.Linear, pattern: Pattern | str,
                 coefficients: Tensor | None = None):
        super().__init__()
        self.pattern = Pattern.parse(pattern) if isinstance(pattern, str) else pattern
        weight = quantize(linear.weight.detach())
        self.register_buffer("weight", weight.values)
        self.register_buffer("scale", weight.scale)
        bias = None if linear.bias is None else linear.bias.detach().float()
        self.register_buffer("bias", bias)
        self.register_buffer("coefficients", coefficients)

    def forward(self, x: Tensor) -> Tensor:
        """Return [..., out_features] in the type of ``x`` [..., in_features]."""
        check_tokens(x, self.weight.shape[1], "the layer")
        tokens = quantize(x.reshape(-1, x.shape[-1]))
        sums = nm_linear(tokens.values, self.weight, self.pattern, self.coefficients)
        y = sums.float() * tokens.scale * self.scale.t()
        if self.bias is not None:
            y = y + self.bias
        return y.to(x.dtype).reshape(*x.shape[:-1], self.weight.shape[0])

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "SparseLinear":
        super()._apply(float32_stays(fn), recurse)
        return self

    def extra_repr(self) -> str:
        """Shape and pattern, for print."""
        return f"{self.weight.shape[1]} -> {self.weight.shape[0]}, pattern={self.pattern}"
