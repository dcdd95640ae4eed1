"""The decompressor against the reference."""

import numpy as np
import pytest

from hw.config import Design
from sim.stimulus import PATTERNS, blocks, generator, kept, mask


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
