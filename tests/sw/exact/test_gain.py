"""Results of NVFP4: the scales of both tensors multiply sums before the one rounding."""

import math
from fractions import Fraction

import pytest
import torch

from sw.exact.dot import dot
from tests.sw.exact.test_dot import operand


@pytest.mark.parametrize("result", ["fp32", "bf16"])
@pytest.mark.parametrize("gain", [1.0, 1.3125 * 2.0 ** -17, 1.9921875 * 2.0 ** 100, 2.0 ** -106])
def test_a_gain_multiplies_before_the_one_rounding(result, gain):
    """Exact fractions; rounding the accumulator first would give other numbers."""
    random = torch.Generator().manual_seed(5)
    (x, _), (w, _) = (operand("nvfp4", shape, random) for shape in ((5, 64), (6, 64)))
    sums = dot(x, w, 16)
    found, once = dot(x, w, 16, result=result, gain=gain), []
    for total in sums.flatten().tolist():
        exact = Fraction(total) * Fraction(gain)
        once.append(float(nearest(exact, {"fp32": 24, "bf16": 8}[result])))
    assert found.double().flatten().tolist() == once
    twice = (dot(x, w, 16, result=result).double() * gain).to(found.dtype)
    # Powers of two change nothing of a rounding, and binary32 holds the accumulator.
    assert torch.equal(twice, found) == (result == "fp32" or math.frexp(gain)[0] == 0.5)


def nearest(exact, bits):
    """A fraction rounded to so many bits of significand, half to even."""
    if not exact:
        return exact
    unit = Fraction(2) ** (exact.numerator.bit_length() - exact.denominator.bit_length() - bits - 1)
    while abs(exact) >= unit * 2 ** bits:
        unit *= 2
    return round(exact / unit) * unit
