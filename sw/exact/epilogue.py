"""What the epilogue of the hardware computes, in the same integers."""

from math import isqrt

import torch
from torch import Tensor

from hw.fixed_point import (
    BIAS_FRACTION,
    FLOATS,
    GAIN_BITS,
    GAIN_FRACTION,
    MIN_SHIFT,
    TOKEN_FRACTION,
    TOTAL_BITS,
    Output,
)
from hw.formats import Format


__all__ = ["UNIT_GAIN", "UNIT_SCALE", "correct", "float_bits", "floats", "requantize",
           "root_of_ratio", "round_half_even", "scale_to_float", "variance_gain"]


UNIT_GAIN = 1 << GAIN_FRACTION
"""v of a token that is not corrected."""

UNIT_SCALE = 1 << TOKEN_FRACTION
"""Scale of a token that is not scaled."""


def variance_gain(z: Tensor, kept: Tensor) -> Tensor:
    """VAR in integers: ``v = sqrt(Var(z) / Var(S(z)))`` of every token, int64 [T, 1].

    ``v`` has 12 bits after the point, rounded to the nearest (of 13), at most ``2 ** 16 - 1``; it
    is 1 where S(z) has no variance.

    Parameters
    ----------
    z, kept : Tensor
        Integers, [T, K]: the values before selection, and after it, zeros where dropped.
    """
    def scaled_variances(x: Tensor) -> list[int]:
        x = x.long()
        # K ** 2 times the variance, as Python's integers: it may have more than 63 bits below.
        sums, squares = x.sum(-1).tolist(), x.square().sum(-1).tolist()
        return [x.shape[-1] * square - total ** 2
                for total, square in zip(sums, squares, strict=True)]

    gains = map(root_of_ratio, scaled_variances(z), scaled_variances(kept))
    return torch.tensor(list(gains), dtype=torch.int64, device=z.device).reshape(-1, 1)


def root_of_ratio(dense: int, sparse: int) -> int:
    """``sqrt(dense / sparse)`` as :func:`variance_gain` has it; neither is negative."""
    if sparse == 0:
        return UNIT_GAIN
    root = isqrt((dense << 2 * GAIN_FRACTION + 2) // sparse)
    return min((root + 1) >> 1, (1 << GAIN_BITS) - 1)


def round_half_even(x: Tensor, shift: Tensor | int) -> Tensor:
    """``x / 2 ** shift`` of int64 to the nearest integer, half to even; ``shift`` at least 1."""
    floor = x >> shift
    rest = x - (floor << shift)
    half = torch.ones_like(x) << (shift - 1)
    return floor + ((rest > half) | ((rest == half) & (floor & 1 == 1)))


def correct(accumulators: Tensor, row_sums: Tensor, gain: Tensor | int = UNIT_GAIN,
            eta: Tensor | int = 0, bits: int = 32) -> Tensor:
    """``v_i * acc + eta_i * r_o``, rounded half to even and saturated; int64 [T, O].

    Parameters
    ----------
    accumulators : Tensor
        int64, [T, O].
    row_sums : Tensor
        int64, [O]: sums of the weights of every output feature.
    gain, eta : Tensor or int
        int64, [T, 1]: v with 12 bits after the point, and the token's shift.
    bits : int
        Bits of the result: those of the accumulators, at most 32.
    """
    total = accumulators * gain + ((eta * row_sums) << GAIN_FRACTION)
    return round_half_even(total, GAIN_FRACTION).clamp(-(1 << bits - 1), (1 << bits - 1) - 1)


def requantize(corrected: Tensor, scale: Tensor, shift: Tensor, bias: Tensor,
               token_scale: Tensor | int = UNIT_SCALE) -> Tensor:
    """Corrected accumulators [T, O] to int8, as the hardware's epilogue does.

    Parameters
    ----------
    corrected : Tensor
        int64, [T, O].
    scale, shift, bias : Tensor
        int64, [O], of the output features: 16 bits unsigned; 0 to 31, beyond a shift of 8; 24 bits
        signed in units of the result, 8 of them after the point.
    token_scale : Tensor or int
        int64, [T, 1], 16 bits unsigned, 15 of them after the point.
    """
    total = _scaled(corrected, scale, shift, bias, token_scale)
    return round_half_even(total, (shift + MIN_SHIFT).expand(total.shape)).clamp(-128, 127).to(
        torch.int8)


def scale_to_float(corrected: Tensor, scale: Tensor, shift: Tensor, bias: Tensor,
                   token_scale: Tensor | int = UNIT_SCALE, *, exponent: int,
                   output: Output) -> Tensor:
    """Corrected accumulators [T, O] to the bits of floats, int64, as the hardware's epilogue does.

    What :func:`requantize` rounds to an integer is multiplied by ``2 ** exponent`` (-128 to 127)
    and rounded once to FP32 or BF16. See :func:`floats` for their values.
    """
    total = _scaled(corrected, scale, shift, bias, token_scale)
    return float_bits(total, exponent - shift - MIN_SHIFT, FLOATS[output])


def _scaled(corrected, scale, shift, bias, token_scale):
    """The exact number that is rounded, with ``shift + MIN_SHIFT`` bits after the point."""
    factor = (scale * token_scale + (1 << TOKEN_FRACTION - 1)) >> TOKEN_FRACTION
    return corrected * factor + (bias << (shift + MIN_SHIFT - BIAS_FRACTION))


def float_bits(total: Tensor, exponent: Tensor | int, form: Format) -> Tensor:
    """Bits of ``total * 2 ** exponent`` in a floating-point format, sign-extended to int64.

    Rounded once to the nearest, half to even, as IEEE 754 has it: subnormal below the smallest
    normal number, infinity above the largest, and the sign of a number that becomes 0.

    Parameters
    ----------
    total : Tensor
        int64, of magnitudes below ``2 ** 55``.
    exponent : Tensor or int
        int64, from -167 to 119.
    form : Format
        With exponents of 8 bits.
    """
    top = TOTAL_BITS - 2  # highest bit of a magnitude
    magnitude = total.abs()
    places = torch.arange(top + 1, device=total.device)
    zeros = top + 1 - (magnitude[..., None] >> places != 0).sum(-1)
    # Shifts left that bring a number to the smallest exponent; never right, for these exponents.
    limit = (exponent + top + (1 << form.exponent - 1) - 2) + torch.zeros_like(zeros)
    amount = torch.minimum(zeros, limit)
    rounded = round_half_even(magnitude << amount, top - form.mantissa)
    # A number with the highest bit set counts 1 in the exponent, and so does a carry.
    bits = (torch.where(magnitude == 0, 0, limit - amount) << form.mantissa) + rounded
    assert form.infinity is not None
    return bits.clamp(max=form.infinity) - (total < 0).long() * (1 << form.bits - 1)


def floats(bits: Tensor, output: Output) -> Tensor:
    """Values of results FP32 or BF16, float32 or bfloat16, from their bits, int64."""
    if output == Output.FP32:
        return bits.to(torch.int32).view(torch.float32)
    return bits.to(torch.int16).view(torch.bfloat16)
