"""AXI4-Lite and AXI4-Stream of the tops between endpoints of cocotbext-axi."""

import numpy as np
import pytest

from hw.config import Design, Pattern
from sim.tests.test_accelerator import small, vectors
from sim.vectors.stimulus import blocks, generator, kept, mask


def test_bus_and_streams_of_an_accelerator(bench):
    """Hosts that send address and data in either order, byte by byte, and take answers late."""
    design = small(Pattern(2, 4))
    bench("protocol", "accelerator", design, vectors(design, [(1, 1, 1), (7, 4, 3)]))


@pytest.mark.parametrize("name", ["compressor", "decompressor"])
def test_streams_between_endpoints(bench, name):
    pattern, rng = Pattern(4, 8), generator("protocol")
    dense = blocks(8, 20, rng)
    masks = mask(dense, pattern)
    last = rng.random(len(dense)) < 0.3
    last[-1] = True
    ends = {"input_last": last, "output_last": last}
    design = Design(pattern)
    short = {"data": kept(dense, pattern), "user": masks}
    if name == "compressor":
        sides = {"input": {"data": dense}, "output": short}
    else:
        sides = {"input": short, "output": {"data": np.where(masks, dense, 0).astype(np.int8),
                                            "user": np.zeros((len(dense), 1), bool)}}
    bench("endpoints", name, design, ends | {
        f"{side}_{part}": rows for side, parts in sides.items() for part, rows in parts.items()})
