"""What the epilogue of the hardware computes, in the same integers."""

from math import isqrt

import torch
from torch import Tensor

from hw.epilogue_format import (
    BIAS_FRACTION,
    GAIN_BITS,
    GAIN_FRACTION,
    MIN_SHIFT,
    TOKEN_FRACTION,
)


__all__ = ["UNIT_GAIN", "UNIT_SCALE", "correct", "requantize", "round_half_even", "variance_gain"]


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

    def gain(dense: int, sparse: int) -> int:
        if sparse == 0:
            return UNIT_GAIN
        root = isqrt((dense << 2 * GAIN_FRACTION + 2) // sparse)
        return min((root + 1) >> 1, (1 << GAIN_BITS) - 1)

    gains = map(gain, scaled_variances(z), scaled_variances(kept))
    return torch.tensor(list(gains), dtype=torch.int64).reshape(-1, 1)


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
    factor = (scale * token_scale + (1 << TOKEN_FRACTION - 1)) >> TOKEN_FRACTION
    total = corrected * factor + (bias << (shift + MIN_SHIFT - BIAS_FRACTION))
    return round_half_even(total, (shift + MIN_SHIFT).expand(total.shape)).clamp(-128, 127).to(
        torch.int8)
