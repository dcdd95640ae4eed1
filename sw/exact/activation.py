"""Bias and activation function behind a layer in bf16 or fp16, to the bit of the epilogue."""

import torch
from torch import Tensor

from hw.config import choice
from hw.config.activations import FRACTION, FUNCTIONS, INSIDE, LINES
from hw.formats import FORMATS, Format
from sw.exact.convert import NAN_BITS, convert
from sw.exact.formats import from_bits, to_bits


__all__ = ["activate", "add_bias"]


NAMES = {torch.bfloat16: "bf16", torch.float16: "fp16"}
"""Formats by the type that holds them."""

PLACED = LINES + INSIDE
"""Bits of a magnitude in fixed point."""


def add_bias(y: Tensor, bias: Tensor) -> Tensor:
    """Sums of bfloat16 or float16 tensors that broadcast, rounded once.

    To the nearest, half to even. NaN is 7FC0, or 7E00.
    """
    # Exact where it matters: a sum that float64 cannot hold is never half way between two bf16.
    return convert(y.double() + bias.double(), NAMES[y.dtype])


def activate(x: Tensor, name: str) -> Tensor:
    """An activation function of bfloat16 or float16 of any shape, by the tables of the hardware.

    With ``m`` the significand of ``x``, an integer of 8 or 11 bits, and ``a`` its magnitude, cut to
    15 bits below ``2 ** end``::

        q = begin[a >> 8] - (fall[a >> 8] * (a & 255) >> 8)     0 from 2 ** end on
        f = round(m * (q if x < 0 else 2 ** 20 - q))            to the type, half to even

    Subnormal numbers come and go. NaN gives 7FC0 or 7E00, infinity itself, and -infinity, as
    everything below ``-2 ** end``, -0.

    Parameters
    ----------
    x : Tensor
        bfloat16 or float16.
    name : str
        One of :data:`hw.config.activations.FUNCTIONS`.

    Raises
    ------
    ValueError
        If the function is unknown.
    """
    function = FUNCTIONS[choice("activation", name, tuple(FUNCTIONS))]
    form = FORMATS[NAMES[x.dtype]]
    bits, below = to_bits(x, form.name), (1 << form.mantissa) - 1
    magnitude, negative = bits & 0x7FFF, bits >> 15 != 0
    field = magnitude >> form.mantissa
    significand = (bits & below) | (field > 0).long() << form.mantissa
    exponent = field.clamp_min(1)
    last = form.bias - 1 + function.end  # of those below 2 ** end
    place = (significand << PLACED - form.mantissa - 1) >> (last - exponent).clamp(0, PLACED)
    begins, falls = torch.tensor(function.lines).unbind(1)
    line, inside = place >> INSIDE, place & (1 << INSIDE) - 1
    tail = begins[line] - (falls[line] * inside >> INSIDE)
    tail = torch.where(exponent > last, 0, tail)
    product = significand * torch.where(negative, tail, (1 << FRACTION) - tail)
    packed = _packed(product, exponent, form) | negative.long() << 15
    infinity = form.infinity or 0
    packed = torch.where(bits.eq(infinity), bits, packed)
    packed = torch.where(magnitude > infinity, NAN_BITS[form.name], packed)
    return from_bits(packed, form.name)


def _packed(product: Tensor, exponent: Tensor, form: Format) -> Tensor:
    """Bits of a product whose highest bit has the place of that of a significand."""
    zeros = form.mantissa + FRACTION - torch.log2(product.double().clamp_min(1)).floor().long()
    amount = torch.minimum(zeros, exponent - 1)
    shifted = product << amount
    kept, below = shifted >> FRACTION, shifted & (1 << FRACTION) - 1
    half = 1 << FRACTION - 1
    up = (below > half) | ((below == half) & (kept & 1 == 1))
    field = torch.where(kept >> form.mantissa == 1, exponent - amount, 0)
    return (field << form.mantissa | kept & (1 << form.mantissa) - 1) + up
