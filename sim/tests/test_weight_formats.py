"""PEs and arrays of floats by weights in another format: integers, and MXFP4 under MXFP8."""

import pytest

from hw.config import Design, Pattern
from hw.formats import EXACT, PAIRS
from sim.tests.test_floats import check_array, check_pe


WIDTHS = {"int4": 34, "int8": 38}
"""Bits of an exact accumulator of E4M3 by integers."""

OTHERS = [(form, weights) for form, others in PAIRS.items() for weights in others
          if weights != form]

LONG = pytest.mark.long


def pair(form, weights, pattern, **parameters):
    """A design of two formats, with an exact accumulator where there is one."""
    exact = {"accumulator_width": WIDTHS[weights]} if form in EXACT else {"accumulator": "fp32"}
    return Design(Pattern.parse(pattern), format=form, weight_format=weights,
                  **{**exact, **parameters})


def cases(*short):
    """Every pair with a pattern; those that are not short are long."""
    return [*short, *(pytest.param(*one, pattern, marks=LONG) for one, pattern in zip(
        OTHERS, ("3:7", "8:16", "4:8", "8:16", "3:7", "4:8", "8:16"), strict=True))]


@pytest.mark.parametrize(("form", "weights", "pattern"), cases(
    ("fp8_e4m3", "int4", "2:4"), ("bf16", "int4", "4:8"), ("bf16", "int8", "2:4"),
    ("mxfp8_e4m3", "mxfp4", "2:4")))
def test_pe(bench, form, weights, pattern):
    check_pe(bench, pair(form, weights, pattern))


@pytest.mark.parametrize(("form", "weights", "pattern"), [
    ("fp8_e4m3", "int4", "2:4"), ("bf16", "int4", "2:4"),
    *(pytest.param(*one, "4:8", marks=LONG) for one in (
        ("fp8_e4m3", "int8"), ("fp16", "int8"), ("mxfp8_e4m3", "mxfp4")))])
def test_array(bench, form, weights, pattern):
    check_array(bench, pair(form, weights, pattern, rows=3, columns=2, tile=2))


@pytest.mark.long
@pytest.mark.parametrize(("form", "parameters"), [
    ("fp8_e4m3", {"accumulator": "fp32", "accumulator_width": 32}),
    ("bf16", {"guard": 0}), ("bf16", {"pipeline": "gathered"})])
def test_pe_otherwise(bench, form, parameters):
    check_pe(bench, pair(form, "int4", "4:8", **parameters))


@pytest.mark.long
def test_dense(bench):
    check_array(bench, pair("bf16", "int8", "4:4", rows=2, columns=2, tile=2))
