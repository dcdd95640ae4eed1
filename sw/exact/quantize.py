"""Floating point to int8 or fp8 and back: symmetric, one scale for each row.

A row is a token of the activations, or the weights of one output channel. Its scale is its
largest magnitude over the largest of the format, the quotient rounded to binary32: 127 for int8, so
the values -127 to 127 are used, -128 never, 448 for fp8_e4m3 and 57344 for fp8_e5m2. A value is
divided by its scale in binary32, and what that gives is rounded to the format. Both roundings are
to the nearest, half to even. A row of zeros, or of numbers whose scale would be subnormal, has the
scale 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import FORMATS, ROW_FORMATS
from sw.exact.convert import convert
from sw.exact.graph import is_recorded


__all__ = ["LARGEST", "Quantized", "quantize", "saturate"]


LARGEST = 127
"""Largest magnitude that quantisation to int8 gives."""


class Quantized(NamedTuple):
    """Integers or fp8 numbers, and their scales.

    Attributes
    ----------
    values : Tensor
        int8 or fp8, shape [..., K].
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


def quantize(x: Tensor, largest: Tensor | None = None, name: str = "int8") -> Quantized:
    """Quantise ``x`` [..., K], any floating-point type, with one scale for each row.

    ``largest`` [..., 1] is the magnitude that becomes the largest of the format, by default the
    largest of the row; larger values saturate. ``name`` is one of
    ``hw.formats.ROW_FORMATS``.

    Raises
    ------
    ValueError
        If the format is none of these, or a value is infinite or NaN. In a graph, where none can
        be read, the scale of its row becomes NaN.
    """
    choice("format", name, ROW_FORMATS)
    most = LARGEST if name == "int8" else FORMATS[name].max_finite
    x = x.float()
    largest = x.abs().amax(-1, keepdim=True) if largest is None else largest.float()
    if not is_recorded(x) and not bool(x.isfinite().all() & largest.isfinite().all()):
        raise ValueError("x must be finite to be quantised, not infinite or NaN")
    # A row of subnormals would get the scale 0.
    tiny = torch.finfo(torch.float32).tiny
    scale = torch.where(largest > tiny * most, largest / most, torch.ones_like(largest))
    # Integers have no NaN. Where values cannot be read to refuse them, the scale tells.
    scale = torch.where(largest.isfinite(), scale, torch.nan)
    if name != "int8":
        return Quantized(convert(x / scale, name), scale)
    return Quantized(saturate((x / scale).round().nan_to_num()), scale)
