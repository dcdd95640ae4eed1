"""Recoding and partial products, exhaustively."""

from itertools import product
from types import SimpleNamespace

from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hw.arithmetic.adder import Columns
from hw.array.multiplier import Recoder, partial_products


DIGITS = 4
FIELDS = ("one", "two", "negative")
INT8 = range(-128, 128)
VALUES = 32  # times all weights: more bits than 8,192 are too many for a signal of the simulator
PAIRS = VALUES * len(INT8)


def pack(bits):
    """A number that has the first of ``bits`` lowest."""
    return int("".join(map(str, bits))[::-1], 2)


def run(dut, bench):
    sim = Simulator(dut)
    sim.add_testbench(bench)
    sim.run()


def number(digit):
    magnitude = digit.one + 2 * digit.two
    return -max(magnitude, 1) if digit.negative else magnitude


def test_digits_of_every_value_add_up_to_it():
    recoder = Recoder()

    async def bench(ctx):
        ctx.set(recoder.enable, 1)
        for value in range(-128, 128):
            ctx.set(recoder.value, value)
            digits = ctx.get(recoder.digits)
            assert sum(number(digits[k]) * 4 ** k for k in range(DIGITS)) == value
            assert all(digits[k].one + digits[k].two + digits[k].negative <= 1
                       for k in range(DIGITS - 1))
            assert digits[DIGITS - 1].one + digits[DIGITS - 1].two <= 1

    run(recoder, bench)


def test_digits_are_zero_while_not_enabled():
    recoder = Recoder()

    async def bench(ctx):
        for value in range(-128, 128):
            ctx.set(recoder.value, value)
            assert all(number(digit) == 0 for digit in ctx.get(recoder.digits))

    run(recoder, bench)


def test_every_product_of_two_int8_values():
    """All 65,536 pairs in eight steps of the simulator.

    Each signal holds the same bit of many pairs, so that a gate of the simulated multiplier works
    on all of them at once.
    """
    recoded = {}

    async def recode(ctx):
        ctx.set(recoder.enable, 1)
        for value in INT8:
            ctx.set(recoder.value, value)
            digits = ctx.get(recoder.digits)
            recoded[value] = [{field: getattr(digits[k], field) for field in FIELDS}
                              for k in range(DIGITS)]

    recoder = Recoder()
    run(recoder, recode)

    m = Module()
    planes = [Signal(PAIRS, name=f"weight_bit{j}") for j in range(8)]
    digits = [SimpleNamespace(**{field: Signal(PAIRS, name=f"digit{k}_{field}")
                                 for field in FIELDS}) for k in range(DIGITS)]
    columns = Columns(16)
    for k, (*bits, sign) in enumerate(partial_products(digits, planes)):
        for j, bit in enumerate(bits):
            columns.add(2 * k + j, bit)
        columns.add(2 * k + len(bits), sign, negative=True)
        columns.add(2 * k, digits[k].negative)
    products = [Signal(PAIRS, name=f"product_bit{j}") for j in range(16)]
    m.d.comb += [plane.eq(bit) for plane, bit in zip(products, columns.sum(m), strict=True)]

    async def multiply(ctx):
        for j, plane in enumerate(planes):
            ctx.set(plane, pack(weight >> j & 1 for _ in range(VALUES) for weight in INT8))
        for first in range(0, len(INT8), VALUES):
            pairs = list(product(INT8[first:first + VALUES], INT8))
            for k, digit in enumerate(digits):
                for field in FIELDS:
                    ctx.set(getattr(digit, field),
                            pack(recoded[value][k][field] for value, _ in pairs))
            for j, plane in enumerate(products):
                assert ctx.get(plane) == pack(value * weight >> j & 1 for value, weight in pairs)

    run(m, multiply)
