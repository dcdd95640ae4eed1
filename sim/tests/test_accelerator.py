"""The accelerator against the reference, as a system drives it."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import PATTERNS, generator, linear
from sw.driver.beats import activation_beats, passes, weight_beats


def vectors(design, shapes):
    """Jobs of (tokens, blocks, tiles), and what the registers tell of the design."""
    pattern, columns = design.pattern, design.columns
    rng = generator("accelerator", pattern, design.rows)
    given = {"m": pattern.m, "rows": design.rows, "columns": columns, "jobs": len(shapes),
             "ID": int.from_bytes(b"NMFG", "big"), "PATTERN": pattern.n | pattern.m << 8,
             "SHAPE": design.rows | columns << 8, "MAX_BLOCKS": design.covered_blocks,
             "BUFFER": design.max_blocks, "BATCH": design.batch_tokens}
    for k, (tokens, blocks, tiles) in enumerate(shapes):
        x = rng.integers(-128, 128, (tokens, blocks * pattern.m)).astype(np.int8)
        x[:, ::3] //= 64  # ties and zeros too
        w = rng.integers(-128, 128, (tiles * columns, blocks * pattern.m)).astype(np.int8)
        given |= job(design, x, w, linear(x, w, pattern), k)
    return given


def job(design, x, w, y, k):
    """Beats of job ``k`` in and out, and what its registers hold."""
    tokens, blocks, tiles = len(x), x.shape[1] // design.pattern.m, len(w) // design.columns
    act = activation_beats(torch.from_numpy(x), len(w), design)
    weight = weight_beats(torch.from_numpy(w), tokens, design)
    parts = [part for part in passes(design, tokens, blocks, tiles) if not part.blocks.start]
    tiled = y.reshape(tokens, tiles, design.columns)
    steps = sum(-(-(part.tokens.stop - part.tokens.start) // design.rows)
                for part in parts) * blocks
    return {f"job{k}": np.array([blocks, tokens, tiles, steps]),
            f"act{k}": act.data, f"act_last{k}": act.last,
            f"weight{k}": weight.data, f"weight_last{k}": weight.last,
            f"y{k}": np.concatenate([tiled[part.tokens, part.tile] for part in parts]),
            f"frames{k}": np.array([part.tokens.stop - part.tokens.start for part in parts])}


def small(pattern, **parameters):
    """Return a design that holds tokens of four blocks; of large ones, with two PEs for six."""
    rows, columns = (2, 1) if pattern.m > 16 else (3, 2)
    return Design(pattern, **{"rows": rows, "columns": columns, "tile": 2, "batch_tokens": 7,
                              "max_k": 4 * pattern.m, **parameters})


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_accelerator(bench, pattern):
    design = small(pattern)
    bench("accelerator", "accelerator", design,
          vectors(design, [(1, 1, 1), (7, 4, 3), (3, 2, 2), (16, 3, 2), (4, 9, 2), (2, 1, 5)]))


@pytest.mark.parametrize("parameters", [
    {"selector": "radix"},
    {"rows": 1, "columns": 1, "tile": 1, "batch_tokens": 1},
    {"pipeline": "gathered"},
    {"pipeline": "gathered", "rows": 4, "columns": 3, "tile": 4},
    {"multiplier": "dsp"},
    {"rows": 20, "columns": 1, "tile": 4},  # most rows are dropped when a job has few tokens
], ids=lambda given: ",".join(f"{name}={value}" for name, value in given.items()))
def test_accelerator_of_other_shapes(bench, parameters):
    design = small(Pattern(2, 4), **parameters)
    bench("accelerator", "accelerator", design,
          vectors(design, [(1, 1, 1), (7, 4, 3), (5, 2, 2), (3, 6, 2)]))


@pytest.mark.parametrize("threshold", [0, 70])
def test_accelerator_survives_faults(bench, threshold):
    """Streams that stop, misplaced tlast, resets and aborts at any cycle, writes while busy.

    With a pattern, and with a threshold, where blocks differ in their steps.
    """
    flexible = {"flexible": "all", "unstructured": True} if threshold else {}
    design = small(Pattern(2, 4), **flexible)
    rng = generator("faults")
    x = rng.integers(-128, 128, (5, 12)).astype(np.int8)
    w = rng.integers(-128, 128, (6, 12)).astype(np.int8)

    def results(x, w):
        y = linear(x, w, design.pattern)
        if threshold:
            kept = np.where(np.abs(x.astype(int)) >= threshold, x, 0)
            y = kept.astype(np.int64) @ w.astype(np.int64).T
        return job(design, x, w, y, 0)

    # Token 1, or pass 1 of the weights, ends after its first block: the others count as zero.
    short_x, short_w = x.copy(), w.copy()
    short_x[1, 4:] = 0
    short_w[2:4, 4:] = 0
    bench("faults", "accelerator", design, vectors(design, [(5, 3, 3)]) | results(x, w) | {
        "y_short_act": results(short_x, w)["y0"], "y_short_weight": results(x, short_w)["y0"],
        **({"set_THRESHOLD": threshold} if threshold else {})})
