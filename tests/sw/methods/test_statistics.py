"""Statistics of layers: of their sizes, or refused."""

import re

import pytest
import torch
from torch import nn

from sw.methods.observe import observe
from tests.sw.methods.test_numbers import made


@pytest.mark.parametrize(("criterion", "corrections", "name", "size", "right"), [
    ("act", ["s-pts"], "shift", [16], []), ("clact", [], "norm", [1], [16]),
    ("act", ["smooth"], "largest", [1], [16]), ("act", ["larosa"], "covariance", [8, 8], [16, 16])])
def test_statistics_of_another_size_are_refused(criterion, corrections, name, size, right):
    message = f"statistics of the layer must have {name} of the shape {right}, not {size}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        made("2:4", criterion, corrections, **{name: torch.ones(size)})


@pytest.mark.parametrize(("count", "about"), [(1, "fewer"), (3, "more")])
def test_masks_are_one_for_each_batch(count, about):
    batches = [{"input": torch.ones(4, 16)}] * 2
    with pytest.raises(ValueError, match=rf"^masks must have one for each of the batches, not "
                                         rf"{about}$"):
        observe(nn.Sequential(nn.Linear(16, 8)), batches, masks=[None] * count)
