"""Conversions of every number of 16 bits to every format: libraries, and the table of the docs."""

import math

import ml_dtypes
import numpy as np
import pytest
import torch

from hw.formats import FORMATS
from sw.exact.convert import NAN_BITS, convert
from sw.exact.formats import TYPES, to_bits


LIBRARY = {"int4": ml_dtypes.int4, "int8": np.int8, "fp8_e4m3": ml_dtypes.float8_e4m3fn,
           "fp8_e5m2": ml_dtypes.float8_e5m2, "fp6_e2m3": ml_dtypes.float6_e2m3fn,
           "fp6_e3m2": ml_dtypes.float6_e3m2fn, "fp4_e2m1": ml_dtypes.float4_e2m1fn,
           "fp16": np.float16, "bf16": ml_dtypes.bfloat16}

BEYOND = {
    # Bits that overflow, infinity and NaN become.
    "int4": (0x7, 0x7, 0x0), "int8": (0x7F, 0x7F, 0x00),
    "fp8_e4m3": (0x7E, 0x7E, 0x7F), "fp8_e5m2": (0x7B, 0x7B, 0x7F),
    "fp6_e2m3": (0x1F, 0x1F, 0x00), "fp6_e3m2": (0x1F, 0x1F, 0x00), "fp4_e2m1": (0x7, 0x7, 0x0),
    "fp16": (0x7C00, 0x7C00, 0x7E00), "bf16": (0x7F80, 0x7F80, 0x7FC0),
}
NEGATIVE = {"int4": 0x8, "int8": 0x80}
"""What negative overflow becomes, where that is not the same with a sign."""


def every(source):
    """All 65,536 numbers of bf16 or fp16."""
    return torch.arange(-32768, 32768).to(torch.int16).view(TYPES[source])


@pytest.mark.parametrize("source", ["bf16", "fp16"])
@pytest.mark.parametrize("name", list(FORMATS))
def test_every_number_of_16_bits(source, name):
    form, x = FORMATS[name], every(source)
    bits = to_bits(convert(x, name), name)
    exact = x.double()
    overflow, infinity, nan = BEYOND[name]
    largest, half = form.max_finite, 1 << form.bits - 1
    if form.integer:
        low, high = exact < -half - 0.5, exact >= largest + 0.5
        whole = exact.nan_to_num(0).round().clamp(-half, largest)
        expected = np.array(whole.numpy(), LIBRARY[name])
    else:
        # Halfway between the largest number and the next one, which would be even.
        limit = largest + 2.0 ** (form.max_exponent - form.mantissa - 1)
        if form.max_bits & 1 == 0:
            limit = math.nextafter(limit, math.inf)
        low, high = exact <= -limit, exact >= limit
        safe = torch.where(low | high | exact.isnan(), 0, exact).float()
        expected = safe.numpy().astype(LIBRARY[name])
    kind = np.uint16 if form.bits == 16 else np.uint8
    wanted = torch.from_numpy(expected.view(kind).astype(np.int64)) & 2 * half - 1
    finite = exact.isfinite()
    wanted[high & finite], wanted[exact == math.inf] = overflow, infinity
    below = NEGATIVE.get(name, overflow | half)
    wanted[low & finite], wanted[exact == -math.inf] = below, NEGATIVE.get(name, infinity | half)
    wanted[exact.isnan()] = nan
    assert bits.equal(wanted)


@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2"])
def test_pytorch_agrees_on_finite_numbers_in_range(name):
    x = every("bf16")
    inside = x.double().abs() <= FORMATS[name].max_finite  # false for NaN
    assert to_bits(convert(x, name), name)[inside].equal(
        to_bits(x.to(TYPES[name]), name)[inside])


def test_a_number_of_binary32_is_rounded_once():
    # By way of bf16 it would become the tie 1.0625, and then 1.
    assert float(convert(torch.tensor(1.0625 + 2 ** -20), "fp8_e4m3").float()) == 1.125


def test_the_docs_have_the_patterns(pytestconfig):
    text = (pytestconfig.rootpath / "docs" / "sw" / "formats.md").read_text()
    for name, (overflow, infinity, nan) in BEYOND.items():
        width = -(-FORMATS[name].bits // 4)
        row = f"| `{name}` | {overflow:0{width}X} | {infinity:0{width}X} | {nan:0{width}X} |"
        assert row in text
    assert {name: nan for name, (_, _, nan) in BEYOND.items() if nan} == NAN_BITS


def test_rejects_an_unknown_format():
    with pytest.raises(ValueError, match=r"format must be one of int4, int8, fp8_e4m3, .*'fp3'"):
        convert(torch.zeros(1), "fp3")
