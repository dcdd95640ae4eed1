"""What is checked of parts of an accelerator alone: their numbers, against the exact reference."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from amaranth.hdl import Shape
from amaranth.lib.data import ArrayLayout

from hw.config import Design
from hw.epilogue.terms import LaneInput
from hw.fixed_point import (
    BIAS_BITS,
    GAIN_BITS,
    GAIN_FRACTION,
    SCALE_BITS,
    SHIFT_BITS,
    TOKEN_FRACTION,
    Output,
)
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from sw.exact.epilogue import (
    UNIT_GAIN,
    correct,
    requantize,
    root_of_ratio,
    scale_to_float,
    variance_gain,
)
from verify.mutate.checks import through
from verify.mutate.parts import moments


__all__ = ["any_sums", "gain", "lane", "packed", "results", "variances"]


Check = Callable[[Any], None]

BLOCKS = 3000
"""Accumulators for each output and exponent."""

EXPONENTS = {Output.CORRECTED: (0,), Output.INT8: (0,), Output.FP32: (-128, -100, 0, 93, 127),
             Output.BF16: (-128, -105, 3, 127)}
"""Of the results of each kind: subnormal ones, infinities, and what is in between."""

TOKENS, SUMS = 4000, 1500
"""Of the gain stage, for each number of values."""


def lane(design: Design) -> Check:
    """Every output, by numbers of every size, sparse and dense in ones, ties, and the ends."""
    checks: list[Check] = []
    for output, exponents in EXPONENTS.items():
        for exponent in exponents:
            rng = generator("lane", design, output, exponent)
            given = _terms(design, rng)
            number = results(design, given, output, exponent)
            last = rng.random(BLOCKS) < 0.3
            none = np.zeros((BLOCKS, 0), bool)
            checks.append(through(Beats(packed(LaneInput(design), given), last, none),
                                  Beats(bit_rows(number & 0xFFFF_FFFF, 32), last, none),
                                  shift=exponent, tensor=int(output)))

    return _all(checks)


def gain(design: Design) -> Check:
    """Factors of tokens of every length, size and variance."""
    checks, pattern = [], design.pattern
    last, none = np.ones(TOKENS, bool), np.zeros((TOKENS, 0), bool)
    for blocks in range(1, design.max_blocks + 1):
        values, kept = _tokens(generator("gain", design, blocks), blocks * pattern.m)
        sums = {f"{name}{kind}": (rows ** power).sum(1) for name, rows in (("", values),
                                                                         ("kept_", kept))
                for kind, power in (("total", 1), ("squares", 2))}
        factor = variance_gain(torch.from_numpy(values), torch.from_numpy(kept)).numpy()[:, 0]
        checks.append(through(Beats(packed(moments(design), sums), last, none),
                              Beats(bit_rows(factor, GAIN_BITS), last, none),
                              shift=blocks * pattern.m, slow=150))
    for features in range(1, design.max_blocks * pattern.m + 1):
        sums = any_sums(generator("gain", design, "sums", features), features)
        factor = np.array([root_of_ratio(*pair) for pair in zip(
            *(variances(sums, kind, features).tolist() for kind in ("", "kept_")), strict=True)])
        checks.append(through(Beats(packed(moments(design), sums), last[:SUMS], none[:SUMS]),
                              Beats(bit_rows(factor, GAIN_BITS), last[:SUMS], none[:SUMS]),
                              shift=features, slow=150))
    return _all(checks)


def variances(sums: dict[str, np.ndarray], kind: str, features: int) -> np.ndarray:
    """The variance of ``features`` values, times their number squared."""
    return features * sums[f"{kind}squares"] - sums[f"{kind}total"] ** 2


def any_sums(rng: np.random.Generator, features: int) -> dict[str, np.ndarray]:
    """Any sums whose variances are not negative, whether or not values add up to them.

    Of every size; of some the variance of the kept values is a power of two; of half of them the
    ratio of the variances is the nearest one to where a factor is rounded to the next, the largest
    one among them.
    """
    top = features << 14

    def any_size(most: int) -> np.ndarray:
        return (2.0 ** rng.uniform(0, np.log2(most + 1), SUMS)).astype(np.int64) - 1

    sums: dict[str, np.ndarray] = {}
    for kind in ("", "kept_"):
        total = any_size(features << 7) * rng.choice([-1, 1], SUMS)
        least = -(-total ** 2 // features)
        squares = least + any_size(top) * rng.choice([0, 1, 1], SUMS)
        sums |= {f"{kind}total": total, f"{kind}squares": np.minimum(top, squares)}
    sums |= _powers(rng, sums, features)
    factor = np.where(rng.random(SUMS) < 0.3, (1 << GAIN_BITS) - 1, any_size(1 << GAIN_BITS))
    wanted = variances(sums, "kept_", features) * (2 * factor + 1) ** 2 >> 2 * GAIN_FRACTION + 2
    squares = (wanted + sums["total"] ** 2) // features + rng.integers(-1, 2, SUMS)
    near = (rng.random(SUMS) < 0.5) & (squares <= top) & (
        features * squares >= sums["total"] ** 2)
    return sums | {"squares": np.where(near, squares, sums["squares"])}


def _powers(rng: np.random.Generator, sums: dict[str, np.ndarray], features: int
             ) -> dict[str, np.ndarray]:
    """Kept sums, of every third token whose variance is a power of two, if there are such ones."""
    wanted = 1 << rng.integers(0, 2 * features.bit_length() + 14, (SUMS, 1))
    total = sums["kept_total"][:, None] + np.arange(features)  # of every rest
    squares, rest = np.divmod(wanted + total ** 2, features)
    found = (rest == 0) & (total <= features << 7) & (squares <= features << 14)
    chosen = found.any(1) & (rng.random(SUMS) < 1 / 3)
    return {f"kept_{name}": np.where(chosen, given[np.arange(SUMS), found.argmax(1)],
                                     sums[f"kept_{name}"])
            for name, given in (("total", total), ("squares", squares))}


def _all(checks: list[Check]) -> Check:
    def check(built: Any) -> None:
        for each in checks:
            each(built)

    return check


def _tokens(rng: np.random.Generator, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Tokens of ``features`` values of int8, and what is left where some of them are dropped.

    Values are ends, those with a few of a small size, or random ones of any mean and variance. What
    stays is chosen at random, or by size: the largest, so that the two variances are nearly the
    same and their difference carries far, or one small value, of which the factor is the largest.
    """
    shape, each = (TOKENS, features), (TOKENS, 1)
    ends = rng.choice([-128, 127, 0], shape)
    ends = np.where(rng.random(each) < 0.5, ends, rng.choice([-128, 127], shape))
    small = np.where(rng.random(shape) < 1 / features, rng.choice([-1, 1], shape), ends)
    spread, middle = 2.0 ** rng.uniform(-2, 8, each), rng.integers(-128, 128, each)
    around = np.rint(rng.normal(0, spread / 2, shape) + middle * rng.integers(0, 2, each))
    values = np.choose(rng.choice([0, 1, 2, 2, 2, 2], each), [ends, small, around])
    values = values.clip(-128, 127).astype(np.int64)
    order = np.abs(values).argsort(1).argsort(1)
    by_chance = rng.random(shape) < rng.choice([0, 0.1, 0.3, 0.5, 0.7, 0.9, 1], each)
    stays = np.choose(rng.choice([0, 0, 1, 1, 2], each),
                      [by_chance, order >= rng.integers(0, features, each), order == 0])
    return values, np.where(stays, values, 0)


