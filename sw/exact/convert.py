"""Floats to the element formats of the hardware: one rounding, and saturation.

To the nearest, half to even, subnormals included. What rounds beyond the largest finite value of an
integer, fp4, fp6 or fp8 format becomes that value, infinities too (the saturation mode of the OCP
specifications); in fp16 and bf16 it becomes infinite, as IEEE 754 has it. NaN stays NaN, one
positive pattern (``NAN_BITS``), and becomes +0 where a format has none. -0 stays -0 in floats.
"""

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import FORMATS
from sw.exact.formats import TYPES, from_bits


__all__ = ["NAN_BITS", "convert", "exponents", "powers"]


NAN_BITS = {"fp8_e4m3": 0x7F, "fp8_e5m2": 0x7F, "fp16": 0x7E00, "bf16": 0x7FC0}
"""Bits of the NaN that a conversion gives."""


def powers(exponent: Tensor) -> Tensor:
    """``2 ** exponent`` of integers from -1022 to 1023, exactly; float64."""
    return (exponent.long() + 1023 << 52).view(torch.float64)


def exponents(x: Tensor) -> Tensor:
    """``floor(log2(|x|))`` of float64 in its normal range, int64; 0 for 0, infinities and NaN."""
    exponent = (x.view(torch.int64) >> 52 & 0x7FF) - 1023
    return torch.where((x == 0) | ~x.isfinite(), 0, exponent)


def convert(x: Tensor, name: str) -> Tensor:
    """Round floats of any shape, at most 64 bits wide, to a format of ``hw.formats.FORMATS``.

    The result has the type ``sw.exact.formats.TYPES[name]``.

    Raises
    ------
    ValueError
        If the format is unknown.
    """
    form = FORMATS[choice("format", name, tuple(FORMATS))]
    x = x.double()
    if form.integer:
        half = 1 << form.bits - 1
        return x.round().clamp(-half, half - 1).nan_to_num(0).to(TYPES[name])
    quantum = powers(exponents(x).clamp_min(form.least_exponent) - form.mantissa)
    rounded = (x / quantum).round() * quantum
    rounded = rounded.clamp(-form.max_finite, form.max_finite) if form.bits <= 8 else \
        torch.where(rounded.abs() > form.max_finite, rounded.sign() * torch.inf, rounded)
    values = torch.where(x.isnan(), 0, rounded).to(TYPES[name])  # exact
    if not form.nan:
        return values
    pattern = from_bits(torch.tensor(NAN_BITS[name], device=x.device), name)
    size = {1: torch.int8, 2: torch.int16}[values.element_size()]
    return torch.where(x.isnan(), pattern.view(size), values.view(size)).view(values.dtype)
