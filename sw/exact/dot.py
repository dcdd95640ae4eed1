"""Dot products of floating-point and block formats, to the bit of one rule.

A **step** is what a PE takes in a cycle: the kept values of one block of M input features, times
their weights. Where a PE has fewer lanes than a block keeps, a block takes several, its lowest
positions first.

* fp4, fp6, fp8, also in blocks and by integer weights: products and their sum are exact in fixed
  point, and so is the sum times the scales of its two blocks. Zero is +0.
* fp16 and bf16: products are exact. All of a step are cut, towards zero, at ``guard`` bits below
  the last bit of the one with the largest exponent: that of a product is the sum of its operands'
  exponents (0 for an integer; subnormals have that of the smallest normal number), and zeros have
  none. What is left is added exactly.

The accumulator starts at +0.

* ``fp32``: steps in ascending order, accumulator plus step rounded once to IEEE binary32 (nearest,
  half to even, subnormals, infinite beyond the largest).
* ``exact``: no rounding until the end, then once to binary32. In fixed point as wide as it takes,
  so only for fp4, fp6 and E4M3 without block scales.

Results may also be bf16 or fp16: the accumulator is then rounded to that at the end, an exact one
in place of binary32.

Infinities and NaN: as IEEE 754 has it for the exact products and sums of the kept values: a NaN, 0
times infinity and the difference of two infinities give NaN. A scale that is NaN makes its steps
NaN. A value that is not kept has no effect, whatever its weight is. Every NaN is 7FC00000.

The scales of both tensors in NVFP4 are the gain: what results are rounded from is the accumulator
times it, exactly. Scales of tokens and output channels are no part of it: they multiply the result.
"""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from hw.config import RESULT_FORMATS, choice, integer
from hw.formats import (
    ACCUMULATORS,
    BLOCK_FORMATS,
    EXACT,
    FORMATS,
    NVFP4_LEAST_GAIN,
    PAIRS,
    Format,
    check_scale,
)
from sw.exact.blocks import Blocks, check_tensor
from sw.exact.convert import convert, exponents, powers
from sw.exact.formats import TYPES, Coded
from sw.exact.rounding import add_to_fp32, two_sum
from sw.exact.selection import pad_features
from sw.exact.steps import step_masks


__all__ = ["dot"]


_FIXED_BITS = 53
"""Of the significand of float64, which holds sums in fixed point."""

_NO_EXPONENT = -900
"""Stands for the exponent of zero, below all that products have."""

_CHUNK = 1 << 22
"""Products worked on at a time."""


def dot(x: Coded | Blocks, w: Coded | Blocks, m: int, keep: Tensor | None = None,
        accumulator: str = "fp32", guard: int = 8, result: str = "fp32", gain: float = 1.0,
        lanes: int | None = None, least: int = 1) -> Tensor:
    """Return the accumulators [T, O] of ``x`` [T, K] by ``w`` [O, K].

    Parameters
    ----------
    x, w : Coded or Blocks
        Activations, and weights in one of the formats ``hw.formats.PAIRS[x.name]``.
    m : int
        Input features of a step, 2 to 64; it divides the values that share a scale.
    keep : Tensor, optional
        Mask of the values of x that are kept, bool [T, K]; by default all.
    accumulator : str
        ``fp32`` or ``exact``.
    guard : int
        Guard bits of fp16 and bf16, 0 to 24.
    result : str
        ``fp32``, ``bf16`` or ``fp16``: what an accumulator is rounded to, once, half to even.
    gain : float
        What accumulators of NVFP4 are multiplied by, a finite number of bf16 of at least
        ``2 ** NVFP4_LEAST_GAIN``; 1 for other formats.
    lanes : int, optional
        Kept values of a step at most, 1 to ``m``; by default all of a block.
    least : int
        Steps of every block at least; those that keep nothing are +0.

    Raises
    ------
    ValueError
        If a format, their pair, a type, a shape, ``m``, the accumulator, the guard bits, the
        result, the gain or the lanes are none that there are.
    """
    _check(x, w, m, accumulator, guard)
    lanes = m if lanes is None else integer("lanes", lanes, 1, m)
    choice("result", result, RESULT_FORMATS)
    check_tensor("gain", gain, x.name, NVFP4_LEAST_GAIN)
    keep = torch.ones_like(x.values, dtype=torch.bool) if keep is None else keep
    if keep.shape != x.values.shape:
        raise ValueError(f"keep must have the shape {tuple(x.values.shape)}, not "
                         f"{tuple(keep.shape)}")
    kept = torch.where(keep, x.values.double(), 0)
    form, weight = _element(x), _element(w)
    totals = kept.new_zeros(kept.shape[0], w.values.shape[0])
    low: Tensor | None
    sides = (_steps(kept, m), _steps(w.values.double(), m), _steps(keep, m))
    blocks = zip(*(side.unbind(-2) for side in sides), strict=True)
    for block, a, b, mask in _by_lanes(blocks, lanes, least):
        if form.bits == 16:
            high, low = _aligned(a, b, form, weight, guard), None
        else:
            high, low = _fixed(a, b, form)
        high = _with_specials(high, a, b, mask)
        factor = _factors(x, w, block * m)
        if factor is not None:
            high, low = high * factor, None if low is None else low * factor
        # Sums in fixed point that float64 holds need no rounding.
        totals = totals + high if accumulator == "exact" else add_to_fp32(totals, high, low)
    totals = totals * gain  # of 24 bits by 8: exact
    if result != "fp32":
        return convert(totals, result)
    return torch.where(totals.isnan(), torch.nan, totals).float()


