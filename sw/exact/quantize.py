"""Floating point to the int8 of the hardware and back: symmetric, one scale for each row.

A row is a token of the activations, or the weights of one output channel. Its scale is its
largest magnitude over 127, so the values -127 to 127 are used, -128 never. Rounding is to the
nearest, half to even. A row of zeros has the scale 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from sw.exact.graph import is_recorded


__all__ = ["LARGEST", "Quantized", "quantize", "saturate"]


LARGEST = 127
"""Largest magnitude that quantisation gives."""


class Quantized(NamedTuple):
    """Integers and their scales.

    Attributes
    ----------
    values : Tensor
        int8, shape [..., K].
    scale : Tensor
        float32, shape [..., 1]; the real value is ``values * scale``.
    """

    values: Tensor
    scale: Tensor

    def dequantize(self) -> Tensor:
        """Return the real values, float32."""
        return self.values.float() * self.scale


def saturate(x: Tensor, bits: int = 8) -> Tensor:
    """Clamp integers to ``bits`` (4 or 8: -128 to 127), as the hardware's shift does; int8."""
    half = 1 << bits - 1
    return x.clamp(-half, half - 1).to(torch.int8)


def quantize(x: Tensor, largest: Tensor | None = None) -> Quantized:
    """Quantise ``x`` [..., K], any floating-point type, with one scale for each row.

    ``largest`` [..., 1] is the magnitude that becomes 127, by default the largest of the row;
    larger values saturate.

    Raises
    ------
    ValueError
        If a value is infinite or NaN. In a graph, where none can be read, the scale of its row
        becomes NaN.
    """
    x = x.float()
    largest = x.abs().amax(-1, keepdim=True) if largest is None else largest.float()
    if not is_recorded(x) and not bool(x.isfinite().all() & largest.isfinite().all()):
        raise ValueError("x must be finite to be quantised, not infinite or NaN")
    # A row of subnormals would get the scale 0.
    tiny = torch.finfo(torch.float32).tiny
    scale = torch.where(largest > tiny * LARGEST, largest / LARGEST, torch.ones_like(largest))
    # Integers have no NaN. Where values cannot be read to refuse them, the scale tells.
    scale = torch.where(largest.isfinite(), scale, torch.nan)
    return Quantized(saturate((x / scale).round().nan_to_num()), scale)
