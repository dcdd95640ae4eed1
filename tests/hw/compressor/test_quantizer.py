"""Parts of the quantiser: distances from the largest exponent, and the rounding of one element."""

import random

import pytest
import torch
from amaranth.sim import Simulator

from hw.compressor.distances import Distances
from hw.compressor.quantizer import RoundElement
from hw.formats import BLOCK_FORMATS, FORMATS
from sw.exact.convert import convert
from sw.exact.formats import to_bits


def run(dut, bench):
    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize(("width", "least", "last"), [(5, 2, 4), (5, 0, 0), (6, 20, 30), (1, 1, 1)])
def test_distances_are_those_from_the_largest(width, least, last):
    dut = Distances(3, width, least, last)
    random.seed(14)

    async def bench(ctx):
        for _ in range(300):
            high = random.randrange(1 << width)
            exponents = [max(0, high - random.choice([0, 1, 2, 3, 4, 5, 17])) for _ in range(3)]
            ctx.set(dut.exponents, exponents)
            top = max(*exponents, least)
            assert ctx.get(dut.top) == top
            assert list(ctx.get(dut.distances)) == [
                1 << top - exponent if top - exponent <= last else 0 for exponent in exponents]

    run(dut, bench)


@pytest.mark.parametrize(("element", "number"), [
    *((element, "bf16") for element in dict.fromkeys(form.element.name
                                                     for form in BLOCK_FORMATS.values())),
    ("fp4_e2m1", "fp16")])
def test_every_significand_is_rounded_at_every_distance(element, number):
    form, half = FORMATS[element], 1 << FORMATS[number].mantissa
    dut = RoundElement(form, FORMATS[number])
    places = range(len(dut.distance))
    cases = [(significand, place) for significand in range(half, 2 * half, half // 128)
             for place in places]
    cases += [(2 * half - 1, place) for place in places]
    values = torch.tensor([significand / half * 2.0 ** (form.max_exponent - place)
                           for significand, place in cases])
    expected = to_bits(convert(values, element), element).tolist()

    async def bench(ctx):
        for k, (significand, place) in enumerate(cases):
            ctx.set(dut.significand, significand)
            ctx.set(dut.distance, 1 << place)
            ctx.set(dut.sign, k & 1)
            assert ctx.get(dut.element) == expected[k] | (k & 1) << form.bits - 1
        ctx.set(dut.distance, 0)
        assert ctx.get(dut.element) & (1 << form.bits - 1) - 1 == 0

    run(dut, bench)
