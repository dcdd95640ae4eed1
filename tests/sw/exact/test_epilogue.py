"""The epilogue's integers and floats against exact fractions, NumPy's and PyTorch's floats."""

import struct
from fractions import Fraction

import numpy as np
import pytest
import torch

from hw.fixed_point import FLOATS, Output
from sw.exact.epilogue import correct, float_bits, floats, requantize, scale_to_float


MINIMUM = -126
"""Exponent of the smallest normal number of both formats."""


def totals(count, seed, limit):
    """Numbers of every length up to ``limit`` bits, some of them powers of two and near them."""
    chance = torch.Generator().manual_seed(seed)
    length = torch.randint(0, limit, (count,), generator=chance)
    number = torch.randint(0, 1 << limit, (count,), generator=chance) >> length
    number[::3] = (torch.ones(count, dtype=torch.int64) << limit - 1 - length)[::3]
    number[::6] += torch.randint(-1, 2, (count,), generator=chance)[::6]
    sign = torch.randint(0, 2, (count,), generator=chance) * 2 - 1
    exponent = torch.randint(-167, 120, (count,), generator=chance)
    exponent[::5], exponent[1::5] = -167, 119  # zeros and infinities
    return number * sign, exponent


def rounded(value, output):
    """Bits of an exact value, rounded once, with Python's fractions; sign-extended."""
    form = FLOATS[output]
    if value == 0:
        return 0
    magnitude, negative = abs(value), value < 0
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    unit = Fraction(2) ** (max(exponent, MINIMUM) - form.mantissa)
    result = round(magnitude / unit) * unit  # half to even
    single = struct.pack("<f", float("inf") if result >= Fraction(2) ** 128 else float(result))
    bits = int.from_bytes(single, "little") >> 32 - form.bits
    return bits - (negative << form.bits - 1)


@pytest.mark.parametrize("output", FLOATS)
def test_floats_are_exact_fractions_rounded_once(output):
    total, exponent = totals(3000, seed=1, limit=55)
    got = float_bits(total, exponent, FLOATS[output]).tolist()
    assert got == [rounded(Fraction(a) * Fraction(2) ** b, output)
                   for a, b in zip(total.tolist(), exponent.tolist(), strict=True)]
    magnitudes = {bits & (1 << FLOATS[output].bits - 1) - 1 for bits in got}
    assert FLOATS[output].infinity in magnitudes
    assert any(0 < bits < 1 << FLOATS[output].mantissa for bits in magnitudes), "none is subnormal"
    assert -(1 << FLOATS[output].bits - 1) in got, "nothing becomes -0"


def test_fp32_is_the_rounding_of_numpy():
    total, exponent = totals(50_000, seed=2, limit=53)  # which float64 holds
    got = floats(float_bits(total, exponent, FLOATS[Output.FP32]), Output.FP32).numpy()
    exact = np.ldexp(total.numpy().astype(np.float64), exponent.numpy())
    with np.errstate(over="ignore", under="ignore"):
        expected = exact.astype(np.float32)
    assert np.array_equal(got.view(np.int32), expected.view(np.int32))


def test_bf16_is_the_rounding_of_torch():
    total, exponent = totals(50_000, seed=3, limit=24)  # which float32 holds, if it is normal
    exponent = exponent.clamp(MINIMUM, 100)
    got = floats(float_bits(total, exponent, FLOATS[Output.BF16]), Output.BF16)
    expected = torch.ldexp(total.double(), exponent).float().bfloat16()
    assert torch.equal(got.view(torch.int16), expected.view(torch.int16))


@pytest.mark.parametrize("output", [Output.INT8, *FLOATS])
@pytest.mark.parametrize("exponent", [-128, -5, 127])
def test_results_are_their_formula(output, exponent):
    """Every term at its limits and anywhere, with exact fractions."""
    chance = torch.Generator().manual_seed(exponent & 0xFF)

    def term(low, high, *more):
        drawn = torch.randint(low, high, (400, 1), generator=chance)
        for k, value in enumerate((low, high - 1, *more)):
            drawn[torch.randperm(400, generator=chance)[:30 + k]] = value
        return drawn

    c, scale, shift, bias, token = (
        term(-2**31, 2**31, 0), term(0, 1 << 16), term(0, 32), term(-2**23, 2**23, 0),
        term(0, 1 << 16, 1 << 15))
    got = (requantize(c, scale, shift, bias, token).long() if output == Output.INT8 else
           scale_to_float(c, scale, shift, bias, token, exponent=exponent, output=output))
    expected = []
    for one in torch.cat([c, scale, shift, bias, token], 1).tolist():
        factor = (one[1] * one[4] * 2 + (1 << 15)) // (1 << 16)
        exact = Fraction(one[0] * factor, 1 << 8 + one[2]) + Fraction(one[3], 1 << 8)
        expected.append(max(-128, min(127, round(exact))) if output == Output.INT8 else
                        rounded(exact * Fraction(2) ** exponent, output))
    assert got.flatten().tolist() == expected


def test_corrected_accumulators_are_their_formula():
    chance = torch.Generator().manual_seed(4)
    terms = [torch.randint(low, high, (500, 1), generator=chance) for low, high in
             ((-2**31, 2**31), (-2**23, 2**23), (0, 1 << 13), (-128, 128))]
    exact = [Fraction(v * a, 1 << 12) + eta * r for a, r, v, eta in torch.cat(terms, 1).tolist()]
    expected = [max(-2**31, min(2**31 - 1, round(one))) for one in exact]
    got = correct(terms[0], terms[1], terms[2], terms[3])
    assert got.flatten().tolist() == expected
    assert {-2**31, 2**31 - 1} <= set(expected)
