"""The selector against the reference."""

import numpy as np
import pytest
import torch

from hw.config import SELECTORS, Design
from sim.stimulus import PATTERNS, blocks, generator
from sw import nm_mask


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("pattern", [p for p in PATTERNS if not p.dense], ids=str)
def test_selector(bench, pattern, selector):
    signed = blocks(pattern.m, 400, generator("selector", pattern))
    scores = signed.view(np.uint8)  # every unsigned score occurs, also those above 128
    masks = nm_mask(torch.from_numpy(scores.astype(np.int16)), pattern.n, pattern.m).numpy()
    bench("selector", "selector", Design(pattern, selector=selector),
          {"scores": scores, "masks": masks})
