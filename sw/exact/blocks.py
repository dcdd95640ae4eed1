"""Block formats: elements along the input features that share a scale, MX and NVFP4.

How a scale is found and divided by, ``largest`` being the largest magnitude of the block:

* MX: ``scale = 2 ** (floor(log2(largest)) - e)``, ``e`` the exponent of the largest finite element;
  the exponent of the scale is at least -127 and at most 127, and -127 where ``largest`` is 0.
* NVFP4: ``scale`` is ``largest / 6 / t``, ``t`` being the scale of the tensor, the exact quotient
  rounded once to E4M3 (nearest, half to even, saturated), at least the smallest positive one.
* An element is the exact quotient ``x / scale`` (NVFP4: ``x / (scale * t)``), rounded once to the
  nearest, half to even, and saturated.
* A NaN or an infinity among the values that the scale comes from makes the scale NaN, and with it
  the block; the elements are +0.

The last block of a row may be short: it is filled with zeros.
"""

from math import ceil, log2
from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import choice
from hw.formats import BLOCK_FORMATS, E8M0_BIAS, FORMATS, NVFP4_LEAST_TENSOR, BlockFormat
from sw.exact.convert import convert, exponents, powers
from sw.exact.selection import pad_features


__all__ = ["SCALE_TYPES", "Blocks", "check_tensor", "quantize_blocks", "tensor_scale",
           "weight_tensor_scale"]


SCALE_TYPES = {"e8m0": torch.float8_e8m0fnu, "e4m3": torch.float8_e4m3fn}
"""Type that holds the scales of a block format."""

_LEAST_E4M3 = FORMATS["fp8_e4m3"].value(1)


class Blocks(NamedTuple):
    """Elements and their scales.

    Attributes
    ----------
    values : Tensor
        Elements [..., K], of the type ``sw.exact.formats.TYPES`` of the element.
    scale : Tensor
        [..., ceil(K / size)], of the type ``SCALE_TYPES``.
    name : str
        Of the block format.
    tensor : float
        Scale of the tensor, 1 but for NVFP4.
    """

    values: Tensor
    scale: Tensor
    name: str
    tensor: float = 1.0

    def factors(self) -> Tensor:
        """The scales without that of the tensor, float64 [..., ceil(K / size)]."""
        if self.scale.dtype != torch.float8_e8m0fnu:
            return self.scale.double()
        bits = self.scale.view(torch.uint8).long()
        return torch.where(bits == 0xFF, torch.nan, powers(bits - E8M0_BIAS))

    def dequantize(self) -> Tensor:
        """Return the real values, float64 [..., K], exactly."""
        size, features = BLOCK_FORMATS[self.name].size, self.values.shape[-1]
        each = self.factors().repeat_interleave(size, -1)[..., :features]
        return self.values.double() * (each * self.tensor)


def tensor_scale(x: Tensor) -> float:
    """The scale of a tensor for NVFP4, from its largest finite magnitude: a number of bf16.

    ``largest / (6 * 448)``, rounded up, so that no block's scale saturates, and at least
    ``2 ** NVFP4_LEAST_TENSOR``; 1 for zeros alone.
    """
    largest = float(torch.where(x.isfinite(), x, 0).abs().max()) if x.numel() else 0.0
    if not largest:
        return 1.0
    quotient = torch.tensor(largest / (6 * FORMATS["fp8_e4m3"].max_finite), dtype=torch.float64)
    quantum = powers(exponents(quotient).clamp_min(-126) - FORMATS["bf16"].mantissa)
    return max(float((quotient / quantum).ceil() * quantum), 2.0 ** NVFP4_LEAST_TENSOR)


def weight_tensor_scale(weight: Tensor) -> float:
    """The scale of a tensor of weights: that of :func:`tensor_scale`, rounded up to a power of two.

    Times the scale of any tokens it is a number of bf16 again, so that one gain says both exactly.
    Scales of blocks have exponents of their own, and lose nothing by it.
    """
    return 2.0 ** ceil(log2(tensor_scale(weight)))


