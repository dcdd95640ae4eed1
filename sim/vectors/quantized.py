"""Blocks for compressors that quantise what they keep, with what the reference makes of them."""


import numpy as np
import torch
from torch import Tensor

from hw.config import Design
from sim.vectors.stimulus import bit_rows
from sim.vectors.tokens import Beats
from sw.exact.blocks import Blocks
from sw.exact.convert import convert
from sw.exact.encoding import encode_mask
from sw.exact.formats import from_bits, to_bits
from sw.exact.quantizer import quantize_kept
from sw.exact.selection import nm_mask


__all__ = ["elements", "near_blocks", "quantized_beats"]


def near_blocks(design: Design, rng: np.random.Generator, count: int, tensor: int = 0
                ) -> np.ndarray:
    """Bits of blocks [count, M] whose values have exponents close to each other, subnormals too.

    With the scale of a ``tensor``, bits of bf16, half of them are such that their scale, over that,
    is a number of E4M3, or nearly one.
    """
    m, number = design.pattern.m, design.number
    ends = [0, 1, 2, 3, 4, 9, 16, 33, 65, 127, 129, 193, 200, 254, 255]
    top = rng.choice([end for end in [*ends, 29, 30, 31] if end >> number.exponent == 0],
                     (count, 1))
    if tensor:
        close = (tensor >> number.mantissa) + rng.integers(-11, 15, top.shape)
        top = np.where(rng.random(top.shape) < 0.5, close.clip(0, 254), top)
    below = rng.integers(0, rng.choice([2, 6, 24], (count, 1)), (count, m))
    fields = np.maximum(top - below, 0)
    whole = (1 << number.mantissa) - 1
    few = [whole, whole & ~(whole >> 3), whole & ~(whole >> 2)]
    fractions = rng.integers(0, whole + 1, (count, m)) & rng.choice(few, (count, 1))
    return rng.integers(0, 2, (count, m)) << 15 | fields << number.mantissa | fractions


def elements(design: Design, x: Tensor, tensor: float) -> tuple[Tensor, Tensor, np.ndarray]:
    """Elements, mask, and bits of the scales of tokens, of which fp8 by itself has none."""
    name = design.kept_number.name
    if design.quantized:
        found = quantize_kept(x, design.quantize, design.pattern, design.selection, tensor=tensor)
        blocks = found.operand
        assert isinstance(blocks, Blocks)
        scale = bit_rows(blocks.scale.view(torch.uint8).numpy(), 8)
        return to_bits(blocks.values, name), found.mask, scale
    values = convert(x, name)
    compared = values if design.selects_elements else x
    mask = nm_mask(compared, design.pattern.n, design.pattern.m)
    return to_bits(values, name), mask, np.zeros((len(x), 0), bool)


def _by_token(design: Design, x: Tensor, last: np.ndarray, tensor: float
              ) -> tuple[Tensor, Tensor, np.ndarray]:
    """As ``elements``, of blocks [count, M] of which some are the last ones of tokens."""
    if design.shared_blocks == 1:
        return elements(design, x, tensor)
    ends = np.union1d(np.flatnonzero(last) + 1, [len(x)])
    starts = np.concatenate([[0], ends[:-1]])
    every, masks = torch.zeros(x.shape, dtype=torch.int64), torch.zeros(x.shape, dtype=torch.bool)
    scales = np.zeros((len(x), 8), bool)
    for length in np.unique(ends - starts):  # tokens of one length at a time
        places = starts[ends - starts == length][:, None] + np.arange(length)
        bits, mask, scale = elements(design, x[places].flatten(1), tensor)
        every[places], masks[places] = (part.view(*places.shape, -1).to(kind) for part, kind in
                                        ((bits, torch.int64), (mask, torch.bool)))
        groups = scale.reshape(len(places), -1, 8).repeat(design.shared_blocks, 1)
        scales[places] = groups[:, :length]
    return every, masks, scales


def quantized_beats(design: Design, blocks: np.ndarray, last: np.ndarray, tensor: float) -> Beats:
    """What leaves the compressor of blocks [count, M], some of which are ``last`` ones of tokens.

    Kept elements, and dropped ones behind them with ``complement``; metadata and scale.
    """
    x = from_bits(torch.from_numpy(blocks.astype(np.int64)), design.format)
    every, kept, scale = _by_token(design, x, last, tensor)
    parts = [kept, ~kept][:1 + design.complement]
    data = torch.cat([every[part].view(len(x), -1) for part in parts], 1)
    mask = kept.numpy()
    if design.encoding != "bitmask":
        mask = bit_rows(encode_mask(kept, design.pattern, design.encoding).numpy(),
                        design.metadata_bits)
    if design.pattern.dense:
        mask = mask[:, :design.metadata_bits]
    return Beats(bit_rows(data.numpy(), design.kept_number.bits), last,
                 np.concatenate([mask, scale], 1))
