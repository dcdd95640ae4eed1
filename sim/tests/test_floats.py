"""PEs and arrays of floats against the reference."""

import numpy as np
import pytest

from hw.array.sums import MANTISSA
from hw.config import Design, Pattern
from hw.gather.network import make_network
from sim.tests.test_pe import selects
from sim.vectors.floats import fields, float_sums, kept_values
from sim.vectors.stimulus import bit_rows, generator


WIDTHS = {"fp4_e2m1": 24, "fp6_e2m3": 32, "fp6_e3m2": 32, "fp8_e4m3": 49}
"""Bits of an exact accumulator of each format."""

MX = ("mxfp4", "mxfp6_e2m3", "mxfp6_e3m2", "mxfp8_e4m3")
BLOCKS = (*MX, "nvfp4")

LONG = pytest.mark.long
CASES = [("fp8_e4m3", "3:7"), ("mxfp4", "4:8"),
         *(pytest.param(form, pattern, marks=LONG) for form, pattern in zip(
             BLOCKS, ("16:32", "2:4", "4:8", "8:16", "8:16"), strict=True)),
         *(pytest.param(form, pattern, marks=LONG) for form in WIDTHS
           for pattern in ("2:4", "4:8", "8:16", "16:32", "3:7"))]


def floats(form, pattern, **parameters):
    """A design of a format, with an exact accumulator where there is one."""
    exact = {"accumulator_width": WIDTHS[form]} if form in WIDTHS else {"accumulator": "fp32"}
    return Design(Pattern.parse(pattern), format=form, weight_format=form,
                  **{**exact, **parameters})


@pytest.mark.parametrize(("form", "pattern"), CASES)
def test_pe_of_floats(bench, form, pattern):
    check_pe(bench, floats(form, pattern))


@pytest.mark.long
@pytest.mark.parametrize("form", ["fp8_e4m3", "mxfp4"])
def test_pe_of_floats_that_registers_gathered_weights(bench, form):
    check_pe(bench, floats(form, "4:8", pipeline="gathered"))


@pytest.mark.long
@pytest.mark.parametrize("form", ["fp4_e2m1", "fp8_e4m3"])
def test_pe_of_floats_that_rounds_once_a_step(bench, form):
    check_pe(bench, floats(form, "3:7", accumulator_width=32, accumulator="fp32"))


def check_pe(bench, design, count=40, depth=8):
    """A PE on sums of special and random values, whatever the weights of dropped values are."""
    pattern = design.pattern
    exact = design.accumulator == "exact"
    rng = generator("float pe", design.format, pattern)
    sums = float_sums(design, count, count, depth, rng)
    sums.w[~sums.masks] = rng.integers(0, 1 << design.weight.bits, (~sums.masks).sum())
    steps = count * depth
    expected = np.stack([sums.results(design, k + 1, pairs=True) for k in range(depth)], 1)
    keep = np.arange(steps) % depth > 0
    scales = sums.x_scales.reshape(-1) if design.block else None
    vectors = {**fields(kept_values(sums, design).reshape(steps, -1), design, scales),
               "keep": keep[:, None],
               "weights": bit_rows(sums.w.reshape(steps, -1), design.weight.bits),
               "accumulators": expected.reshape(-1).astype(float),
               "width": design.accumulator_width if exact else MANTISSA,
               "ahead": int(design.registers_gathered)}
    if exact:
        vectors["unit"] = design.product_unit
    if design.block:
        vectors["weight_scale"] = bit_rows(sums.w_scales.reshape(-1), 8)
    if not pattern.dense:
        vectors["selects"] = selects(sums.masks.reshape(steps, -1),
                                     make_network(design.gather, pattern))
    bench("pe", "pe", design, vectors)


@pytest.mark.parametrize(("form", "pattern"), [
    ("mxfp4", "4:8"), *(pytest.param(form, "8:16", marks=LONG) for form in BLOCKS),
    *(pytest.param(form, pattern, marks=LONG) for form in WIDTHS
                           for pattern in ("8:16", "3:7", "4:4"))])
def test_array_of_floats(bench, form, pattern):
    check_array(bench, floats(form, pattern, rows=3, columns=2, tile=2))


@pytest.mark.long
@pytest.mark.parametrize("form", ["fp4_e2m1", "mxfp4"])
def test_array_of_floats_that_registers_gathered_weights(bench, form):
    check_array(bench, floats(form, "4:8", rows=3, columns=3, tile=2, pipeline="gathered"))


def check_array(bench, design, groups=6, depth=4):
    """An array on groups of tokens, each by weights of its own."""
    pattern, rows, columns = design.pattern, design.rows, design.columns
    rng = generator("float array", design.format, pattern)
    parts = [float_sums(design, rows, columns, depth, rng) for _ in range(groups)]

    def by_step(arrays, bits):
        return np.stack([bit_rows(array.reshape(-1, array.shape[-1]), bits)
                         .reshape(*array.shape[:2], -1) for array in arrays]).transpose(0, 2, 1, 3)

    vectors = {
        "values": by_step([kept_values(part, design) for part in parts], design.number.bits),
        "weights": by_step([part.w for part in parts], design.weight.bits),
        "accumulators": np.stack([part.results(design, depth, pairs=False)
                                  for part in parts]).view("<i4"),
        "rows": rows, "columns": columns, "tile": design.tile}
    if design.block:
        vectors |= {"scales": by_step([part.x_scales[..., None] for part in parts], 8),
                    "weight_scales": by_step([part.w_scales[..., None] for part in parts], 8)}
    if not pattern.dense:
        vectors["masks"] = by_step([part.masks for part in parts], 1)
    bench("array", "array", design, vectors)
