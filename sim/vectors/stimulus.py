"""Blocks and layers for benches: random ones, and those that are likely to find faults."""

from math import comb

import numpy as np
import torch

from hw.config import Pattern
from hw.formats import Format
from sim.simulators.environment import seed
from sw import nm_mask, nm_prune
from sw.exact.encoding import decode_mask


__all__ = ["PATTERNS", "bit_rows", "blocks", "every_mask", "generator", "kept", "linear", "mask",
           "number_rows", "raw_blocks", "special"]


PATTERNS = [Pattern.parse(text) for text in
            ("2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "3:7", "8:8", "1:64")]
"""The patterns of the paper, and odd ones: small and large shares, no power of two, dense."""


def generator(*what) -> np.random.Generator:
    """Random numbers that depend on SEED and on what they are for, and on nothing else."""
    return np.random.default_rng([seed(), *(ord(letter) for letter in repr(what))])


def blocks(m: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return int8 blocks, shape [B, M] with B at least ``count``: adversarial ones, then random.

    All equal, all zero, two values, sorted both ways, one outlier at each place, magnitudes that
    differ in sign only, and the value -128, which has the largest magnitude of all.
    """
    ramp = np.arange(m)
    cases = [np.full(m, value) for value in (0, 1, -1, 127, -127, -128)]
    cases += [np.where(rng.random(m) < 0.5, one, other)
              for one, other in ((0, 1), (5, -5), (-128, 127), (127, -127), (-128, 0))]
    cases += [ramp, ramp[::-1], -ramp, -ramp[::-1], ramp - m // 2]
    for outlier in (-128, 127, 1):
        cases += [np.where(ramp == place, outlier, 0) for place in range(m)]
    cases += [np.where(ramp == place, 0, -128) for place in range(m)]
    few = rng.integers(-3, 4, size=(count // 2, m))  # many ties
    any_value = rng.integers(-128, 128, size=(count - count // 2, m))
    return np.concatenate([np.stack(cases), few, any_value]).astype(np.int8)


def special(number: Format) -> list[int]:
    """Bits of the values where a format turns: zeros, ends, infinities and NaNs, of both signs."""
    sign = 1 << number.bits - 1
    if number.integer:
        return [0, 1, sign - 1, sign, sign + 1, 2 * sign - 1]
    infinity = [] if number.infinity is None else [number.infinity]
    nans = [number.nan - 1, number.nan] if number.nan else []
    positive = [0, 1, 1 << number.mantissa, *nans, *infinity, sign - 1]
    return [bits | negative for bits in positive for negative in (0, sign)]


def raw_blocks(number: Format, m: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """Return bits of blocks of a format, uint16 [B, M] with B at least ``count``.

    All equal, one outlier among equals, and mixtures, of the special values; then blocks of few
    values with many ties, random bits, some of them sorted both ways, and zeros up to a place and
    random bits behind it, or the other way round.
    """
    values = np.array(special(number), np.uint16)
    cases = [np.full(m, value) for value in values]
    for value in values:
        case = np.full(m, rng.choice(values))
        case[rng.integers(m)] = value
        cases.append(case)
    mixed = rng.choice(values, (count // 3, m))
    any_value = rng.integers(0, 1 << number.bits, (count // 3, m))
    few = rng.choice(rng.integers(0, 1 << number.bits, 6), (count - 2 * (count // 3), m))
    up = np.sort(any_value[:8], axis=1)
    rows = count // 8 + 1
    zero = (np.arange(m) < rng.integers(1, m, (rows, 1))) ^ (rng.random((rows, 1)) < 0.5)
    halves = np.where(zero, 0, rng.integers(0, 1 << number.bits, (rows, m)))
    return np.concatenate([np.stack(cases), mixed, few, any_value, up, up[:, ::-1], halves]
                          ).astype(np.uint16)


def bit_rows(numbers: np.ndarray, width: int) -> np.ndarray:
    """Non-negative numbers [B, ...] below ``2 ** width`` as bool [B, bits], first one lowest."""
    bits = numbers.reshape(len(numbers), -1, 1).astype(np.int64) >> np.arange(width) & 1
    return bits.astype(bool).reshape(len(numbers), -1)


def number_rows(rows: np.ndarray, width: int) -> np.ndarray:
    """The inverse of ``bit_rows``: int64 [B, bits / width]."""
    bits = rows.reshape(len(rows), -1, width).astype(np.int64)
    return (bits << np.arange(width)).sum(-1)


def every_mask(pattern: Pattern) -> np.ndarray:
    """All masks of a pattern, by rank: bool [C(M, N), M]."""
    ranks = torch.arange(comb(pattern.m, pattern.n))
    return decode_mask(ranks, pattern, "rank")[0].numpy()


def mask(rows: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Reference mask of blocks or tokens, bool of the same shape [..., K]."""
    return nm_mask(torch.from_numpy(rows), pattern.n, pattern.m).numpy()


def kept(rows: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Kept values of whole blocks [B, M] in ascending order, [B, N]."""
    return rows[mask(rows, pattern)].reshape(-1, pattern.n)


def linear(x: np.ndarray, w: np.ndarray, pattern: Pattern) -> np.ndarray:
    """Reference sparse linear layer, x [T, K] and w [O, K] to int64 [T, O]."""
    pruned = nm_prune(torch.from_numpy(x), pattern.n, pattern.m).numpy()
    return pruned.astype(np.int64) @ w.astype(np.int64).T
