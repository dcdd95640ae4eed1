"""Tokens to kept values in a number format: selection, and quantisation before or after it.

``before``: selection takes the values as they come, and scales come from the kept ones alone, which
is finer where factors of the score drop the largest value. ``after``: all values are quantised, and
selection compares the magnitudes of elements, of which more are equal. In a block format that needs
no look at scales, since M divides the values that share one.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import Pattern, choice
from hw.formats import (
    BLOCK_FORMATS,
    NVFP4_LEAST_TENSOR,
    QUANTIZED,
    ROW_FORMATS,
    SELECTIONS,
    check_scale,
)
from sw.exact.blocks import Blocks, check_tensor, quantize_blocks
from sw.exact.convert import convert
from sw.exact.formats import Coded
from sw.exact.quantize import quantize
from sw.exact.selection import nm_mask


__all__ = ["Kept", "quantize_kept", "quantize_selected", "quantized"]


class Kept(NamedTuple):
    """Tokens in a format, and which of their values are kept.

    Attributes
    ----------
    operand : Coded or Blocks
        Values [..., K]; +0 where dropped before quantisation, as they were where after it.
    mask : Tensor
        bool, [..., K].
    scale : Tensor
        Scales of the tokens, float32 [..., 1]; ones where the format has none.
    """

    operand: Coded | Blocks
    mask: Tensor
    scale: Tensor

    def dequantize(self) -> Tensor:
        """Return the real values of all, dropped or not, float32 [..., K]."""
        exact = (self.operand.dequantize() if isinstance(self.operand, Blocks)
                 else self.operand.values)
        return exact.float() * self.scale

    def sparse(self) -> Tensor:
        """Return the real values, zeros where dropped, float32 [..., K]."""
        return torch.where(self.mask, self.dequantize(), 0)


def quantized(x: Tensor, name: str, keep: Tensor | None = None, tensor: float = 1.0) -> Kept:
    """Quantise tokens ``x`` [..., K], or weights [O, K], with scales from the kept values alone.

    Parameters
    ----------
    x : Tensor
        Floating-point; at most 16 bits wide for block formats.
    name : str
        One of ``hw.formats.QUANTIZED``.
    keep : Tensor, optional
        bool, the shape of x; by default all.
    tensor : float
        Scale of the tensor, as ``sw.exact.blocks`` has it.

    Raises
    ------
    ValueError
        If the format is none of these, or the values are none that it takes.
    """
    choice("format", name, QUANTIZED)
    mask = torch.ones_like(x, dtype=torch.bool) if keep is None else keep
    unit = torch.ones(*x.shape[:-1], 1, device=x.device)
    if name in BLOCK_FORMATS:
        return Kept(quantize_blocks(x, name, keep, tensor), mask, unit)
    check_tensor("tensor", tensor, name, NVFP4_LEAST_TENSOR)
    kept = torch.where(mask, x, 0)
    if name not in ROW_FORMATS:
        return Kept(Coded(convert(kept, name), name), mask, unit)
    values, scale = quantize(kept, name=name)
    return Kept(Coded(values, name), mask, scale)


def quantize_kept(x: Tensor, name: str, pattern: Pattern, selection: str = "before",
                  coefficients: Tensor | None = None, tensor: float = 1.0) -> Kept:
    """Select by a pattern, and quantise tokens ``x`` [..., K].

    Parameters
    ----------
    x, name, tensor
        As for ``quantized``.
    pattern : Pattern
        M divides the values that share a scale.
    selection : str
        ``before`` or ``after`` quantisation.
    coefficients : Tensor, optional
        Factors of the score [K], as for ``sw.exact.selection.nm_mask``.

    Raises
    ------
    ValueError
        If one of them is none that there is.
    """
    choice("format", name, QUANTIZED)
    check_scale(name, pattern.m)
    return quantize_selected(
        x, name, lambda values: nm_mask(values, pattern.n, pattern.m, coefficients), selection,
        tensor)


def quantize_selected(x: Tensor, name: str, select: Callable[[Tensor], Tensor],
                      selection: str = "before", tensor: float = 1.0) -> Kept:
    """Quantise tokens and select from them: the same with any function from values to a mask.

    It gets ``x``, or where it stands ``after`` the elements.
    """
    choice("selection", selection, SELECTIONS)
    if selection == "before":
        return quantized(x, name, select(x), tensor)
    whole = quantized(x, name, tensor=tensor)
    return whole._replace(mask=select(whole.operand.values))
