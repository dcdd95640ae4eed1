"""The compressor's reference against plain Python."""

import re
from statistics import median_low

import pytest
import torch

from hw.config import Pattern
from sw.exact.compressor import compress_tokens, token_mean, token_median
from tests.sw import plain


def rounded(total, count):
    """Nearest integer to ``total / count``, half upwards."""
    return (2 * total + count) // (2 * count)


BYTES = torch.zeros(2, 8, dtype=torch.int8)


def tokens(features, bits, seed=0):
    half = 1 << bits - 1
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randint(-half, half, (9, features), generator=generator)
    rows[0], rows[1], rows[2] = -half, half - 1, torch.arange(features) % 2 - 1
    return rows.to(torch.int8)


@pytest.mark.parametrize(("values", "mean", "median"), [
    ([1, 2], 2, 1),  # 1.5 upwards
    ([-1, -2], -1, -2),  # -1.5 upwards
    ([-128] * 3, -128, -128),
    ([127] * 5, 127, 127),
    ([3, 1, 2], 2, 2),
    ([5, 0, 0, 0], 1, 0),
    ([-1, 0, 0, 0], 0, 0),  # -0.25
])
def test_statistics_of_a_token(values, mean, median):
    x = torch.tensor([values], dtype=torch.int8)
    assert (token_mean(x).item(), token_median(x).item()) == (mean, median)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("shift", ["none", "scalar", "channel", "mean", "median"])
@pytest.mark.parametrize("factors", [False, True])
@pytest.mark.parametrize("pattern", ["2:4", "3:7", "8:16"])
def test_equals_plain_python(pattern, factors, shift, bits):
    pattern = Pattern.parse(pattern)
    features, half = 5 * pattern.m - 2, 1 << bits - 1
    x = tokens(features, bits)
    generator = torch.Generator().manual_seed(1)
    coefficients = torch.randint(0, 256, (features,), generator=generator) if factors else None
    shifts = torch.randint(-half, half, (features,), generator=generator)
    given = {"none": 0, "scalar": -half, "channel": shifts}.get(shift, shift)
    result = compress_tokens(x, pattern, coefficients=coefficients, shift=given, bits=bits)

    for token in range(len(x)):
        padded = x[token].tolist() + [0] * 2
        eta = {
            "none": [0] * len(padded),
            "scalar": [-half] * len(padded),
            "channel": shifts.tolist() + [0] * 2,
            "mean": [rounded(sum(padded), len(padded))] * len(padded),
            "median": [median_low(padded)] * len(padded),
        }[shift]
        z = [min(max(value - e, -half), half - 1) for value, e in zip(padded, eta, strict=True)]
        weights = coefficients.tolist() + [0] * 2 if factors else None
        mask = plain.mask(z, pattern.n, pattern.m, weights)
        blocks = [z[k:k + pattern.m] for k in range(0, len(z), pattern.m)]
        kept = [[v for v, keep in zip(*pair, strict=True) if keep]
                for pair in zip(blocks, mask, strict=True)]
        dropped = [[v for v, keep in zip(*pair, strict=True) if not keep]
                   for pair in zip(blocks, mask, strict=True)]
        flat = [value for block in kept for value in block]
        assert result.z[token].tolist() == blocks
        assert result.mask[token].tolist() == mask
        assert result.kept[token].tolist() == kept
        assert result.dropped[token].tolist() == dropped
        assert result.sums[token].tolist() == [sum(z), sum(v * v for v in z), sum(flat),
                                               sum(v * v for v in flat)]
        if shift in ("mean", "median"):
            assert result.eta[token].item() == eta[0]


@pytest.mark.parametrize(("x", "given", "message"), [
    (torch.ones(2, 8), {}, "x must be int8 of two dimensions, not float32 of 2"),
    (BYTES[0], {}, "x must be int8 of two dimensions, not int8 of 1"),
    (BYTES, {"shift": "middle"}, "shift must be one of mean, median, not 'middle'"),
    (BYTES, {"shift": torch.full((8,), 1.7)},
     "shift must be integers of the shape [8], not float32 [8]"),
    (BYTES, {"shift": torch.ones(2, 1, dtype=torch.int8)},
     "shift must be integers of the shape [8], not int8 [2, 1]"),
    (BYTES, {"coefficients": torch.rand(8)},
     "coefficients must be integers of the shape [8], not float32 [8]"),
    (BYTES, {"coefficients": torch.full((8,), 300)},
     "coefficients must be from 0 to 255, not from 300 to 300")])
def test_rejects_what_hardware_does_not_have(x, given, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        compress_tokens(x, Pattern(2, 4), **given)