def quantize_blocks(x: Tensor, name: str, keep: Tensor | None = None, tensor: float = 1.0,
                    ) -> Blocks:
    """Quantise ``x`` [..., K], bf16, fp16 or fp8, to a block format.

    Parameters
    ----------
    x : Tensor
        As said.
    name : str
        One of ``hw.formats.BLOCK_FORMATS``.
    keep : Tensor, optional
        Mask of the values that are kept, bool, the shape of ``x``. Scales come from kept values
        alone, and dropped ones become +0.
    tensor : float
        Scale of the tensor, a finite number of bf16 of at least ``2 ** NVFP4_LEAST_TENSOR``; NVFP4
        alone.

    Raises
    ------
    ValueError
        If the format is unknown, ``x`` is of another type, or the scale of the tensor is none.
    """
    form = BLOCK_FORMATS[choice("format", name, tuple(BLOCK_FORMATS))]
    if not x.is_floating_point() or x.element_size() > 2:
        raise ValueError("x must be of a floating-point type of at most 16 bits to be quantised to "
                         f"{name}, not {str(x.dtype).removeprefix('torch.')}")
    check_tensor("tensor", tensor, name, NVFP4_LEAST_TENSOR)
    exact = x.double()
    if keep is not None:
        exact = torch.where(keep, exact, 0)
    features = exact.shape[-1]
    blocks = pad_features(exact, form.size).unflatten(-1, (-1, form.size))
    largest = blocks.abs().amax(-1, keepdim=True)  # NaN if one is
    unit, scale = (_mx if form.scale == "e8m0" else _nvfp4)(largest, form, tensor)
    # Rounds the exact quotients: they are ties or values of the format, and float64 holds them, or,
    # x and unit having at most 12 significant bits, lie 2 ** -20 of themselves away from one.
    values = convert(torch.where(unit.isnan(), 0, blocks / unit), form.element.name)
    return Blocks(values.flatten(-2)[..., :features], scale[..., 0], name, tensor)


def check_tensor(what: str, scale: float, name: str, least: int) -> None:
    """Raise ValueError if ``what`` is no scale of tensors in a format, from ``2 ** least`` on."""
    form = BLOCK_FORMATS.get(name)
    if scale != 1.0 and (form is None or form.scale == "e8m0"):
        why = "whose blocks alone have a scale" if form else "which has no blocks"
        raise ValueError(f"{what} must be 1 for {name}, {why}, not {scale!r}")
    if not 2.0 ** least <= scale < torch.inf or torch.tensor(scale).bfloat16().item() != scale:
        raise ValueError(f"{what} must be a finite number of bf16 of at least 2 ** {least}, not "
                         f"{scale!r}")


def _mx(largest: Tensor, form: BlockFormat, tensor: float) -> tuple[Tensor, Tensor]:
    """What elements are divided by, float64, and the scale."""
    exponent = (exponents(largest) - form.element.max_exponent).clamp(-E8M0_BIAS, E8M0_BIAS)
    exponent = torch.where(largest == 0, -E8M0_BIAS, exponent)
    finite = largest.isfinite()
    bits = torch.where(finite, exponent + E8M0_BIAS, 0xFF).to(torch.uint8)
    return (torch.where(finite, powers(exponent), torch.nan),
            bits.view(SCALE_TYPES["e8m0"]))


def _nvfp4(largest: Tensor, form: BlockFormat, tensor: float) -> tuple[Tensor, Tensor]:
    finite = largest.isfinite()
    ratio = torch.where(finite, largest, 0) / (form.element.max_finite * tensor)
    scale = convert(ratio, "fp8_e4m3").double().clamp_min(_LEAST_E4M3)
    scale = torch.where(finite, scale, torch.nan)
    return scale * tensor, convert(scale, "fp8_e4m3")
