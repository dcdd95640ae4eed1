"""What is checked of the accumulator that rounds: every result on its way, against exact sums."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hw.array.float_accumulator import FIELD
from hw.config import Design
from sim.vectors.stimulus import bit_rows, generator
from sim.vectors.tokens import Beats
from sw.exact.convert import convert
from sw.exact.formats import to_bits
from sw.exact.rounding import add_to_fp32
from verify.mutate.checks import through
from verify.mutate.float_parts import STEP_BITS


__all__ = ["float_sum"]


CHAINS, STEPS = 400, 30
"""Sums, several one after the other in each chain."""

NONE = -1 << FIELD - 1
"""Field of a step that is zero."""

NAN = 0x7FC0_0000
"""Of binary32."""


def float_sum(design: Design) -> Callable[[Any], None]:
    """Steps near the sum so far, far from it, or nearly its opposite; infinite ones, and NaN."""
    rng = generator("float sum", design)
    total, beats, results = np.zeros(CHAINS), [], []
    for k in range(STEPS):
        given = _steps(rng, total, first=k == 0)
        total = _added(total, given)
        results.append(bit_rows(_word(design, total), design.result_bits))
        beats.append(np.concatenate([
            bit_rows(given[name] & (1 << width) - 1, width) for name, width in
            (("value", STEP_BITS), ("field", FIELD), *((name, 1) for name in (
                "keep", "step", "nan", "infinite", "negative")))], 1))
    last = np.tile(np.arange(STEPS) == STEPS - 1, CHAINS)
    sent, expected = (Beats(np.stack(rows, 1).reshape(CHAINS * STEPS, -1), last,
                            np.zeros((len(last), 0), bool)) for rows in (beats, results))
    return through(sent, expected)


def _word(design: Design, total: np.ndarray) -> np.ndarray:
    """Bits of sums as results, which are rounded once more."""
    if design.result_format == "fp32":
        return np.where(np.isnan(total), NAN, np.float32(total).view(np.uint32))
    name = design.result_format
    return to_bits(convert(torch.from_numpy(total), name), name).numpy()


def _steps(rng: np.random.Generator, total: np.ndarray, *, first: bool) -> dict[str, np.ndarray]:
    """Inputs of the accumulator for the next step of every chain, integers."""
    def some(share: float) -> np.ndarray:
        return rng.random(CHAINS) < share

    near = _field(total)
    top = 1 << STEP_BITS - 2
    size = rng.integers(top, 2 * top, CHAINS)
    # Half way between two numbers of bf16, or a bit more.
    half = (rng.integers(256, 512, CHAINS) | 1) << STEP_BITS - 10
    half |= 1 << rng.integers(0, STEP_BITS - 10, CHAINS)
    value = np.choose(rng.integers(0, 8, CHAINS), [
        np.full(CHAINS, top), np.full(CHAINS, 2 * top - 1), np.full(CHAINS, -2 * top), size,
        -size - 1, top | 1 << rng.integers(0, STEP_BITS - 1, CHAINS), half, -half])
    field = np.choose(rng.integers(0, 4, CHAINS), [
        near + rng.integers(-30, 31, CHAINS), near + rng.integers(-2, 3, CHAINS),
        rng.integers(-135, 395, CHAINS), rng.choice([1, 0, -24, -25, 254, 255], CHAINS)])
    opposite = _opposite(rng, total, near)
    here = some(0.3) & (np.abs(opposite + 0.5) > top) & (np.abs(opposite + 0.5) < 2 * top)
    value, field = np.where(here, opposite, value), np.where(here, near, field)
    step = ~some(0.05) | first
    keep = ~(step & (some(0.15) | first))
    zero = ~step | some(0.05)
    infinite = step & some(0.03)
    return {"value": np.where(zero, 0, value), "field": np.where(zero, NONE, field),
            "keep": keep.astype(int), "step": step.astype(int),
            "nan": (step & some(0.01)).astype(int), "infinite": infinite.astype(int),
            "negative": some(0.5).astype(int)}


def _field(total: np.ndarray) -> np.ndarray:
    """Field of the sums so far; any one where they are not finite."""
    finite = np.where(np.isfinite(total), total, 1.0)
    return np.maximum(np.frexp(finite)[1] + 126, 1) * (finite != 0) + (finite == 0)


def _opposite(rng: np.random.Generator, total: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Significands of the opposites of sums, but for one bit or a few, or none."""
    finite = np.where(np.isfinite(total), total, 1.0)
    mantissa = np.ldexp(finite, 151 - field).astype(np.int64)  # a bit more than the sum has
    other = 1 << rng.integers(0, STEP_BITS - 1, CHAINS)
    return -mantissa + np.choose(rng.integers(0, 4, CHAINS), [
        np.zeros(CHAINS, int), other, -other, rng.integers(-other, other + 1)])


def _added(total: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
    """Sums after the steps."""
    exact = np.ldexp(given["value"].astype(float), given["field"] - 125 - STEP_BITS)
    sign = 1.0 - 2 * given["negative"]
    exact = np.where(given["infinite"] == 1, sign * np.inf, exact)
    before = np.where(given["keep"] == 1, total, 0.0)
    after = add_to_fp32(*(torch.from_numpy(part) for part in (before, exact))).numpy()
    after = np.where(given["nan"] == 1, np.nan, after)
    return np.where(given["step"] == 1, after, total)
