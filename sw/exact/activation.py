"""Bias and activation function behind a layer in bf16, to the bit as the epilogue has them."""

import torch
from torch import Tensor

from hw.config import choice
from hw.config.activations import FRACTION, FUNCTIONS, INSIDE, LINES
from sw.exact.convert import NAN_BITS, convert
from sw.exact.formats import from_bits, to_bits


__all__ = ["activate", "add_bias"]


SIGNIFICAND, FIELD, BIAS = 8, 0xFF, 127

PLACED = LINES + INSIDE
"""Bits of a magnitude in fixed point."""


def add_bias(y: Tensor, bias: Tensor) -> Tensor:
    """Sums of bfloat16 tensors that broadcast, rounded once: to the nearest, half to even.

    NaN is 7FC0.
    """
    # Exact where it matters: a sum that float64 cannot hold is never half way between two bf16.
    return convert(y.double() + bias.double(), "bf16")


def activate(x: Tensor, name: str) -> Tensor:
    """An activation function of bfloat16 values of any shape, by the tables of the hardware.

    With ``m`` the significand of ``x``, an integer of 8 bits, and ``a`` its magnitude, cut to 15
    bits below ``2 ** end``::

        q = begin[a >> 8] - (fall[a >> 8] * (a & 255) >> 8)     0 from 2 ** end on
        f = round(m * (q if x < 0 else 2 ** 20 - q))            to bf16, half to even

    Subnormal numbers come and go. NaN gives 7FC0, infinity itself, and -infinity, as everything
    below ``-2 ** end``, -0.

    Parameters
    ----------
    x : Tensor
        bfloat16.
    name : str
        One of :data:`hw.config.activations.FUNCTIONS`.

    Raises
    ------
    ValueError
        If the function is unknown.
    """
    function = FUNCTIONS[choice("activation", name, tuple(FUNCTIONS))]
    bits = to_bits(x, "bf16")
    field, negative = bits >> SIGNIFICAND - 1 & FIELD, bits >> 15 != 0
    significand = (bits & 0x7F) | (field > 0).long() << SIGNIFICAND - 1
    exponent = field.clamp_min(1)
    last = BIAS - 1 + function.end  # of those below 2 ** end
    place = (significand << PLACED - SIGNIFICAND) >> (last - exponent).clamp(0, PLACED)
    begins, falls = torch.tensor(function.lines).unbind(1)
    line, inside = place >> INSIDE, place & (1 << INSIDE) - 1
    tail = begins[line] - (falls[line] * inside >> INSIDE)
    tail = torch.where(exponent > last, 0, tail)
    product = significand * torch.where(negative, tail, (1 << FRACTION) - tail)
    packed = _packed(product, exponent) | negative.long() << 15
    packed = torch.where(bits == 0x7F80, bits, packed)
    nan = (field == FIELD) & (bits & 0x7F != 0)
    return from_bits(torch.where(nan, NAN_BITS["bf16"], packed), "bf16")


def _packed(product: Tensor, exponent: Tensor) -> Tensor:
    """Bits of a product of 28 bits, whose highest has the place of a significand's."""
    zeros = SIGNIFICAND + FRACTION - 1 - torch.log2(product.double().clamp_min(1)).floor().long()
    amount = torch.minimum(zeros, exponent - 1)
    shifted = product << amount
    kept, below = shifted >> FRACTION, shifted & (1 << FRACTION) - 1
    half = 1 << FRACTION - 1
    up = (below > half) | ((below == half) & (kept & 1 == 1))
    field = torch.where(kept >> SIGNIFICAND - 1 == 1, exponent - amount, 0)
    return (field << SIGNIFICAND - 1 | kept & 0x7F) + up
