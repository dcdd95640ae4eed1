"""The PE of DSP blocks, fed through its row's decoder, against plain Python."""

import random

import pytest
from amaranth.hdl import Module, Signal
from amaranth.sim import Simulator

from hw.array.form import make_decoder, make_pe, timing
from hw.array.product import Product
from hw.config import Design, Pattern


PATTERNS = ["2:4", "4:8", "8:16", "16:32", "1:4", "3:7", "3:3", "8:8"]


def late(m, source, cycles, name):
    """``source`` behind registers."""
    for k in range(cycles):
        register = Signal(source.shape(), name=f"{name}{k}")
        m.d.sync += register.eq(source)
        source = register
    return source


def check(design, cycles=24, seed=3):
    """Blocks with bubbles between them; what the accumulator holds when each one has come."""
    pattern, rng = design.pattern, random.Random(f"{seed} {design}")
    registers, depth = timing(design)
    m = Module()
    m.submodules.row = row = make_decoder(design)
    m.submodules.pe = pe = make_pe(design)
    for name, _ in pe.shared.shape():
        m.d.comb += pe.shared[name].eq(late(m, row.shared[name], registers[name], name))
    weights = Signal(pe.weights.shape())
    m.d.comb += pe.weights.eq(late(m, weights, registers["weights"], "weights"))

    async def bench(ctx):
        sums, total = [], 0
        for cycle in range(cycles + depth):
            values, kept = number(design.number.bits, pattern.n), sorted(
                rng.sample(range(pattern.m), pattern.n))
            block = number(design.weight.bits, pattern.m)
            step, start = rng.random() < 0.7 and cycle < cycles, not cycle or rng.random() < 0.3
            ctx.set(row.values, values)
            if not pattern.dense:
                ctx.set(row.mask, sum(1 << position for position in kept))
            ctx.set(weights, block)
            ctx.set(row.start, start)
            ctx.set(row.step, step)
            await ctx.tick()
            if step:
                dot = sum(value * block[position]
                          for value, position in zip(values, kept, strict=True))
                total = dot + (0 if start else total)
            sums.append(total)
            if cycle >= depth - 1:
                assert ctx.get(pe.accumulator) == sums[cycle - depth + 1]

    def number(bits, count):
        half = 1 << (bits - 1)
        return rng.choices([-half, half - 1, *range(-half, half)], k=count)

    sim = Simulator(m)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


@pytest.mark.parametrize("pattern", PATTERNS)
def test_accumulates_dot_products_of_kept_activations(pattern):
    check(Design(Pattern.parse(pattern), multiplier="dsp", max_k=64))


@pytest.mark.parametrize("gather", ["window", "butterfly"])
def test_any_gather_brings_the_same_weights(gather):
    check(Design(Pattern(3, 8), multiplier="dsp", gather=gather, max_k=64))


@pytest.mark.parametrize(("activations", "weights"), [("int8", "int4"), ("int4", "int4")])
def test_formats_of_fewer_bits(activations, weights):
    check(Design(Pattern(4, 8), multiplier="dsp", format=activations, weight_format=weights,
                 max_k=64))


def test_both_forms_pass_the_same_check():
    for pipeline in ("inputs", "gathered"):
        check(Design(Pattern(2, 4), pipeline=pipeline, format="int4", weight_format="int4",
                     max_k=64))


def test_registers_of_a_gathered_pipeline_are_refused():
    with pytest.raises(ValueError, match=r"^pipeline must be inputs with multiplier dsp, which "
                                         r"registers gathered weights, not 'gathered'$"):
        Design(Pattern(2, 4), multiplier="dsp", pipeline="gathered")


def test_a_product_stands_two_cycles_behind_its_operands():
    dut, rng = Product(8, 4), random.Random(5)
    pairs = [(-128, -8), (127, -8), (-128, 7), (0, 7)]
    pairs += [(rng.randint(-128, 127), rng.randint(-8, 7)) for _ in range(40)]

    async def bench(ctx):
        found = []
        for value, weight in [*pairs, (0, 0), (0, 0)]:
            ctx.set(dut.value, value)
            ctx.set(dut.weight, weight)
            found.append(ctx.get(dut.product))
            await ctx.tick()
        assert found[2:] == [value * weight for value, weight in pairs]

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
