"""Statistics of layers: of their sizes, or refused."""

import re

import pytest
import torch

from tests.sw.methods.test_numbers import made


@pytest.mark.parametrize(("criterion", "corrections", "name", "size", "right"), [
    ("act", ["s-pts"], "shift", [16], []), ("clact", [], "norm", [1], [16]),
    ("act", ["smooth"], "largest", [1], [16]), ("act", ["larosa"], "covariance", [8, 8], [16, 16])])
def test_statistics_of_another_size_are_refused(criterion, corrections, name, size, right):
    message = f"statistics of the layer must have {name} of the shape {right}, not {size}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        made("2:4", criterion, corrections, **{name: torch.ones(size)})
