"""Products and steps of floats of 16 bits, millions of them, against exact ones in NumPy."""

import numpy as np
import pytest
import torch

from hw.array.aligned_dot import AlignedDotProduct
from hw.array.aligned_product import product
from hw.array.float_accumulator import FIELD
from hw.array.float_product import Activation
from hw.array.float_row import FloatDecoder
from hw.config import Design, Pattern
from hw.formats import FORMATS
from sw.exact.formats import from_bits
from tests.hw.gates import Bench, run


FORMATS_16 = ("bf16", "fp16")


def design_of(name, lanes=2, guard=8, weights=""):
    return Design(Pattern(lanes, lanes), format=name, weight_format=weights or name,
                  accumulator="fp32", guard=guard)


def decoded(m, design, given):
    """What a row makes of its activations, all of a step."""
    m.submodules.decoder = decoder = FloatDecoder(design)
    m.d.comb += [*(decoder.values[lane].eq(given[f"x{lane}"]) for lane in range(design.lanes)),
                 decoder.step.eq(1)]
    return decoder.shared


def numbers(bits, name):
    """Values of a format, float64."""
    return from_bits(torch.from_numpy(bits.astype(np.int64)), name).double().numpy()


def corners(form):
    """Finite values where the format turns."""
    half, last = 1 << form.bits - 1, form.max_bits
    normal = 1 << form.mantissa
    one = form.bias << form.mantissa
    found = [0, 1, 2, 3, normal - 2, normal - 1, normal, normal + 1, 2 * normal - 1, 2 * normal,
             one - 1, one, one + 1, one + normal - 1, last - normal, last - normal + 1, last - 1,
             last]
    return np.array([bits | sign for bits in found for sign in (0, half)])


def drawn(name, shape, rng):
    """Bits of finite values: any, and in some columns of close exponents."""
    form = FORMATS[name]
    bits = rng.integers(0, 1 << form.bits, shape)
    spread = rng.choice([2, 5, 12, 1 << form.exponent], (1, shape[1]))
    field = (bits >> form.mantissa) % spread + rng.integers(
        0, (1 << form.exponent) - spread + 1, (1, shape[1]))
    fraction = bits & (1 << form.mantissa) - 1
    bits = (bits >> form.bits - 1 << form.bits - 1) | field << form.mantissa | fraction
    wide = bits & (1 << form.bits - 1) - 1 > form.max_bits
    bits = np.where(wide, bits ^ 1 << form.mantissa, bits)
    return np.where(rng.random(shape) < 0.05, rng.choice(corners(form), shape), bits)


@pytest.mark.parametrize("name", FORMATS_16)
def test_ten_million_products_are_exact(name, tmp_path):
    form, design, rng = FORMATS[name], design_of(name), np.random.default_rng(16)
    ends = corners(form)
    x = np.concatenate([np.repeat(ends, len(ends)), rng.choice(ends, 200_000),
                        rng.integers(0, 1 << form.bits, 10_800_000)])
    w = np.concatenate([np.tile(ends, len(ends)), rng.integers(0, 1 << form.bits, 10_900_000),
                        rng.choice(ends, 100_000)])
    finite = (x & 0x7FFF <= form.max_bits) & (w & 0x7FFF <= form.max_bits)
    x, w = x[finite], w[finite]

    def build(m, given):
        row = decoded(m, design, given)
        found = product(m, form, Activation(row.signs[0], row.bases[0], row.triples[0],
                                            row.exponents[0]), row.zeros[0], given["w"])
        return {"negative": found.negative, "size": found.size, "exponent": found.exponent}

    bench = Bench({"x0": 16, "x1": 16, "w": 16}, {"negative": 1, "size": 2 * form.mantissa + 2,
                                                  "exponent": form.exponent + 1}, build)
    found = run(bench, tmp_path, x0=x, x1=np.zeros_like(x), w=w)
    exact = numbers(x, name) * numbers(w, name)
    size = np.ldexp(found["size"].astype(float), found["exponent"] - 1 + 2 * form.unit)
    assert (np.where(found["negative"], -size, size) == exact).all()
    assert (np.signbit(exact) == found["negative"].astype(bool)).all()
    assert ((found["exponent"] == 0) == (exact == 0)).all()
    assert len(x) >= 10_000_000


