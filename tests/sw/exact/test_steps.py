"""Steps of masks of any popcount."""

import pytest
import torch

from sw.exact.steps import step_blocks, step_masks


def bits(text):
    return torch.tensor([letter == "1" for letter in text])


@pytest.mark.parametrize(("mask", "lanes", "steps"), [
    ("1100", 2, ["1100"]),
    ("0000", 2, ["0011"]),
    ("0100", 2, ["0101"]),
    ("0001", 2, ["0011"]),
    ("1111", 2, ["1100", "0011"]),
    ("1110", 2, ["1100", "0011"]),
    ("10111010", 4, ["10111000", "00001111"]),
])
def test_known_steps(mask, lanes, steps):
    masks, _ = step_masks(bits(mask), lanes)
    assert masks.tolist() == [bits(step).tolist() for step in steps]


@pytest.mark.parametrize(("lanes", "m"), [(16, 32), (8, 16), (1, 4), (3, 7), (8, 8), (1, 64)])
@pytest.mark.parametrize("density", [0.0, 0.2, 0.5, 0.8, 1.0])
def test_every_kept_value_stands_in_one_step_of_full_lanes(lanes, m, density):
    generator = torch.Generator().manual_seed(5)
    mask = torch.rand((4, 25, m), generator=generator) < density
    x = torch.randint(-128, 128, mask.shape, generator=generator, dtype=torch.int8)
    masks, kept = step_masks(mask, lanes)
    values, same = step_blocks(x, mask, lanes)
    assert masks.shape[-2] == max(1, -(-int(mask.sum(-1).max()) // lanes))
    assert (masks.sum(-1) == lanes).all()
    assert (kept.sum(-2) == mask).all()
    assert (kept & ~masks).sum() == 0
    assert torch.equal(masks, same)
    back = torch.zeros(masks.shape, dtype=torch.int8)
    back[masks] = values.flatten()
    assert torch.equal(back.sum(-2, dtype=torch.int8), torch.where(mask, x, 0).to(torch.int8))


def test_least_adds_steps_that_keep_nothing():
    masks, kept = step_masks(bits("0110"), 2, least=3)
    assert masks.tolist() == [bits(step).tolist() for step in ("0110", "0011", "0011")]
    assert kept.sum(-1).tolist() == [2, 0, 0]


@pytest.mark.parametrize(("arguments", "message"), [
    ((0,), "^lanes must be an integer from 1 to 4, not 0$"),
    ((5,), "^lanes must be an integer from 1 to 4, not 5$"),
    ((2, -1), "^least must be an integer of at least 0, not -1$"),
])
def test_bad_parameters_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        step_masks(bits("0110"), *arguments)
