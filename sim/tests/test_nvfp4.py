"""The quantiser to NVFP4, exhaustively in parts: every scale, and elements in every unit."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from sim.verilated.pipeline import Pipeline
from sw.exact.blocks import quantize_blocks
from sw.exact.formats import from_bits, to_bits


pytestmark = pytest.mark.usefixtures("wheel")

SIZE = 16
DESIGN = Design(Pattern(SIZE, SIZE), format="bf16", quantize="nvfp4")
TENSORS = range(128)
"""Fractions of the scale of the tensor."""


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline("compressor", DESIGN)


def reference(blocks, tensor):
    """Elements and scales, as bits."""
    x, factor = (from_bits(torch.as_tensor(bits), "bf16") for bits in (blocks, tensor))
    found = quantize_blocks(x, "nvfp4", tensor=factor.item())
    return to_bits(found.values, "fp4_e2m1").numpy(), found.scale.view(torch.uint8).numpy()


def compare(pipeline, blocks, tensor):
    """Run blocks through the hardware; fail with the first that differs, return the scales."""
    elements, scales = reference(blocks, tensor)
    count = len(blocks)
    beats = Beats(bit_rows(blocks, 16), np.ones(count, bool), np.zeros((count, 0), bool))
    pipeline.reset()
    found, _ = pipeline.run(beats, count, limit=count + 100, tensor=tensor)
    powers = 1 << np.arange(8)
    got, scale = found.data.reshape(count, SIZE, 4) @ powers[:4], found.user[:, SIZE:] @ powers
    for k in np.flatnonzero(scale != scales[:, 0]):
        pytest.fail(f"scale {scale[k]} of {blocks[k]}, tensor {tensor:#x}, "
                    f"expected {scales[k, 0]}")
    for k in np.flatnonzero((got != elements).any(-1)):
        pytest.fail(f"elements {got[k]} of {blocks[k]}, tensor {tensor:#x}, "
                    f"expected {elements[k]}")
    return scales[:, 0]


@pytest.mark.long
def test_every_significand_gives_its_scale(pipeline):
    """All pairs of significands, at all distances of exponents that give different codes."""
    rng, seen = generator("scales", DESIGN), set()
    for fraction in TENSORS:
        tensor = int(rng.choice([12, 60, 127, 200, 230])) << 7 | fraction
        largest = (tensor >> 7 << 7) + np.arange(-11 << 7, 15 << 7)[:, None]
        others = largest - rng.integers(0, 900, (len(largest), SIZE - 1))
        blocks = np.maximum(np.concatenate([largest, others], 1), 0)
        seen |= set(compare(pipeline, blocks | rng.integers(0, 2, blocks.shape) << 15, tensor))
    assert seen == set(range(1, 127))


@pytest.mark.long
def test_every_unit_divides_every_value(pipeline):
    """All products of significands of both scales, and all values up to the largest of a block."""
    rng = generator("units", DESIGN)
    for fraction in TENSORS:
        tensor = int(rng.choice([12, 60, 127, 200, 230])) << 7 | fraction
        tops = (tensor >> 7 << 7) + np.arange(0, 5 << 7)
        scales = reference(np.repeat(tops[:, None], SIZE, 1), tensor)[1][:, 0]
        parts = []
        for significand in range(8):
            largest = rng.choice(tops[scales & 7 == significand])
            values = np.arange(largest - 6 * 128, largest + 1)[:765].reshape(-1, SIZE - 1)
            parts.append(np.concatenate([values, np.full((len(values), 1), largest)], 1))
        compare(pipeline, np.maximum(np.concatenate(parts), 0), tensor)


@pytest.mark.parametrize("tensor", [0, 1, 11 << 7 | 127, 0x7F80, 0x7FC0, 0xBF80])
@pytest.mark.long
def test_what_is_no_scale_of_a_tensor_makes_blocks_nan(pipeline, tensor):
    blocks = np.full((3, SIZE), 0x3F80)
    count = len(blocks)
    beats = Beats(bit_rows(blocks, 16), np.ones(count, bool), np.zeros((count, 0), bool))
    pipeline.reset()
    found, _ = pipeline.run(beats, count, limit=100, tensor=tensor)
    assert (found.user[:, SIZE:] @ (1 << np.arange(8)) == 0x7F).all()
    assert not found.data.any()