def _element(operand: Coded | Blocks) -> Format:
    block = BLOCK_FORMATS.get(operand.name)
    return block.element if block else FORMATS[operand.name]


def _check(x: Coded | Blocks, w: Coded | Blocks, m: int, accumulator: str, guard: int) -> None:
    choice("format of x", x.name, tuple(PAIRS))
    if w.name not in PAIRS[x.name]:
        raise ValueError(f"format of w must be one of {', '.join(PAIRS[x.name])} with {x.name}, "
                         f"not {w.name!r}")
    choice("accumulator", accumulator, ACCUMULATORS)
    integer("m", m, 2, 64)
    integer("guard", guard, 0, 24)
    for name, operand in (("x", x), ("w", w)):
        kind = TYPES[_element(operand).name]
        if operand.values.dtype != kind or operand.values.dim() != 2:
            raise ValueError(f"{name} must be [rows, K] of type {str(kind).removeprefix('torch.')}"
                             f", not {str(operand.values.dtype).removeprefix('torch.')} "
                             f"{list(operand.values.shape)}")
    features = x.values.shape[1]
    if w.values.shape[1] != features:
        raise ValueError(f"w must have {features} input features, as x has, not "
                         f"{w.values.shape[1]}")
    check_scale(x.name, m)
    if accumulator == "exact":
        _check_exact(x, w, features)


def _check_exact(x: Coded | Blocks, w: Coded | Blocks, features: int) -> None:
    if x.name not in EXACT:
        raise ValueError(f"accumulator must be fp32 with {x.name}, not 'exact', which is there for "
                         f"{', '.join(EXACT)}")
    most = 1 << _FIXED_BITS
    for operand in (x, w):
        form = _element(operand)
        most //= form.max_units
    if features > most:
        raise ValueError(f"K must be at most {most} with an exact accumulator for {x.name} by "
                         f"{w.name}, not {features}")


def _steps(x: Tensor, m: int) -> Tensor:
    """[..., K] as [..., steps, m], filled up with zeros."""
    return pad_features(x, m).unflatten(-1, (-1, m))


def _by_lanes(blocks: Iterable[tuple[Tensor, ...]], lanes: int, least: int
              ) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
    """Steps of blocks: which block it is, activations [T, M], weights [O, M], mask [T, M]."""
    for block, (a, b, mask) in enumerate(blocks):
        for kept in step_masks(mask, lanes, least)[1].unbind(-2):
            yield block, torch.where(kept, a, 0), b, kept


def _factors(x: Coded | Blocks, w: Coded | Blocks, feature: int) -> Tensor | None:
    """Product of the scales of the blocks of a feature, [T, O], exact."""
    if not isinstance(x, Blocks) or not isinstance(w, Blocks):
        return None
    place = feature // BLOCK_FORMATS[x.name].size
    return x.factors()[:, place, None] * w.factors()[None, :, place]


def _finite(x: Tensor) -> Tensor:
    return torch.where(x.isfinite(), x, 0)


def _fixed(a: Tensor, b: Tensor, form: Format) -> tuple[Tensor, Tensor | None]:
    """Exact sum of the finite products of a step [T, M] by [O, M]: one number of float64, or two.

    Every sum on the way is a multiple of one unit, and below 2 ** 53 of it.
    """
    a, b = _finite(a), _finite(b).t()
    if form.name != "fp8_e5m2":
        return a @ b + 0.0, None
    # Products from 2 ** -32 to 2 ** 32: large and small factors apart, 42 bits at most each.
    large, big = torch.where(a.abs() >= 1, a, 0), torch.where(b.abs() >= 1, b, 0)
    small, little = a - large, b - big
    high, low = two_sum(large @ big, large @ little + small @ big)
    return high, low + small @ little


def _aligned(a: Tensor, b: Tensor, form: Format, weight: Format, guard: int) -> Tensor:
    """Sum of the finite products of a step, each cut below the guard bits."""
    rows = max(1, _CHUNK // max(1, b.numel()))
    fraction = form.mantissa + weight.mantissa + guard
    place = exponents(b).clamp_min(weight.least_exponent) if not weight.integer else \
        torch.zeros_like(b, dtype=torch.int64)
    sums = []
    for part in a.split(rows):
        products = _finite(part)[:, None] * _finite(b)
        top = exponents(part).clamp_min(form.least_exponent)[:, None] + place
        top = torch.where(products == 0, _NO_EXPONENT, top).amax(-1, keepdim=True)
        unit = powers(top - fraction)
        sums.append(torch.where(top[..., 0] == _NO_EXPONENT, 0.0,
                                ((products / unit).trunc() * unit).sum(-1)))
    return torch.cat(sums) + 0.0 if sums else a.new_zeros(0, b.shape[0])


def _with_specials(total: Tensor, a: Tensor, b: Tensor, mask: Tensor) -> Tensor:
    """The sums of a step where an operand is infinite or NaN, others as they are."""
    if bool(a.isfinite().all() & b.isfinite().all()):
        return total
    rows = max(1, _CHUNK // max(1, b.numel()))
    found = []
    for part, keep in zip(a.split(rows), mask.split(rows), strict=True):
        found.append(torch.where(keep[:, None], part[:, None] * b, 0).sum(-1))
    special = torch.cat(found)
    return torch.where(special.isfinite(), total, special)
