"""The accelerator against the reference, as a system drives it."""

import numpy as np
import pytest

from hw.config import Design, Pattern
from sim.stimulus import PATTERNS, generator, linear


def vectors(design, shapes):
    """Jobs of (tokens, blocks, tiles), and what the registers tell of the design."""
    pattern, columns = design.pattern, design.columns
    rng = generator("accelerator", pattern, design.rows)
    given = {"m": pattern.m, "rows": design.rows, "columns": columns, "jobs": len(shapes),
             "ID": int.from_bytes(b"NMFG", "big"), "PATTERN": pattern.n | pattern.m << 8,
             "SHAPE": design.rows | columns << 8, "MAX_BLOCKS": design.max_blocks,
             "MAX_TOKENS": design.max_tokens}
    for k, (tokens, blocks, tiles) in enumerate(shapes):
        x = rng.integers(-128, 128, (tokens, blocks * pattern.m)).astype(np.int8)
        x[:, ::3] //= 64  # ties and zeros too
        w = rng.integers(-128, 128, (tiles * columns, blocks * pattern.m)).astype(np.int8)
        given |= {f"x{k}": x, f"w{k}": w, f"y{k}": linear(x, w, pattern)}
    return given


def small(pattern, **parameters):
    """Return a design that holds tokens of four blocks."""
    return Design(pattern, **{"rows": 3, "columns": 2, "tile": 2, "max_tokens": 7,
                              "max_k": 4 * pattern.m, **parameters})


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_accelerator(bench, pattern):
    design = small(pattern)
    bench("accelerator", "accelerator", design,
          vectors(design, [(1, 1, 1), (7, 4, 3), (3, 2, 2), (4, 3, 1), (2, 1, 5)]))


@pytest.mark.parametrize("parameters", [
    {"selector": "radix"},
    {"rows": 1, "columns": 1, "tile": 1},
    {"rows": 20, "columns": 1, "tile": 4},  # most rows are dropped when a job has few tokens
], ids=lambda given: ",".join(f"{name}={value}" for name, value in given.items()))
def test_accelerator_of_other_shapes(bench, parameters):
    design = small(Pattern(2, 4), **parameters)
    bench("accelerator", "accelerator", design,
          vectors(design, [(1, 1, 1), (7, 4, 3), (5, 2, 2)]))
