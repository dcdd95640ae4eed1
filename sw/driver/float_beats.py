"""Floats as the bytes of an accelerator's streams, and back."""

import torch
from torch import Tensor
from torch.nn.functional import pad

from hw.config import Design
from hw.formats import BLOCK_FORMATS, FORMATS
from sw.driver.beats import Beats, ordered_activations, ordered_weights
from sw.driver.float_operands import Terms, Weights
from sw.exact.blocks import SCALE_TYPES, Blocks
from sw.exact.formats import Coded, from_bits, to_bits


__all__ = ["SCALE_BITS", "bits_of", "bytes_of", "float_token_beats", "float_weight_beats",
           "floats_of_bytes", "joined", "scales_of_features", "terms_of_bytes", "weights_of_bytes"]


SCALE_BITS = 8
"""Of the scale of a block."""

SCALE_MASK = {"e8m0": 0xFF, "e4m3": 0x7F}
"""Bits of a scale that are read: those of NVFP4 are positive."""


def float_token_beats(x: Tensor, outputs: int, design: Design) -> Beats:
    """Beats of ``s_axis_act`` for tokens [T, K]; what the last block lacks is zero."""
    bits = pad(to_bits(x, design.format), (0, -x.shape[1] % design.pattern.m))
    blocks = bits_of(bits.unflatten(1, (-1, design.pattern.m)), design.number.bits)
    return ordered_activations(bytes_of(blocks.flatten(2)), outputs, design)


def float_weight_beats(weight: Weights, tokens: int, design: Design) -> Beats:
    """Beats of ``s_axis_weight``; columns of the last tile that have no output are zero."""
    m, columns = design.pattern.m, design.columns
    bits = to_bits(weight.values, design.weight.name)
    bits = pad(bits, (0, -bits.shape[1] % m, 0, -len(bits) % columns))
    parts = [_by_tile(bits_of(bits.unflatten(1, (-1, m)), design.weight.bits).flatten(2), columns)]
    if isinstance(weight, Blocks):
        scales = scales_of_features(weight, m, *bits.shape)
        parts.append(_by_tile(bits_of(scales, SCALE_BITS), columns))
    return ordered_weights(bytes_of(torch.cat(parts, -1)), tokens, design)


def scales_of_features(weight: Blocks, m: int, outputs: int, features: int) -> Tensor:
    """Bits of the scale of each M features, int64 [outputs, features / M], filled up with zeros."""
    scales = weight.scale.view(torch.uint8).long()
    scales = scales.repeat_interleave(BLOCK_FORMATS[weight.name].size // m, 1)
    return pad(scales[:, :features // m], (0, 0, 0, outputs - len(scales)))


def floats_of_bytes(data: Tensor, count: int, name: str) -> Tensor:
    """``count`` numbers of a format from uint8 [..., bytes]: [..., count]."""
    return from_bits(_unpacked(data, count, FORMATS[name].bits), name)


def weights_of_bytes(weight: Tensor, design: Design) -> Coded | Blocks:
    """Weights [O, K] from the beats of a pass, uint8 [tiles, blocks, bytes]."""
    m, columns, name = design.pattern.m, design.columns, design.weight_format
    width = design.weight.bits
    streamed = _unpacked(weight, 8 * weight.shape[-1], 1)
    bits = joined(streamed[..., :columns * m * width], width).unflatten(-1, (columns, m))
    values = from_bits(bits.transpose(1, 2).reshape(len(weight) * columns, -1),
                       design.weight.name)
    block = design.quantized
    if not block:
        return Coded(values, name)
    scales = joined(streamed[..., columns * m * width:][..., :columns * SCALE_BITS], SCALE_BITS)
    each = scales.transpose(1, 2).reshape(len(values), -1)[:, ::block.size // m]
    each = (each & SCALE_MASK[block.scale]).to(torch.uint8).contiguous()
    return Blocks(values, each.view(SCALE_TYPES[block.scale]), name)


def terms_of_bytes(terms: Tensor, design: Design) -> Terms:
    """Terms [T, O] of each token from the beats of tiles, uint8 [T, tiles, bytes]."""
    each = 1 + design.scales_outputs
    values = floats_of_bytes(terms, design.columns * each, design.result_format)
    *scale, bias = values.unflatten(-1, (design.columns, each)).flatten(1, 2).unbind(-1)
    return Terms(scale[0] if scale else None, bias)


def _by_tile(bits: Tensor, columns: int) -> Tensor:
    """[O, blocks, bits] to [tiles, blocks, columns * bits]."""
    return bits.unflatten(0, (-1, columns)).transpose(1, 2).flatten(2)


def bits_of(values: Tensor, width: int) -> Tensor:
    """Bits of integers, the lowest first, in an axis of their own behind the others."""
    return values[..., None] >> torch.arange(width) & 1


def joined(bits: Tensor, width: int) -> Tensor:
    """The inverse of ``bits_of``, of bits [..., values * width]."""
    return (bits.unflatten(-1, (-1, width)) << torch.arange(width)).sum(-1)


def bytes_of(bits: Tensor) -> Tensor:
    """Bits [..., any] to uint8 [..., bytes], the lowest first; zeros fill the last byte."""
    return joined(pad(bits, (0, -bits.shape[-1] % 8)), 8).to(torch.uint8)


def _unpacked(data: Tensor, count: int, width: int) -> Tensor:
    """``count`` integers of ``width`` bits from uint8 [..., bytes]: int64 [..., count]."""
    bits = bits_of(data.long(), 8).flatten(-2)
    return joined(bits[..., :count * width], width)
