"""Products of small floats: all pairs of values."""

import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.sim import Simulator

from hw.array.float_product import Activation, base_bits, fixed_product, product_bits, whole
from hw.formats import FORMATS


@pytest.mark.parametrize("name", [
    "fp4_e2m1", "fp6_e2m3", "fp6_e3m2", pytest.param("fp8_e4m3", marks=pytest.mark.long)])
def test_every_product_is_exact(name):
    form, m = FORMATS[name], Module()
    sign, weight = Signal(), Signal(form.bits)
    exponent, base = Signal(form.exponent), Signal(base_bits(form))
    product = Signal(signed(product_bits(form) + 2))
    activation = Activation(sign, base, base * 3, None if whole(form) else exponent)
    bits, negative = fixed_product(m, form, activation, weight)
    m.d.comb += product.eq(bits + negative - (negative << len(bits)))
    half = 1 << form.bits - 1
    finite = [value for value in range(2 * half) if value & half - 1 <= form.max_bits]
    pairs = 0

    async def bench(ctx):
        nonlocal pairs
        for one in finite:
            field = (one & half - 1) >> form.mantissa
            ctx.set(sign, one >= half)
            significand = one % (1 << form.mantissa) | (field > 0) << form.mantissa
            ctx.set(exponent, max(field, 1) - 1)
            ctx.set(base, significand << (max(field, 1) - 1) * whole(form))
            for other in finite:
                ctx.set(weight, other)
                exact = form.value(one) * form.value(other) / 2.0 ** (2 * form.unit)
                assert ctx.get(product) == exact
                pairs += 1

    simulator = Simulator(m)
    simulator.add_testbench(bench)
    simulator.run()
    assert pairs == (2 * form.max_bits + 2) ** 2
