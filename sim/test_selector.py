"""The selector against the reference: combinational, and as a stream."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.stimulus import PATTERNS, blocks, generator
from sw import nm_mask


SPARSE = [pattern for pattern in PATTERNS if not pattern.dense]
COMBINATIONAL = [(name, pattern) for name in ("rank", "radix") for pattern in SPARSE] + [
    ("network", Pattern(2, 4)), ("network", Pattern(3, 7)), ("network", Pattern(8, 16))]
STREAMS = [
    Design(Pattern(3, 7), selector="serial"),
    Design(Pattern(8, 16), selector="serial"),
    Design(Pattern(16, 32), selector="serial", flexible="all"),
    Design(Pattern(8, 16), selector="radix", stages=3),
    Design(Pattern(4, 8), selector="radix", stages=9, flexible="n"),
]


def reference(scores, n, m):
    """Mask of unsigned scores, bool of the same shape."""
    blocks = torch.from_numpy(scores.astype(np.int16))
    return nm_mask(blocks, int(n), int(m)).numpy()


def scores_for(*what, m):
    """Every unsigned score occurs, also those above 128."""
    return blocks(m, 400, generator("selector", *what)).view(np.uint8)


@pytest.mark.parametrize(("selector", "pattern"), COMBINATIONAL, ids=str)
def test_selector(bench, pattern, selector):
    scores = scores_for(pattern, m=pattern.m)
    bench("selector", "selector", Design(pattern, selector=selector),
          {"scores": scores, "masks": reference(scores, pattern.n, pattern.m)})


def test_selector_with_n_at_run_time(bench):
    m, rng = 16, generator("selector", "n")
    scores = scores_for("n", m=m)
    n = rng.integers(1, m + 1, len(scores))
    masks = np.concatenate([reference(row[None], k, m) for row, k in zip(scores, n, strict=True)])
    bench("selector", "selector", Design(Pattern(8, m), selector="radix", flexible="n"),
          {"scores": scores, "masks": masks, "n": n})


@pytest.mark.parametrize("design", STREAMS, ids=lambda design: (
    f"{design.selector} {design.pattern} {design.stages} {design.flexible}"))
def test_selector_as_a_stream(bench, design):
    pattern, rng = design.pattern, generator("selector stream", design)
    scores = scores_for(design, m=pattern.m)[::5]
    last = rng.random((len(scores), 1)) < 0.3
    n, size = np.full(len(scores), pattern.n), np.full(len(scores), pattern.m)
    vectors = {}
    if design.flexible != "none":
        log = (rng.integers(1, pattern.m.bit_length(), len(scores))
               if design.flexible == "all" else np.zeros(len(scores), int))
        size = 1 << log if design.flexible == "all" else size
        n = rng.integers(1, size + 1)
        vectors["input_user"] = (n | log << pattern.m.bit_length()).astype("<u2")[:, None]
    masks = np.concatenate([
        reference(row.reshape(-1, k), keep, k).reshape(1, -1)
        for row, keep, k in zip(scores, n, size, strict=True)])
    bench("pipeline", "selector", design, {
        "input_data": scores, "input_last": last, "output_data": masks, "output_last": last,
        **vectors})
