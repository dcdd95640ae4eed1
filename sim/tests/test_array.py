"""The array against the reference."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import PATTERNS, bit_rows, blocks, generator, kept, linear, mask
from sw.exact.steps import step_blocks


SHAPES = {"one tile": (2, 3, 4), "ragged tiles": (3, 3, 2)}
"""Rows, columns, and PEs along a tile."""


def shaped(pattern, shape, **parameters):
    """Return a design of a shape; of one column where blocks are large and PEs slow to build."""
    rows, columns, tile = SHAPES[shape]
    return Design(pattern, rows=rows, columns=columns if pattern.m < 16 else 1, tile=tile,
                  **parameters)


def vectors(design, groups, depth):
    """Steps of ``groups`` groups of ``rows`` tokens with ``depth`` blocks each, and the sums."""
    pattern, rows, columns = design.pattern, design.rows, design.columns
    rng = generator("array", pattern, rows)
    bits, weight_bits, count = design.number.bits, design.weight.bits, groups * rows * depth
    x = rng.permutation(blocks(pattern.m, count, rng))[:count] >> (8 - bits)
    w = rng.integers(-128, 128, (groups, columns, depth, pattern.m), np.int8) >> (8 - weight_bits)
    tokens = x.reshape(groups, rows, depth, pattern.m)

    def by_step(array):
        return array.reshape(groups, rows, depth, -1).transpose(0, 2, 1, 3)

    weights = bit_rows(w.reshape(-1, pattern.m), weight_bits)
    given = {"values": by_step(bit_rows(kept(x, pattern), bits)),
             "weights": weights.reshape(groups, columns, depth, -1).transpose(0, 2, 1, 3),
             "accumulators": np.stack([
                 linear(token.reshape(rows, -1), weight.reshape(columns, -1), pattern)
                 for token, weight in zip(tokens, w, strict=True)]),
             "rows": rows, "columns": columns, "tile": design.tile}
    if not pattern.dense:
        given["masks"] = by_step(mask(x, pattern))
    return given


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_array(bench, pattern):
    design = shaped(pattern, "ragged tiles")
    bench("array", "array", design, vectors(design, groups=6, depth=4))


@pytest.mark.parametrize(("activations", "weights"), [("int8", "int4"), ("int4", "int4")])
def test_array_of_fewer_bits(bench, activations, weights):
    design = shaped(Pattern(4, 8), "one tile", format=activations, weight_format=weights)
    bench("array", "array", design, vectors(design, groups=4, depth=3))


@pytest.mark.parametrize("pattern", ["2:4", "8:16", "4:4"])
@pytest.mark.parametrize("shape", SHAPES)
def test_array_that_registers_gathered_weights(bench, pattern, shape):
    design = shaped(Pattern.parse(pattern), shape, pipeline="gathered")
    bench("array", "array", design, vectors(design, groups=6, depth=4))


@pytest.mark.parametrize(("pattern", "shape"), [("8:16", "one tile"), ("2:4", "ragged tiles"),
                                                ("4:4", "ragged tiles")])
def test_array_of_dsp_blocks(bench, pattern, shape):
    rows, columns, tile = SHAPES[shape]
    design = Design(Pattern.parse(pattern), rows=rows, columns=columns, tile=tile,
                    multiplier="dsp")
    bench("array", "array", design, vectors(design, groups=6, depth=4))


@pytest.mark.parametrize("depth", [1, 2])
def test_array_of_one_tile(bench, depth):
    design = shaped(Pattern(2, 4), "one tile")
    bench("array", "array", design, vectors(design, groups=9, depth=depth))


@pytest.mark.parametrize(("kinds", "steps"), [
    (["2:4", "4:8", "8:16", "16:32", "1:4"], 1),
    (["3:4", "32:32", "unstructured"], 2),
], ids=["one step", "two steps"])
def test_any_mask_on_an_array_for_16_32(bench, kinds, steps):
    """Blocks of 32 with any masks, in steps of 16 values: the sums are those of all kept values."""
    design, depth = shaped(Pattern(16, 32), "ragged tiles"), 3
    rng = generator("steps", kinds)
    count = len(kinds) * design.rows * depth
    x = rng.permutation(blocks(32, count, rng))[:count].reshape(len(kinds), -1, depth, 32)
    w = rng.integers(-128, 128, (len(kinds), design.columns, depth, 32), np.int8)
    keep = np.stack([masks(kind, tokens, rng) for kind, tokens in zip(kinds, x, strict=True)])
    values, positions = step_blocks(torch.from_numpy(x), torch.from_numpy(keep), design.lanes)
    assert positions.shape[-2] == steps

    def by_step(array):
        return array.reshape(len(kinds), -1, depth * steps, array.shape[-1]).transpose(0, 2, 1, 3)

    pruned = np.where(keep, x, 0).astype(np.int64)
    bench("array", "array", design, {
        "values": by_step(values.numpy()), "masks": by_step(positions.numpy()),
        "weights": by_step(np.repeat(w, steps, axis=2)),
        "accumulators": np.einsum("grbk,gcbk->grc", pruned, w.astype(np.int64)),
        "rows": design.rows, "columns": design.columns, "tile": design.tile})


def masks(kind, tokens, rng):
    """Masks of tokens [rows, depth, 32]: those of a pattern, or of any share for each block."""
    if kind == "unstructured":
        return rng.random(tokens.shape) < rng.random((*tokens.shape[:2], 1))
    return mask(tokens.reshape(len(tokens), -1), Pattern.parse(kind)).reshape(tokens.shape)
