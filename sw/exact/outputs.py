"""Integer weights with a scale for each output, under activations in floats.

The scale multiplies what leaves the array: with ``a`` the accumulator in binary32, and ``s`` the
scale of its output, bf16 or fp16, the result is ``a * s``, exact and rounded once to the format of
``s``, to the nearest, half to even. Subnormal numbers come and go, what is beyond the largest is
infinite, and signs are those of IEEE 754: a negative scale turns them. NaN, and zero times
infinity, give 7FC0, or 7E00. A bias is added to that (:func:`sw.exact.activation.add_bias`), which
is a second rounding.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import FORMATS
from sw.exact.activation import NAMES
from sw.exact.convert import convert
from sw.exact.formats import TYPES


__all__ = ["SCALES", "Scaled", "quantize_outputs", "scale_outputs"]


SCALES = tuple(NAMES.values())
"""Formats of a scale: that of the results."""


class Scaled(NamedTuple):
    """Weights of a layer as integers, with a scale for each output.

    Attributes
    ----------
    values : Tensor
        int8, [O, K], of the format ``name``.
    scale : Tensor
        bfloat16 or float16, [O]; the real weight is ``values * scale[:, None]``.
    name : str
        ``int4`` or ``int8``.
    """

    values: Tensor
    scale: Tensor
    name: str

    def dequantize(self) -> Tensor:
        """Return the real weights, float32."""
        return self.values.float() * self.scale.float()[:, None]


def quantize_outputs(weight: Tensor, name: str, scale: str = "bf16") -> Scaled:
    """Round weights [O, K] of any floating-point type to integers, with a scale for each output.

    The scale is the output's largest magnitude over the largest integer, 7 or 127, rounded once to
    ``scale``, at least its smallest positive number, and 1 for an output of zeros. Weights are
    divided by what it has become, rounded half to even, and saturate at the largest on both sides:
    -8 and -128 are never used.

    Raises
    ------
    ValueError
        If a format is none, or weights are not finite, or too large for a scale.
    """
    choice("weight_format", name, ("int4", "int8"))
    choice("scale", scale, SCALES)
    most, form = (1 << FORMATS[name].bits - 1) - 1, FORMATS[scale]
    weight = weight.double()
    largest = weight.abs().amax(-1)
    if not bool((largest <= most * form.max_finite).all()):
        raise ValueError(f"weight must be finite, and at most {most * form.max_finite:g} with "
                         f"scales of {scale}, not {largest.max().item():g}")
    rounded = convert((largest / most).clamp_min(2.0 ** form.unit), scale)
    rounded = torch.where(largest == 0, 1, rounded)
    values = (weight / rounded.double()[:, None]).round().clamp(-most, most)
    return Scaled(values.to(TYPES[name]), rounded, name)


def scale_outputs(y: Tensor, scale: Tensor) -> Tensor:
    """Accumulators float32 [T, O] times the scales of their outputs, bfloat16 or float16 [..., O].

    Returns the type of the scales.
    """
    return convert(y.double() * scale.double(), NAMES[scale.dtype])  # 24 by 8 or 11 bits: exact
