"""The selector against the reference: combinational, and as a stream."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import PATTERNS, blocks, generator
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


@pytest.mark.parametrize("design", [Design(Pattern(8, 16), selector="radix", flexible="n"),
                                    Design(Pattern(8, 16), selector="rank", flexible="all")],
                         ids=lambda design: f"{design.selector} {design.flexible}")
def test_selector_with_a_pattern_at_run_time(bench, design):
    scores = scores_for("run time", m=16)
    n, log, masks = patterns_for(design, scores)
    sizes = {"size": log} if design.flexible == "all" else {}
    bench("selector", "selector", design, {"scores": scores, "masks": masks, "n": n, **sizes})


def patterns_for(design, scores):
    """Random patterns of a flexible design: n, log2 of the size, and the masks of the scores."""
    m, rng = design.pattern.m, generator("patterns", design)
    log = rng.integers(1, m.bit_length(), len(scores)) * (design.flexible == "all")
    size = 1 << log if design.flexible == "all" else np.full(len(scores), m)
    n = rng.integers(1, size + 1)
    masks = np.concatenate([reference(row.reshape(-1, k), keep, k).reshape(1, -1)
                            for row, keep, k in zip(scores, n, size, strict=True)])
    return n, log, masks


@pytest.mark.parametrize("design", STREAMS, ids=lambda design: (
    f"{design.selector} {design.pattern} {design.stages} {design.flexible}"))
def test_selector_as_a_stream(bench, design):
    pattern, rng = design.pattern, generator("selector stream", design)
    scores = scores_for(design, m=pattern.m)[::5]
    last = rng.random((len(scores), 1)) < 0.3
    vectors = {}
    if design.flexible == "none":
        masks = reference(scores, pattern.n, pattern.m)
    else:
        n, log, masks = patterns_for(design, scores)
        vectors["input_user"] = (n | log << pattern.m.bit_length()).astype("<u2")[:, None]
    bench("pipeline", "selector", design, {
        "input_data": scores, "input_last": last, "output_data": masks, "output_last": last,
        **vectors})
