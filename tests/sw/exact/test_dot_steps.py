"""Dot products of blocks that keep more values than a PE has lanes."""

import pytest
import torch

from sw.exact.blocks import quantize_blocks
from sw.exact.convert import convert
from sw.exact.dot import dot
from sw.exact.formats import Coded


def coded(values):
    return Coded(convert(values, "fp8_e4m3"), "fp8_e4m3")


def test_a_block_of_more_values_than_lanes_takes_several_steps():
    """Steps are those of the parts of a block, the lowest kept positions first."""
    random = torch.Generator().manual_seed(14)
    wide = 2.0 ** torch.randint(-8, 8, (2, 5, 16), generator=random)
    x, w = (coded(torch.randn(5, 16, generator=random) * scale) for scale in wide)
    keep = torch.rand(5, 16, generator=random) < 0.8
    w.values[1, 3] = torch.nan
    keep[0, 3] = False
    found = dot(x, w, 8, keep, lanes=3)
    assert found[0].isfinite().all()
    assert found[1:, 1].isnan().any()
    each = torch.zeros(5, 5)
    for block in (torch.arange(8), torch.arange(8, 16)):
        for token in range(5):
            for part in block[keep[token, block]].split(3):
                products = x.values[token, part].double() * w.values[:, part].double()
                each[token] = (each[token].double() + products.sum(-1)).float()
    assert torch.equal(found.nan_to_num(7e7), each.nan_to_num(7e7))


def test_every_step_is_rounded():
    sides = [coded(torch.tensor([[256.0, 2.0 ** -9, sign * 256, 2.0 ** -9]])) for sign in (-1, 1)]
    assert dot(*sides, 4, lanes=2).item() == 2.0 ** -18  # that of the first step was rounded away
    assert dot(*sides, 4).item() == 2.0 ** -17
    assert dot(*sides, 4, accumulator="exact", lanes=2).item() == 2.0 ** -17


def test_lanes_are_those_of_a_block():
    with pytest.raises(ValueError, match=r"^lanes must be an integer from 1 to 8, not 9$"):
        dot(coded(torch.ones(1, 8)), coded(torch.ones(1, 8)), 8, lanes=9)


def test_steps_that_keep_nothing_are_positive_zeros():
    """A sum that was rounded to -0 is +0 behind one; others are as they were."""
    x, w = (quantize_blocks(torch.tensor([[value, 0]]).bfloat16(), "mxfp8_e4m3")
            for value in (-2.0 ** -120, 2.0 ** -120))
    for least, sign in ((1, True), (2, False)):
        found = dot(x, w, 32, lanes=4, least=least)
        assert found.item() == 0
        assert found.signbit().item() == sign
    one = coded(torch.tensor([[-3.0, 1.0]]))
    assert dot(one, one, 2, least=9).item() == 10