@pytest.mark.parametrize("name", FORMATS_16)
@pytest.mark.parametrize("of_weight", ["int4", "int8"])
def test_products_by_integers_are_exact(name, of_weight, tmp_path):
    """All weights by all activations but those whose fractions are in the middle."""
    form, weights, design = FORMATS[name], FORMATS[of_weight], design_of(name, weights=of_weight)
    bits = np.arange(1 << form.bits)
    fraction = bits & (1 << form.mantissa) - 1
    bits = bits[((fraction < 3) | (fraction >> form.mantissa - 3 == 7))
                & (bits & 0x7FFF <= form.max_bits)]
    x, w = np.repeat(bits, 1 << weights.bits), np.tile(np.arange(1 << weights.bits), len(bits))

    def build(m, given):
        row = decoded(m, design, given)
        found = product(m, weights, Activation(row.signs[0], row.bases[0], row.triples[0],
                                               row.exponents[0]), row.zeros[0], given["w"])
        return {"negative": found.negative, "size": found.size, "exponent": found.exponent}

    bench = Bench({"x0": 16, "x1": 16, "w": weights.bits},
                  {"negative": 1, "size": form.mantissa + 1 + weights.bits,
                   "exponent": form.exponent + 1}, build)
    found = run(bench, tmp_path, x0=x, x1=np.zeros_like(x), w=w)
    exact = numbers(x, name) * numbers(w, of_weight)
    size = np.ldexp(found["size"].astype(float), found["exponent"] - 1 + form.unit)
    assert (np.where(found["negative"], -size, size) == exact).all()
    assert ((found["exponent"] == 0) == (exact == 0)).all()
    assert len(np.unique(x)) > 1000


def aligned(x, w, form, weights, guard):
    """Sums of products [lanes, B], each cut below the guard bits of the largest: float64."""
    products = x * w
    exponent = np.maximum(np.frexp(x)[1] - 1, form.least_exponent)
    if not weights.integer:
        exponent = exponent + np.maximum(np.frexp(w)[1] - 1, weights.least_exponent)
    top = np.where(products == 0, -900, exponent).max(0)
    unit = np.ldexp(1.0, np.maximum(top, -500) - form.mantissa - weights.mantissa - guard)
    return (np.trunc(products / unit) * unit).sum(0)


@pytest.mark.parametrize(("name", "of_weight", "lanes", "guard", "count"), [
    ("bf16", "bf16", 2, 8, 400_000), ("fp16", "fp16", 3, 4, 200_000),
    ("bf16", "int4", 3, 8, 100_000), ("fp16", "int8", 2, 0, 100_000),
    *(pytest.param(name, name, lanes, guard, 1_000_000, marks=pytest.mark.long)
      for name in FORMATS_16 for lanes, guard in ((2, 0), (4, 8), (8, 8), (5, 24), (6, 3)))])
def test_steps_are_cut_at_the_guard_bits(name, of_weight, lanes, guard, count, tmp_path):
    form, weights = FORMATS[name], FORMATS[of_weight]
    design, rng = design_of(name, lanes, guard, of_weight), np.random.default_rng(guard)
    x = drawn(name, (lanes, count), rng)
    w = (rng.integers(0, 1 << weights.bits, x.shape) if weights.integer
         else drawn(name, x.shape, rng))
    cancel = slice(count // 4)  # what is left of products with opposite ones beside them
    x[-1, cancel], w[-1, cancel] = x[0, cancel] ^ 0x8000, w[0, cancel] ^ rng.integers(0, 3)
    if not weights.integer:
        w[-1][w[-1] & 0x7FFF > form.max_bits] = 0
    dot = AlignedDotProduct(design, inverted=False)
    dot._MustUse__used = True  # a part of it is asked, and it is not built

    def build(m, given):
        row = decoded(m, design, given)
        m.d.comb += [getattr(dot, key).eq(row[key]) for key, _ in row.shape()]
        m.d.comb += [dot.weights.word_select(lane, weights.bits).eq(given[f"w{lane}"])
                     for lane in range(lanes)]
        value, field = dot._step(m)
        return {"value": value, "field": field}

    names = {f"{side}{lane}": bits for side, bits in (("x", 16), ("w", weights.bits))
             for lane in range(lanes)}
    largest = 1 << weights.bits - 1 if weights.integer else (2 << form.mantissa) - 1
    width = (lanes * ((2 << form.mantissa) - 1) * largest << guard).bit_length() + 1
    found = run(Bench(names, {"value": width, "field": FIELD}, build), tmp_path,
                **{f"x{lane}": x[lane] for lane in range(lanes)},
                **{f"w{lane}": w[lane] for lane in range(lanes)})
    value, field = (number - (number >> bits - 1 << bits) for number, bits in (
        (found["value"], width), (found["field"], FIELD)))
    expected = aligned(numbers(x, name), numbers(w, of_weight), form, weights, guard)
    size = np.ldexp(value.astype(float), field - 150 + 25 - width)
    assert (size == expected).all()
    assert ((field == -1 << FIELD - 1) == (expected == 0)).all()
    top = value >> width - 2 & 3
    assert (((top == 1) | (top == 2)) == (expected != 0)).all()
