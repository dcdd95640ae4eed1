"""A job in floats as it lies in memory; the layouts are those of ``docs/hw/bus.md``.

Bits of numbers are put together as :mod:`hw.layouts` says. All images are uint8.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design, Pattern
from hw.layouts import alignment, element_bytes, rounded, weight_scale_bit
from sw.driver.beats import column_tiles, term_beats
from sw.driver.float_beats import SCALE_BITS, bits_of, bytes_of, joined, scales_of_features
from sw.driver.float_operands import Weights, terms_of
from sw.driver.floats import FloatLayer, float_registers, result_floats
from sw.driver.memory import MemoryJob, decoded, padded_elements, result_values
from sw.exact.blocks import Blocks
from sw.exact.formats import from_bits, to_bits


__all__ = ["float_memory_job", "float_results", "float_token_bytes", "float_token_values",
           "float_weight_bytes"]


def float_token_bytes(x: Tensor, design: Design) -> np.ndarray:
    """[T, K] to [T, stride]: tokens one after the other, each block an element."""
    m, size = design.pattern.m, element_bytes(design)["act"]
    bits = pad(to_bits(x, design.format), (0, -x.shape[1] % m)).unflatten(1, (-1, m))
    blocks = bytes_of(bits_of(bits, design.number.bits).flatten(2))
    return pad(blocks, (0, size - blocks.shape[-1])).flatten(1).numpy()


def float_token_values(image: np.ndarray, features: int, design: Design) -> Tensor:
    """The reverse of :func:`float_token_bytes`."""
    m, width = design.pattern.m, design.number.bits
    blocks = torch.from_numpy(image).unflatten(1, (-1, element_bytes(design)["act"])).long()
    values = joined(bits_of(blocks, 8).flatten(2)[..., :m * width], width)
    return from_bits(values.flatten(1), design.format)[:, :features]


def float_weight_bytes(weight: Weights, design: Design) -> np.ndarray:
    """[O, K] to [tiles, bytes]: for each feature a run of the tile's columns, then their scales.

    A block of M features is an element: its features, and the columns of a tile, are filled up to
    powers of two with zeros.
    """
    m, columns, width = design.pattern.m, design.columns, design.weight.bits
    rows, across = rounded(m), rounded(columns)
    bits = to_bits(weight.values, design.weight.name)
    bits = pad(bits, (0, -bits.shape[1] % m, 0, -len(bits) % columns))
    # Tiles, blocks, features, columns.
    blocks = bits.unflatten(1, (-1, m)).unflatten(0, (-1, columns)).permute(0, 2, 3, 1)
    blocks = pad(blocks, (0, across - columns, 0, rows - m))
    parts = [bits_of(blocks, width).flatten(2)]
    if isinstance(weight, Blocks):
        scales = scales_of_features(weight, m, *bits.shape)
        scales = pad(scales.unflatten(0, (-1, columns)).transpose(1, 2), (0, across - columns))
        parts.append(pad(bits_of(scales, SCALE_BITS).flatten(2),
                         (weight_scale_bit(design) - parts[0].shape[-1], 0)))
    image = bytes_of(torch.cat(parts, -1))
    return pad(image, (0, element_bytes(design)["weight"] - image.shape[-1])).flatten(1).numpy()


def float_results(image: np.ndarray, tokens: int, outputs: int, design: Design) -> Tensor:
    """Results [T, O], of the type of the design's ``result_format``, from [tiles, bytes]."""
    return result_floats(result_values(image, tokens, outputs, design), design)


def float_memory_job(design: Design, x: Tensor, weight: Tensor, bias: Tensor | None = None,
                     activate: bool = False, tensor: float | None = None,
                     pattern: Pattern | None = None, threshold: int = 0,
                     scale: Tensor | None = None, *, decode: bool = False) -> MemoryJob:
    """Make a job of a sparse linear layer; parameters and errors as in ``run_float_linear``.

    With ``decode`` as :func:`sw.driver.memory.memory_job`.
    """
    layer = FloatLayer(x, weight, bias, activate, tensor, pattern, threshold, scale)
    registers, coded = float_registers(design, layer)
    if decode:
        registers |= decoded(design, registers)
    buffers = {"act": float_token_bytes(x, design), "weight": float_weight_bytes(coded, design)}
    size = element_bytes(design)
    if layer.finishes(design):
        beats = term_beats(terms_of(coded, bias, design), 1, 1, design)
        buffers["channel"] = padded_elements(beats.data, size["channel"])
    tiles = column_tiles(design, len(weight))
    return MemoryJob(registers, buffers, len(x), len(weight), tiles,
                     tiles * len(x) * size["result"], alignment(design))
