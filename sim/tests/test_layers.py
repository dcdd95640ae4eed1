"""Random layers are of what a design can do: it refuses none."""

from dataclasses import replace

import pytest

from hw.config import Pattern
from sim.tests.jobs import DESIGNS, PLAIN, expected
from sim.vectors.layers import random_layer
from sim.vectors.stimulus import generator
from sw.driver.reference import ReferenceAccelerator


@pytest.mark.parametrize("design", [
    *DESIGNS.values(), replace(PLAIN, pattern=Pattern(3, 7), selector="radix", flexible="n"),
    replace(PLAIN, flexible="all"), replace(PLAIN, pattern=Pattern(4, 16), flexible="all"),
    replace(PLAIN, accumulator_width=24)], ids=str)
def test_no_layer_is_refused(design):
    rng, reference = generator("layers", design), ReferenceAccelerator(design)
    for _ in range(30):
        layer = random_layer(design, rng)
        assert len(expected(reference, layer).last)
