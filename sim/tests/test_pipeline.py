"""Streams through the RTL of compressor and decompressor: long ones, every mask, their timing."""

from math import comb

import numpy as np
import pytest

from hw.config import Design, Pattern
from sim.runs.soak.streams import soak
from sim.vectors.stimulus import bit_rows, every_mask
from sim.vectors.tokens import Beats
from sim.verilated.pipeline import Pipeline


pytestmark = pytest.mark.usefixtures("wheel")

PATTERN = Pattern(8, 16)
MASKS = comb(16, 8)


def test_every_mask_of_8_16_survives_as_a_rank():
    design = Design(PATTERN, encoding="rank")
    masks = every_mask(PATTERN)
    assert len(masks) == 12_870
    last = np.arange(MASKS) % 7 == 6
    dense = np.where(masks, np.arange(1, 17), 0)
    values = bit_rows(dense[masks].reshape(MASKS, 8), 8)
    beats = Beats(bit_rows(dense, 8), last, np.zeros((MASKS, 0), bool))
    out, _ = Pipeline("compressor", design).run(beats, MASKS, limit=10 * MASKS)
    assert np.array_equal(out.user, bit_rows(np.arange(MASKS), 14))
    assert np.array_equal(out.data, values)

    # And the numbers of 14 bits that are no rank.
    count = 1 << 14
    ranks = bit_rows(np.arange(count), 14)
    beats = Beats(np.resize(values, (count, 64)), np.resize(last, count), ranks)
    out, _ = Pipeline("decompressor", design).run(beats, count, limit=10 * count)
    assert np.array_equal(out.user[:, 0], np.arange(count) >= MASKS)
    assert np.array_equal(out.data[:MASKS], bit_rows(dense, 8))
    assert not out.data[MASKS:].any()
    assert np.array_equal(out.last, beats.last)


MEAN = Design(Pattern(2, 4), shift="mean", coefficients=8, statistics=True, complement=True,
              max_k=128)
MEDIAN = Design(Pattern(2, 4), shift="median", max_k=128)


@pytest.mark.parametrize("design", [Design(Pattern(4, 8), format="bf16", max_k=96), MEAN, MEDIAN],
                         ids=lambda design: design.options)
def test_short_soak(design):
    """The short version of ``python -m sim.soak``."""
    soak("compressor", design, 3000)


@pytest.mark.parametrize(("design", "token_cycles"), [
    # One block per cycle; the division of a short token takes longer than the token.
    (MEAN, lambda blocks: max(blocks, 10)),
    # Four searches and the way out, each search with one cycle to decide.
    (MEDIAN, lambda blocks: 5 * blocks + 4),
], ids=["mean", "median"])
def test_dynamic_shifts_take_the_documented_cycles(design, token_cycles):
    pipeline = Pipeline("compressor", design)
    zeros = np.zeros((design.max_blocks, design.channel_bits * 4), bool)

    def cycles(blocks, tokens):
        pipeline.reset()
        last = np.tile(np.arange(blocks) == blocks - 1, tokens)
        beats = Beats(np.zeros((len(last), 32), bool), last, np.zeros((len(last), 0), bool))
        _, passed = pipeline.run(beats, len(last), limit=100_000,
                                 channel=zeros if design.channel_bits else None)
        # A load of the channels' parameters takes a cycle more than it has beats.
        return passed - (design.max_blocks + 1 if design.channel_bits else 0)

    assert cycles(1, 1) == pipeline.manifest["latency_cycles"] + 1
    for blocks in (1, 3, 10, 32):
        first, many = cycles(blocks, 4), cycles(blocks, 14)
        assert many - first == 10 * token_cycles(blocks)
