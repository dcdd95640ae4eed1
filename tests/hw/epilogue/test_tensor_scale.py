"""Sums of NVFP4 times a gain: one exact product, rounded once."""

import random

import pytest
import torch

from hw.config import Design, Pattern
from hw.epilogue.tensor_scale import TensorScale
from hw.formats import NVFP4_LEAST_GAIN
from sw.exact.convert import convert
from sw.exact.formats import from_bits
from tests.hw.streams import drain, feed, simulate


RESULTS = {"fp32": torch.float32, "bf16": torch.bfloat16}
INTEGERS = {"fp32": (torch.int32, 32), "bf16": (torch.int16, 16)}
LEAST_UNIT = -20
"""Exponent of the smallest product of two elements and two scales."""


def design(result):
    return Design(Pattern(8, 16), format="bf16", quantize="nvfp4", weight_format="nvfp4",
                  accumulator="fp32", result_format=result, epilogue_lanes=0, columns=3)


def sums(chance, count):
    """Numbers of binary32 as NVFP4's sums are: zero, or normal, from the smallest product on."""
    ends = [0.0, -0.0, 2.0 ** LEAST_UNIT, -(2.0 ** LEAST_UNIT), 1.0, 3.0, -1.5,
            float((1 << 24) - 1) * 2.0 ** 27]
    usual = [chance.choice((-1, 1)) * chance.randrange(1 << 23, 1 << 24)
             * 2.0 ** chance.randint(LEAST_UNIT - 23, 27) for _ in range(count)]
    short = [chance.randint(-600, 600) * 2.0 ** LEAST_UNIT for _ in range(count)]
    return [*ends, *usual, *short]


def bits_of(values, result):
    kind, width = INTEGERS[result]
    return [one & (1 << width) - 1 for one in values.view(kind).tolist()]


@pytest.mark.parametrize("result", RESULTS)
@pytest.mark.parametrize("gain", [
    1.0, 1.5, 1.9921875, 2.0 ** NVFP4_LEAST_GAIN, 1.0078125 * 2.0 ** NVFP4_LEAST_GAIN,
    1.59375 * 2.0 ** -23, 1.25 * 2.0 ** 79, 1.9921875 * 2.0 ** 127])
def test_products_round_once(result, gain):
    """Ties, carries into the exponent, the smallest results and those beyond the largest."""
    dut, chance, got = TensorScale(design(result)), random.Random(f"{gain} {result}"), []
    given = sums(chance, 128)
    given += [0.0] * (-len(given) % 3)
    bits = torch.tensor(given).view(torch.int32).tolist()
    nan = 0x7FC00000
    rows = [{"accumulators": bits[k:k + 3], "last": k % 2} for k in range(0, len(bits), 3)]
    rows.append({"accumulators": [nan, bits[4], nan], "last": 1})

    async def settings(ctx):
        ctx.set(dut.gain, torch.tensor(gain).bfloat16().view(torch.int16).item() & 0xFFFF)

    simulate(dut, settings, feed(dut.i, rows, stall=0.2, seed=1), drain(
        dut.o, len(rows), got, stall=0.3, seed=2,
        read=lambda row: (row.last, [int(one) for one in row.accumulators])))
    exact = torch.tensor([*given, torch.nan, given[4], torch.nan], dtype=torch.float64) * gain
    rounded = convert(exact, "bf16") if result == "bf16" else torch.where(
        exact.isnan(), torch.nan, exact).float()
    expected = bits_of(rounded, result)
    found = [one & (1 << INTEGERS[result][1]) - 1 for _, row in got for one in row]
    assert found == expected
    assert [last for last, _ in got] == [row["last"] for row in rows]
    subnormal = (rounded != 0) & (rounded.abs() < 2.0 ** -126)
    assert not subnormal.any()
    assert gain < 2.0 ** 79 or rounded.isinf().any()


def test_the_smallest_sum_is_the_unit_of_elements_and_scales():
    least = from_bits(torch.tensor([1]), "fp4_e2m1").double() * from_bits(
        torch.tensor([1]), "fp8_e4m3").double()
    assert least.square().item() == 2.0 ** LEAST_UNIT
    assert NVFP4_LEAST_GAIN + LEAST_UNIT == -126
