"""PEs and arrays of floats that have infinities, bf16, fp16 and E5M2, against the reference."""

import pytest

from sim.tests.test_floats import check_array, check_pe, floats


FORMATS = ("bf16", "fp16", "fp8_e5m2", "mxfp8_e5m2")
PATTERNS = ("2:4", "4:8", "8:16", "16:32")
ODD = [(form, "3:7") for form in FORMATS[:3]]
"""Patterns that no scale of 32 values allows."""


def cases(*short):
    """All formats with the four patterns; those that are not short are long."""
    every = [(form, pattern) for form in FORMATS for pattern in PATTERNS] + ODD
    return [*short, *(pytest.param(*case, marks=pytest.mark.long)
                      for case in every if case not in short)]


@pytest.mark.parametrize(("form", "pattern"), cases(
    ("bf16", "2:4"), ("bf16", "8:16"), ("fp16", "2:4"), ("fp8_e5m2", "8:16"),
    ("mxfp8_e5m2", "2:4")))
def test_pe(bench, form, pattern):
    check_pe(bench, floats(form, pattern))


@pytest.mark.parametrize(("form", "pattern"), cases(
    ("bf16", "8:16"), ("fp16", "2:4"), ("fp8_e5m2", "2:4")))
def test_array(bench, form, pattern):
    check_array(bench, floats(form, pattern, rows=3, columns=2, tile=2))


@pytest.mark.long
@pytest.mark.parametrize("guard", [0, 3, 24])
@pytest.mark.parametrize("form", ["bf16", "fp16"])
def test_pe_with_other_guard_bits(bench, form, guard):
    check_pe(bench, floats(form, "4:8", guard=guard))


@pytest.mark.long
@pytest.mark.parametrize("form", ["bf16", "fp8_e5m2"])
@pytest.mark.parametrize("check", [check_pe, check_array])
def test_gathered_weights_are_registered(bench, check, form):
    check(bench, floats(form, "4:8", pipeline="gathered", rows=3, columns=3, tile=2)
          if check is check_array else floats(form, "4:8", pipeline="gathered"))


@pytest.mark.long
@pytest.mark.parametrize("form", FORMATS)
def test_dense(bench, form):
    check_array(bench, floats(form, "4:4", rows=2, columns=2, tile=2))
