"""Operands of a layer in floats as an accelerator multiplies them, and what its outputs bring."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from hw.config import Design
from hw.formats import BLOCK_FORMATS, FORMATS, NVFP4_LEAST_GAIN
from sw.exact.blocks import Blocks, check_tensor, quantize_blocks, weight_tensor_scale
from sw.exact.convert import convert
from sw.exact.formats import TYPES, Coded
from sw.exact.outputs import Scaled, quantize_outputs
from sw.exact.quantizer import quantize_selected


__all__ = ["Terms", "Weights", "elements", "kept_elements", "result_gain", "terms_of"]


Weights = Coded | Blocks | Scaled
"""Weights [O, K] in a format: as they are, with scales of blocks, with a scale for each output."""


class Terms(NamedTuple):
    """What a job brings of outputs, [O] or [T, O], in the format of results; None where not."""

    scale: Tensor | None = None
    bias: Tensor | None = None


def elements(weight: Tensor, design: Design, scale: Tensor | None = None) -> Weights:
    """Weights [O, K] in the format of a design: rounded once, with scales where it has some.

    With ``scale`` [O] they are integers that have it.
    """
    name = design.weight_format
    if scale is not None:
        return Scaled(weight, scale, name)
    if design.scales_outputs:
        return quantize_outputs(weight, name, design.result_format)
    if name not in BLOCK_FORMATS:
        return Coded(_in_format(weight, name), name)
    return quantize_blocks(
        weight, name, tensor=weight_tensor_scale(weight) if design.tensor_scaled else 1.0)


def _in_format(x: Tensor, name: str) -> Tensor:
    """Values rounded once to an element format; those that come in it stay, infinities too."""
    there = x.dtype == TYPES[name] and FORMATS[name].bits == 8 * x.element_size()
    return x if there else convert(x, name)


def kept_elements(x: Tensor, design: Design, tensor: float, select: Callable[[Tensor], Tensor]
                  ) -> tuple[Coded | Blocks, Tensor]:
    """Tokens [T, K] as the compressor of a design has them, and which values are kept."""
    name = design.multiplied.format
    if name in BLOCK_FORMATS:
        kept = quantize_selected(x, name, select, design.selection, tensor)
        return kept.operand, kept.mask
    coded = Coded(_in_format(x, name), name)
    return coded, select(coded.values if design.selects_elements else x)


def result_gain(weight: Weights, tensor: float) -> float:
    """What sums are multiplied by: the scales of both tensors; ValueError if there is no such."""
    gain = tensor * weight.tensor if isinstance(weight, Blocks) else tensor
    check_tensor("product of both tensors' scales", gain, weight.name, NVFP4_LEAST_GAIN)
    return gain


def terms_of(weight: Weights, bias: Tensor | None, design: Design
             ) -> tuple[Tensor | None, Tensor]:
    """Scales and biases of a job that finishes its results: +0 where there is no bias."""
    if bias is None:
        bias = torch.zeros(len(weight.values), dtype=TYPES[design.result_format])
    return weight.scale if isinstance(weight, Scaled) else None, bias
