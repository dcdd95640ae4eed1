"""Sums and products of words, every value of small ones."""

from itertools import product as pairs

import pytest
from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import Out
from amaranth.sim import Simulator

from hw.arithmetic.carry_save import carry_save, prefix_add, product


class Sum(wiring.Component):
    """What ``make`` builds of the inputs."""

    def __init__(self, shapes, width, make):
        super().__init__({"o": Out(width)})
        self.given = [Signal(shape, name=f"i{k}") for k, shape in enumerate(shapes)]
        self.make = make

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.o.eq(self.make(m, *self.given))
        return m


def outputs(component, values):
    """Output for each of ``values``, tuples of inputs."""
    found = []

    async def testbench(ctx):
        for inputs in values:
            for signal, value in zip(component.given, inputs, strict=True):
                ctx.set(signal, value)
            found.append(ctx.get(component.o))

    simulator = Simulator(component)
    simulator.add_testbench(testbench)
    simulator.run()
    return found


def numbers(shape):
    low = -1 << shape.width - 1 if shape.signed else 0
    return range(low, low + (1 << shape.width))


@pytest.mark.parametrize("shapes", [(unsigned(4), unsigned(3)), (signed(4), unsigned(3)),
                                    (signed(3), signed(4)), (unsigned(3), signed(4))], ids=str)
@pytest.mark.parametrize("shift", [0, 2])
def test_product_is_the_sum_of_its_numbers(shapes, shift):
    width = 9 + shift

    def make(m, value, factor):
        return sum(carry_save(m, product(value, factor, width, shift), width))

    values = list(pairs(*map(numbers, shapes)))
    expected = [(a * b << shift) % (1 << width) for a, b in values]
    assert outputs(Sum(shapes, width, make), values) == expected


def test_numbers_become_at_most_two():
    def make(m, *given):
        two = carry_save(m, list(given), 4)
        assert len(two) == 2
        return sum(two)

    values = list(pairs(range(4), repeat=5))
    assert outputs(Sum([2] * 5, 4, make), values) == [sum(one) % 16 for one in values]


@pytest.mark.parametrize("width", [1, 4, 5])
def test_prefix_sum_has_its_carry(width):
    values = list(pairs(range(1 << width), range(1 << width), (0, 1)))
    got = outputs(Sum([width, width, 1], width + 1, prefix_add), values)
    assert got == [sum(one) for one in values]
