"""Tokens to kept values in a number format: selection, and quantisation before or after it.

``before``: selection takes the values as they come, and scales come from the kept ones alone, which
is finer. ``after``: all values are quantised, and selection compares the magnitudes of elements. In
a block format that is exact without a look at scales, since M divides the values that share one.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import Pattern, choice
from hw.formats import BLOCK_FORMATS
from sw.exact.blocks import Blocks, check_scale, quantize_blocks
from sw.exact.convert import convert
from sw.exact.formats import Coded
from sw.exact.quantize import ROW_FORMATS, quantize
from sw.exact.selection import nm_mask


__all__ = ["QUANTIZED", "SELECTIONS", "Kept", "quantize_kept", "quantized"]


SELECTIONS = ("before", "after")
"""Where selection stands, seen from quantisation."""

QUANTIZED = ("bf16", "fp16", *ROW_FORMATS, *BLOCK_FORMATS)
"""Formats of tokens: as they are, with a scale for each token, with scales of blocks."""


class Kept(NamedTuple):
    """Tokens in a format, and which of their values are kept.

    Attributes
    ----------
    operand : Coded or Blocks
        Values [..., K], +0 where dropped.
    mask : Tensor
        bool, [..., K].
    scale : Tensor
        Scales of the tokens, float32 [..., 1]; ones where the format has none.
    """

    operand: Coded | Blocks
    mask: Tensor
    scale: Tensor

    def dequantize(self) -> Tensor:
        """Return the real values, zeros where dropped, float32 [..., K]."""
        exact = (self.operand.dequantize() if isinstance(self.operand, Blocks)
                 else self.operand.values)
        return exact.float() * self.scale


def quantized(x: Tensor, name: str, keep: Tensor | None = None, tensor: float = 1.0) -> Kept:
    """Quantise tokens ``x`` [..., K], or weights [O, K], with scales from the kept values alone.

    Parameters
    ----------
    x : Tensor
        Floating-point; at most 16 bits wide for block formats.
    name : str
        One of ``QUANTIZED``.
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
    if tensor != 1.0:
        raise ValueError(f"tensor must be 1 for {name}, which has no blocks, not {tensor!r}")
    kept = torch.where(mask, x, 0)
    if name not in ROW_FORMATS:
        return Kept(Coded(convert(kept, name), name), mask, unit)
    values, scale = quantize(kept, name=name)
    return Kept(Coded(values, name), mask, scale)


def quantize_kept(x: Tensor, name: str, pattern: Pattern, selection: str = "before",
                  coefficients: Tensor | None = None, tensor: float = 1.0) -> Kept:
    """Select and quantise tokens ``x`` [..., K].

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
    choice("selection", selection, SELECTIONS)
    choice("format", name, QUANTIZED)
    check_scale(name, pattern.m)
    if selection == "before":
        mask = nm_mask(x, pattern.n, pattern.m, coefficients)
        return quantized(x, name, mask, tensor)
    whole = quantized(x, name, tensor=tensor)
    values = whole.operand.values
    mask = nm_mask(values, pattern.n, pattern.m, coefficients)
    zeroed = torch.where(mask, values.float(), 0).to(values.dtype)
    return Kept(whole.operand._replace(values=zeroed), mask, whole.scale)
