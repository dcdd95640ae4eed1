"""Formats and scores against the definitions of the number formats."""

import math

import pytest
import torch
from amaranth.sim import Simulator

from hw.compressor.score import Score
from hw.config import Pattern
from hw.formats import BLOCK_FORMATS, FORMATS, PAIRS
from sw.exact.formats import from_bits, to_bits
from tests.sw.plain import magnitude


FLOATS = [number for number in FORMATS.values() if not number.integer]


def decode(bits, number):
    """Value of a floating-point pattern, from the definition of its fields."""
    sign = -1 if bits >> number.bits - 1 else 1
    exponent = bits >> number.mantissa & (1 << number.exponent) - 1
    fraction = bits & (1 << number.mantissa) - 1
    if number.infinity is not None and exponent == (1 << number.exponent) - 1:
        return math.nan if fraction else sign * math.inf
    if number.name == "fp8_e4m3" and bits & 0x7F == 0x7F:
        return math.nan
    bias = (1 << number.exponent - 1) - 1
    significand = fraction / (1 << number.mantissa) + (exponent > 0)
    return sign * significand * 2.0 ** (max(exponent, 1) - bias)


def every(number):
    return range(1 << number.bits)


@pytest.mark.parametrize(("name", "smallest", "largest"), [
    ("int4", 1, 7), ("int8", 1, 127), ("fp8_e4m3", 2 ** -9, 448), ("fp8_e5m2", 2 ** -16, 57344),
    ("fp6_e2m3", 0.125, 7.5), ("fp6_e3m2", 0.0625, 28), ("fp4_e2m1", 0.5, 6),
    ("fp16", 2 ** -24, 65504), ("bf16", 2 ** -133, 2 ** 128 - 2 ** 120)])
def test_ends_of_the_specifications(name, smallest, largest):
    number = FORMATS[name]
    assert (number.value(1), number.max_finite) == (smallest, largest)
    if not number.integer:
        assert 2.0 ** (number.least_exponent - number.mantissa) == smallest
        assert 2.0 ** number.max_exponent <= largest < 2.0 ** (number.max_exponent + 1)


@pytest.mark.parametrize("block", BLOCK_FORMATS.values(), ids=list(BLOCK_FORMATS))
def test_block_formats_of_the_specifications(block):
    assert (block.scale, block.size) == (("e4m3", 16) if block.name == "nvfp4" else ("e8m0", 32))
    assert block.element.name.removeprefix("fp") in {
        "mxfp4": "4_e2m1", "nvfp4": "4_e2m1"}.get(block.name, block.name.removeprefix("mxfp"))


def test_every_pair_has_its_formats():
    known = {*FORMATS, *BLOCK_FORMATS}
    assert known - set(PAIRS) == {"int4", "int8"}
    for name, weights in PAIRS.items():
        assert weights[0] == name
        assert set(weights) <= known


@pytest.mark.parametrize("number", FLOATS, ids=lambda number: number.name)
def test_torch_reads_the_bits_as_defined(number):
    values = from_bits(torch.tensor(list(every(number))), number.name)
    for bits, value in zip(every(number), values.double().tolist(), strict=True):
        expected = decode(bits, number)
        assert number.value(bits) == expected or math.isnan(number.value(bits)), hex(bits)
        assert value == expected or (math.isnan(value) and math.isnan(expected)), hex(bits)
    assert to_bits(values, number.name).tolist() == list(every(number))


@pytest.mark.parametrize(("name", "values"), [("int4", range(-8, 8)), ("int8", range(-128, 128))])
def test_integers_are_twos_complement(name, values):
    bits = to_bits(torch.tensor(list(values), dtype=torch.int8), name)
    width = FORMATS[name].bits
    assert bits.tolist() == [value % (1 << width) for value in values]
    assert from_bits(bits, name).tolist() == list(values)


@pytest.mark.parametrize("number", FORMATS.values(), ids=list(FORMATS))
def test_scores_order_like_magnitudes(number):
    """All values of 8 bits or fewer, all positive and every 7th negative one of 16 bits."""
    chosen = list(every(number))
    if number.bits == 16:
        chosen = chosen[::7]
        chosen += [number.nan, number.nan - 1, number.infinity, 0x8000, 0xFFFF, 0x7FFF]
        chosen += [0] * (len(chosen) % 2)
    dut = Score(Pattern(1, 2), number)
    scores = {}

    async def bench(ctx):
        for pair in zip(chosen[::2], chosen[1::2], strict=True):
            ctx.set(dut.values, list(pair))
            scores.update(zip(pair, ctx.get(dut.scores), strict=True))

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
    assert max(scores.values()).bit_length() == number.score_width()

    def key(bits):
        if number.integer:
            return 0, abs(from_bits(torch.tensor([bits]), number.name).int()).item()
        return magnitude(decode(bits, number))

    by_key = {}
    for bits, score in scores.items():
        by_key.setdefault(key(bits), set()).add(score)
    assert all(len(equal) == 1 for equal in by_key.values())
    ordered = [by_key[k].pop() for k in sorted(by_key)]
    assert ordered == sorted(set(ordered))


def test_score_with_a_coefficient_is_the_exact_product():
    number = FORMATS["int8"]
    dut = Score(Pattern(1, 2), number, 8)

    async def bench(ctx):
        for value in range(-128, 128):
            for factor in (0, 1, 2, 127, 254, 255):
                ctx.set(dut.values, [value, -value - 1])
                ctx.set(dut.factors, [factor, 255 - factor])
                assert list(ctx.get(dut.scores)) == [abs(value) * factor,
                                                     abs(value + 1) * (255 - factor)]

    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()
    assert number.score_width(8) == 15  # 128 * 255 is below 2 ** 15


@pytest.mark.parametrize(("call", "message"), [
    (lambda: from_bits(torch.tensor([16]), "int4"),
     "bits must be from 0 to 15 in int4, not from 16 to 16"),
    (lambda: to_bits(torch.tensor([8], dtype=torch.int8), "int4"),
     "values must be from -8 to 7 in int4, not from 8 to 8"),
    (lambda: to_bits(torch.tensor([8.0]), "fp16"),
     "values must be of type float16 in fp16, not float32"),
    (lambda: from_bits(torch.tensor([1]), "fp32"),
     ("format must be one of int4, int8, fp8_e4m3, fp8_e5m2, fp6_e2m3, fp6_e3m2, fp4_e2m1, fp16, "
      "bf16, not 'fp32'")),
    (lambda: from_bits(torch.tensor([64]), "fp6_e3m2"),
     "bits must be from 0 to 63 in fp6_e3m2, not from 64 to 64"),
    (lambda: to_bits(torch.tensor([5.0]).to(torch.float8_e4m3fn), "fp4_e2m1"),
     "values must be numbers of fp4_e2m1, not 5"),
])
def test_rejects(call, message):
    with pytest.raises(ValueError, match="must be") as caught:
        call()
    assert str(caught.value) == message
