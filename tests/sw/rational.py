"""Number formats and dot products in rational numbers, one value after the other."""

import math
from bisect import bisect_left
from fractions import Fraction
from functools import cache


def binary32(x):
    """A rational number rounded to IEEE binary32: nearest, half to even."""
    if x == 0:
        return 0.0
    size = abs(x)
    exponent = size.numerator.bit_length() - size.denominator.bit_length()
    exponent -= size < Fraction(2) ** exponent
    quantum = Fraction(2) ** (max(exponent, -126) - 23)
    rounded = round(size / quantum) * quantum
    return math.copysign(math.inf if rounded >= 2 ** 128 else float(rounded), x)


def nearest(x, form):
    """Bits of the element nearest to a rational number; the even ones of two; the largest beyond.

    Zero is +0.
    """
    size, values = abs(x), _magnitudes(form)
    place = bisect_left(values, size)
    found = min((abs(values[bits] - size), bits & 1, bits)
                for bits in (place - 1, place) if 0 <= bits < len(values))
    return found[2] | (x < 0) << form.bits - 1


@cache
def _magnitudes(form):
    """All finite ones of a format, ascending, which is by their bits."""
    return [Fraction(form.value(bits)) for bits in range(form.max_bits + 1)]


def step_sum(x, w, factor=1):
    """Exact sum of the products of floats, times a factor; a float if one is infinite or NaN."""
    products = [a * b for a, b in zip(x, w, strict=True)]
    if not all(map(math.isfinite, (*products, factor))):
        return math.fsum(products) * factor if not _opposed(products) else math.nan
    return sum(Fraction(a) * Fraction(b) for a, b in zip(x, w, strict=True)) * Fraction(factor)


def _opposed(products):
    return math.inf in products and -math.inf in products


def aligned_sum(x, w, x_form, w_form, guard):
    """The same of fp16 or bf16, each product cut below the guard bits."""
    if not all(math.isfinite(a * b) for a, b in zip(x, w, strict=True)):
        return step_sum(x, w)

    def exponent(value, form):
        if form.integer:
            return 0
        return max(math.frexp(value)[1] - 1, form.least_exponent)

    pairs = [(a, b) for a, b in zip(x, w, strict=True) if a and b]
    if not pairs:
        return Fraction(0)
    top = max(exponent(a, x_form) + exponent(b, w_form) for a, b in pairs)
    unit = Fraction(2) ** (top - x_form.mantissa - w_form.mantissa - guard)
    return sum(math.trunc(Fraction(a) * Fraction(b) / unit) for a, b in pairs) * unit


def accumulate(steps):
    """Sum of steps in binary32, one rounding each."""
    total = 0.0
    for step in steps:
        if not math.isfinite(total) or not math.isfinite(step):
            total = total + float(step) if isinstance(step, float) else total
        else:
            total = binary32(Fraction(total) + step)
    return total
