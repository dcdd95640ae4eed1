"""The decompressor against the reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import PATTERNS, bit_rows, blocks, generator, kept, mask, number_rows
from sim.vectors.tokens import random_tokens
from sw.exact.encoding import decode_mask


def with_illegal_masks(masks, rng):
    """Flip one bit in about a quarter of the masks; return them and which they are."""
    flips = np.zeros_like(masks)
    flips[np.arange(len(masks)), rng.integers(masks.shape[1], size=len(masks))] = True
    illegal = rng.random(len(masks)) < 0.25
    return masks ^ (flips & illegal[:, None]), illegal


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_decompressor(bench, pattern):
    rng = generator("decompressor", pattern)
    dense = blocks(pattern.m, 60, rng)
    kept_mask = mask(dense, pattern)
    masks, illegal = with_illegal_masks(kept_mask, rng)
    last = rng.random((len(dense), 1)) < 0.3
    design = Design(pattern)
    bench("pipeline", "decompressor", design, {
        "input_data": kept(dense, pattern), "input_user": masks, "input_last": last,
        "output_data": np.where(kept_mask & ~illegal[:, None], dense, 0).astype(np.int8),
        "output_user": illegal[:, None], "output_last": last})


def spoiled(metadata, design, rng):
    """Replace about half of the metadata by random bits; return it, its masks, which are illegal.

    Random bits are mostly illegal with ``index``, and often legal with ``rank``.
    """
    random = rng.random(metadata.shape) < 0.5
    metadata = np.where(rng.random((len(metadata), 1)) < 0.5, random, metadata)
    per_block = design.pattern.n if design.encoding == "index" else 1
    numbers = number_rows(metadata, design.metadata_bits // per_block)
    numbers = numbers if per_block > 1 else numbers[:, 0]
    masks, illegal = decode_mask(torch.from_numpy(numbers), design.pattern, design.encoding)
    return metadata, masks.numpy(), illegal.numpy()


@pytest.mark.parametrize("design", [
    Design(Pattern(4, 8), format="fp16"),
    Design(Pattern(3, 7), encoding="index"),
    Design(Pattern(8, 16), encoding="index"),
    Design(Pattern(3, 5), encoding="rank", decode_stages=1, format="int4"),
    Design(Pattern(16, 32), encoding="rank"),
], ids=lambda design: f"{design.pattern} {design.options}")
def test_formats_and_encodings(bench, design):
    pattern, bits = design.pattern, design.number.bits
    rng = generator("formats", pattern)
    tokens = random_tokens(replace(design, max_k=9 * pattern.m), 120, rng).compressed
    values, last = tokens.data, tokens.last[:, None]
    metadata, masks, illegal = spoiled(tokens.user, design, rng)
    assert 0 < illegal.sum() < len(illegal)
    dense = np.zeros(masks.shape, np.int64)
    dense[masks] = number_rows(values, bits)[~illegal].ravel()
    bench("pipeline", "decompressor", design, {
        "input_data": values, "input_user": metadata, "input_last": last,
        "output_data": bit_rows(dense, bits), "output_user": illegal[:, None],
        "output_last": last})
