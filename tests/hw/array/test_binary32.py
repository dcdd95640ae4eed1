"""Results of sums of floats: rounded once, to binary32, bf16 or fp16."""

import random

import pytest
import torch

from hw.array.binary32 import RoundRow
from hw.config import Design, Pattern
from sw.exact.convert import convert
from tests.hw.streams import drain, feed, simulate


FORMS = {"fp32": (torch.float32, torch.int32), "bf16": (torch.bfloat16, torch.int16),
         "fp16": (torch.float16, torch.int16)}
NAN = {"fp32": 0x7FC00000, "bf16": 0x7FC0, "fp16": 0x7E00}
FP32 = {"format": "fp16", "weight_format": "fp16", "accumulator": "fp32"}
EXACT = {"format": "fp8_e4m3", "weight_format": "fp8_e4m3", "accumulator_width": 49}


def rounded(values, form):
    """Bits of numbers in float64, rounded once."""
    kind, bits = FORMS[form]
    found = values.float() if form == "fp32" else convert(values, form)
    assert found.dtype == kind
    return found.view(bits).tolist()


def results(design, sums):
    """Bits of the results of sums, fields by name each."""
    dut, got = RoundRow(design), []
    rows = [{"sums": [fields], "last": k == len(sums) - 1} for k, fields in enumerate(sums)]
    simulate(dut, feed(dut.i, rows, stall=0.2, seed=1), drain(
        dut.o, len(sums), got, stall=0.3, seed=2,
        read=lambda row: (row.last, row.accumulators[0])))
    assert [last for last, _ in got] == [row["last"] for row in rows]
    return [result for _, result in got]


@pytest.mark.parametrize("form", FORMS)
def test_rounded_sums(form):
    """All kinds of binary32: subnormal, halfway between numbers of bf16, close to infinity."""
    rng = random.Random(14)
    lowest = [0, 1, 0x7FFF, 0x8000, 0x8001, 0xFFFF]
    bits = [sign | upper << 16 | lower for sign in (0, 1 << 31) for lower in lowest
            for upper in (0, 1, 0x7F, 0x80, 0x81, 0x3F80, 0x3F81, 0x7F00, 0x7F7E, 0x7F7F)]
    # Around all places of fp16: subnormal, half of the smallest, close to its infinity.
    bits += [sign | field << 23 | fraction for sign in (0, 1 << 31) for field in
             (*range(100, 116), 127, 142, 143) for fraction in (
                 0, 1, 0xFFF, 0x1000, 0x1001, 0x3000, 0x7FDFFF, 0x7FEFFF, 0x7FF000, 0x7FFFFF,
                 rng.getrandbits(23))]
    bits += [rng.getrandbits(32) for _ in range(100)]
    bits = [one for one in bits if one >> 23 & 0xFF != 0xFF]
    sums, flags = [], {"infinite": 0, "nan": 0, "negative": 0}
    for one in bits:
        field, fraction, negative = one >> 23 & 0xFF, one & (1 << 23) - 1, one >> 31
        size = fraction | bool(field) << 23
        sums.append(flags | {"mantissa": -size if negative else size, "field": max(field, 1),
                             "negative": int(negative and not size)})
    # -2 ** 24 stands for the next exponent.
    sums += [flags | {"mantissa": -1 << 24, "field": field} for field in (1, 100, 111, 142, 253)]
    wanted = [torch.tensor(one - (one >> 31 << 32), dtype=torch.int32).view(torch.float32).double()
              for one in bits]
    wanted += [torch.tensor(-(2.0 ** (field - 126)), dtype=torch.float64)
               for field in (1, 100, 111, 142, 253)]
    zero = {"mantissa": 5, "field": 9}
    sums += [flags | zero | {"infinite": 1}, flags | zero | {"infinite": 1, "negative": 1},
             flags | zero | {"nan": 1, "negative": 1}]
    wanted += [torch.tensor(value, dtype=torch.float64) for value in (torch.inf, -torch.inf)]
    expected = [*rounded(torch.stack(wanted), form), NAN[form]]
    design = Design(Pattern(2, 4), columns=1, result_format=form, **FP32)
    assert results(design, sums) == expected


@pytest.mark.parametrize("form", ["fp32", "bf16"])
def test_exact_sums(form):
    rng = random.Random(15)
    near = [base + step << shift for base in (1 << 7, (1 << 8) - 1, 3 << 6) for step in (0, 1)
            for shift in (0, 1, 9, 30)]
    near = [value + below for value in near for below in (-1, 0, 1)]
    values = [0, 1, (1 << 48) - 1, *near, *(number << 1 | 1 for number in near),
              *(rng.getrandbits(rng.randrange(1, 48)) for _ in range(100))]
    values += [-value for value in values]
    unit = 2.0 ** -18
    expected = rounded(torch.tensor(values, dtype=torch.float64) * unit, form)
    design = Design(Pattern(2, 4), columns=1, result_format=form, **EXACT)
    sums = [{"total": value, "nan": 0} for value in values] + [{"total": -3, "nan": 1}]
    assert results(design, sums) == [*expected, NAN[form]]