def _numbers(rng: np.random.Generator, bits: int, signed: bool) -> np.ndarray:
    """Numbers of every size: random ones, few ones or few zeros, powers of two, and the ends."""
    top = 1 << bits
    any_number = rng.integers(0, top, BLOCKS)
    kinds = np.stack([
        any_number, any_number >> rng.integers(0, bits, BLOCKS),
        any_number & rng.integers(0, top, BLOCKS) & rng.integers(0, top, BLOCKS),
        any_number | rng.integers(0, top, BLOCKS) | rng.integers(0, top, BLOCKS),
        1 << rng.integers(0, bits, BLOCKS), -1 << rng.integers(0, bits, BLOCKS),
        rng.choice([0, 1, -1, top // 2, top // 2 - 1], BLOCKS)]) % top
    chosen = kinds[rng.integers(0, len(kinds), BLOCKS), np.arange(BLOCKS)]
    return np.where(chosen >= top // 2, chosen - top, chosen) if signed else chosen


def _terms(design: Design, rng: np.random.Generator) -> dict[str, Any]:
    """Fields of :class:`LaneInput`, which add up to every size of result."""
    fields = LaneInput(design).members
    accumulator = _numbers(rng, design.accumulator_width, True)
    plain = rng.random((4, BLOCKS)) < 0.3  # terms that change nothing let the others through
    return {
        "accumulator": accumulator,
        "row_sum": _numbers(rng, fields["row_sum"].width, True),
        "token": {"eta": np.where(plain[0], 0, _numbers(rng, 8, True)),
                  "gain": np.where(plain[1], UNIT_GAIN, _numbers(rng, GAIN_BITS, False)),
                  "scale": np.where(plain[2], 1 << TOKEN_FRACTION,
                                    _numbers(rng, SCALE_BITS, False))},
        "channel": {"scale": _numbers(rng, SCALE_BITS, False),
                    "shift": rng.integers(0, 1 << SHIFT_BITS, BLOCKS),
                    "unused": rng.integers(0, 8, BLOCKS),
                    "bias": np.where(plain[3], 0, _numbers(rng, BIAS_BITS, True))},
    }


def results(design: Design, given: dict[str, Any], output: int, exponent: int) -> np.ndarray:
    """What the reference makes of fields of a ``LaneInput``, of one shape or with axes of 1."""
    def tensor(numbers: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(numbers, np.int64))

    token, channel = given["token"], given["channel"]
    corrected = correct(tensor(given["accumulator"]), tensor(given["row_sum"]),
                        tensor(token["gain"]), tensor(token["eta"]),
                        min(32, design.accumulator_width))
    terms = (*(tensor(channel[name]) for name in ("scale", "shift", "bias")),
             tensor(token["scale"]))
    if output == Output.CORRECTED:
        return corrected.numpy()
    if output == Output.INT8:
        return requantize(corrected, *terms).long().numpy()
    return scale_to_float(corrected, *terms, exponent=exponent, output=Output(output)).numpy()


def packed(layout: Any, given: dict[str, Any]) -> np.ndarray:
    """Fields of a layout as bits, in its order; ``last``, if it is not given, is left out.

    Fields are arrays [count], those of arrays [count, length], and dicts of such arrays.
    """
    return np.concatenate([_bits(shape, given[name]) for name, shape in layout.members.items()
                           if name in given], 1)


def _bits(shape: Any, given: Any) -> np.ndarray:
    if isinstance(shape, ArrayLayout):
        return np.concatenate([_bits(shape.elem_shape, _place(given, place))
                               for place in range(shape.length)], 1)
    if isinstance(given, dict):
        return packed(shape, given)
    width = Shape.cast(shape).width
    return bit_rows(given & (1 << width) - 1, width)


def _place(given: Any, place: int) -> Any:
    """What stands at a place of an array."""
    if isinstance(given, dict):
        return {name: _place(field, place) for name, field in given.items()}
    return given[:, place]
