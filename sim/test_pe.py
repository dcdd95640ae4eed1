"""The processing element against the reference."""

import numpy as np
import pytest

from hw.config import Design
from sim.stimulus import PATTERNS, blocks, generator, kept, mask


DIGITS = 4
"""Radix-4 digits of an int8 value."""


def recoded(values):
    """Digits of values [B, N] as bits one, two, negative [B, N * 4 * 3], and their correction.

    The lower digits are -1 to 2, the highest is -2 to 2. Only the highest sets another bit beside
    ``negative``, to tell -1 from -2.
    """
    rest, digits = values.astype(int), []
    for _ in range(DIGITS - 1):
        digits.append((rest + 1) % 4 - 1)
        rest = (rest - digits[-1]) // 4
    digits = np.stack([*digits, rest], axis=-1)
    top = np.arange(DIGITS) == DIGITS - 1
    size = np.where(top, abs(digits), digits)
    bits = np.stack([size == 1, size == 2, digits < 0], axis=-1)
    correction = ((digits < 0) * 4 ** np.arange(DIGITS)).sum(axis=(1, 2))
    return bits.reshape(len(values), -1), correction


def selects(masks, pattern):
    """Which place of its window each lane takes, as one-hot bits: [B, M] to [B, N * span]."""
    positions = np.nonzero(masks)[1].reshape(-1, pattern.n)
    places = positions - np.arange(pattern.n)
    return (places[:, :, None] == np.arange(pattern.span)).reshape(len(masks), -1)


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_pe(bench, pattern):
    rng = generator("pe", pattern)
    dense = blocks(pattern.m, 400, rng)
    weights = rng.permutation(blocks(pattern.m, 400, rng))
    masks = mask(dense, pattern)
    start = rng.random(len(dense)) < 0.1
    start[0] = True
    sums = (np.where(masks, dense, 0).astype(np.int64) * weights).sum(axis=1)
    ends = np.cumsum(sums)
    begins = np.maximum.accumulate(np.where(start, np.arange(len(sums)), 0))
    digits, correction = recoded(kept(dense, pattern))
    vectors = {"digits": digits, "correction": correction[:, None], "keep": ~start[:, None],
               "weights": weights, "accumulators": ends - (ends - sums)[begins]}
    if not pattern.dense:
        vectors["selects"] = selects(masks, pattern)
    bench("pe", "pe", Design(pattern), vectors)
