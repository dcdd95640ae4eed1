"""The compressor against the reference."""

import pytest

from hw.config import Design, Pattern
from sim.stimulus import PATTERNS, blocks, generator, kept, mask


DESIGNS = [Design(pattern, selector=selector) for pattern in PATTERNS
           for selector in ("rank", "radix")] + [
    Design(Pattern(2, 4), selector="serial"), Design(Pattern(16, 32), selector="serial"),
    Design(Pattern(8, 16), selector="network"), Design(Pattern(4, 8), selector="radix", stages=2),
    Design(Pattern(16, 32), selector="radix", stages=7)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: (
    f"{design.selector} {design.pattern} {design.stages}"))
def test_compressor(bench, design):
    pattern = design.pattern
    rng = generator("compressor", pattern)
    dense = blocks(pattern.m, 60, rng)
    last = rng.random((len(dense), 1)) < 0.3
    bench("pipeline", "compressor", design, {
        "input_data": dense, "input_last": last,
        "output_data": kept(dense, pattern), "output_user": mask(dense, pattern),
        "output_last": last})
