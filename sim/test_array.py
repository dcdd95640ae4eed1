"""The array against the reference."""

import numpy as np
import pytest

from hw.config import Design, Pattern
from sim.stimulus import PATTERNS, blocks, generator, kept, linear, mask


SHAPES = {"one tile": (2, 3, 4), "ragged tiles": (3, 3, 2)}
"""Rows, columns, and PEs along a tile."""


def vectors(design, groups, depth):
    """Steps of ``groups`` groups of ``rows`` tokens with ``depth`` blocks each, and the sums."""
    pattern, rows, columns = design.pattern, design.rows, design.columns
    rng = generator("array", pattern, rows)
    x = rng.permutation(blocks(pattern.m, groups * rows * depth, rng))[:groups * rows * depth]
    w = rng.integers(-128, 128, (groups, columns, depth, pattern.m), np.int8)
    tokens = x.reshape(groups, rows, depth, pattern.m)

    def by_step(array):
        return array.reshape(groups, rows, depth, -1).transpose(0, 2, 1, 3)

    given = {"values": by_step(kept(x, pattern)), "weights": w.transpose(0, 2, 1, 3),
             "accumulators": np.stack([
                 linear(token.reshape(rows, -1), weights.reshape(columns, -1), pattern)
                 for token, weights in zip(tokens, w, strict=True)]),
             "rows": rows, "columns": columns, "tile": design.tile}
    if not pattern.dense:
        given["masks"] = by_step(mask(x, pattern))
    return given


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_array(bench, pattern):
    rows, columns, tile = SHAPES["ragged tiles"]
    design = Design(pattern, rows=rows, columns=columns, tile=tile)
    bench("array", "array", design, vectors(design, groups=6, depth=4))


@pytest.mark.parametrize("depth", [1, 2])
def test_array_of_one_tile(bench, depth):
    rows, columns, tile = SHAPES["one tile"]
    design = Design(Pattern(2, 4), rows=rows, columns=columns, tile=tile)
    bench("array", "array", design, vectors(design, groups=9, depth=depth))
