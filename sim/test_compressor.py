"""The compressor against the reference."""

import pytest

from hw.config import SELECTORS, Design
from sim.stimulus import PATTERNS, blocks, generator, kept, mask


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_compressor(bench, pattern, selector):
    design = Design(pattern, selector=selector)
    rng = generator("compressor", pattern)
    dense = blocks(pattern.m, 60, rng)
    last = rng.random((len(dense), 1)) < 0.3
    bench("pipeline", "compressor", design, {
        "input_data": dense, "input_last": last,
        "output_data": kept(dense, pattern), "output_user": mask(dense, pattern),
        "output_last": last})
