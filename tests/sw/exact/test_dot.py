"""Dot products against rational numbers, to the bit."""

import math
from fractions import Fraction

import pytest
import torch

from hw.formats import BLOCK_FORMATS, EXACT, FORMATS, PAIRS
from sw.evaluation.activations import feed_forward
from sw.exact.blocks import quantize_blocks
from sw.exact.convert import convert
from sw.exact.dot import dot
from sw.exact.formats import TYPES, Coded, from_bits
from sw.exact.rounding import add_to_fp32
from sw.exact.selection import nm_mask
from tests.sw.rational import accumulate, aligned_sum, binary32, step_sum


NARROW = [name for name, form in FORMATS.items() if form.exponent and form.bits <= 8]


def same(a, b):
    """Whether floats are the same, NaN and the sign of zero included."""
    return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))


@pytest.mark.parametrize("name", NARROW)
def test_every_product(name):
    form = FORMATS[name]
    values = from_bits(torch.arange(1 << form.bits), name)
    padded = torch.zeros(len(values), 2).to(values.dtype)
    padded[:, 0] = values
    operand = Coded(padded, name)
    keep = torch.tensor([True, False]).expand(padded.shape)
    floats = [form.value(bits) for bits in range(1 << form.bits)]
    products = torch.tensor([[a * b + 0.0 for b in floats] for a in floats], dtype=torch.float64)
    assert dot(operand, operand, 2, keep).double().allclose(products, rtol=0, atol=0,
                                                            equal_nan=True)
    if name in EXACT:
        assert dot(operand, operand, 2, keep, "exact").double().allclose(
            products, rtol=0, atol=0, equal_nan=True)


@pytest.mark.long
@pytest.mark.parametrize("name", ["bf16", "fp16"])
def test_ten_million_products(name):
    random = torch.Generator().manual_seed(10)
    bits = torch.randint(0, 1 << 16, (2, 3200), generator=random)
    bits[:, :12] = torch.tensor([0, 0x8000, 1, 0x8001, 0x7F, 0x80, 0x3FF, 0x400, 0x7C00, 0x7F80,
                                 0x7FC0, 0x7BFF])
    x, w = (from_bits(side, name) for side in bits)
    keep = torch.tensor([True, False]).expand(3200, 2)
    found = dot(*(Coded(torch.stack([side, side], 1), name) for side in (x, w)), 2, keep)
    products = x.double()[:, None] * w.double() + 0.0
    assert found.allclose(products.float(), rtol=0, atol=0, equal_nan=True)


def test_sums_are_rounded_once():
    random = torch.Generator().manual_seed(32)

    def numbers(bits, low, high):
        significands = torch.randint(-(1 << bits), 1 << bits, (4000,), generator=random)
        exponents = torch.randint(low, high, (4000,), generator=random)
        return significands.double() * 2.0 ** exponents.double()

    total = numbers(24, -40, 20)
    high, low = numbers(44, -60, 0), numbers(40, -74, -30)
    total[:500] = -high[:500].float().double()           # what is left is the end of high
    high[500:1000] = total[500:1000].float().double() / 2 ** 25  # halves of last bits, nearly ties
    low[500:800] = 0
    total[1000:1100], high[1000:1100] = 2.0 ** -127, numbers(44, -190, -188)[:100]
    # A tie but for a bit that float64 drops from the sum: 2 ** 23 and half of a last bit.
    total[1100:1900] = 2.0 ** 23 + torch.arange(800)
    signs = torch.tensor([1.0, -1.0]).double().repeat(400)
    high[1100:1900], low[1100:1900] = 0.5 + signs * 2.0 ** -40, 0
    high[1500:1900], low[1500:1900] = 0.5, signs[:400] * 2.0 ** -40
    total = total.float().double()
    for third in (low, None):
        found = add_to_fp32(total, high, third).tolist()
        others = low if third is not None else torch.zeros_like(low)
        for a, b, c, got in zip(total.tolist(), high.tolist(), others.tolist(), found, strict=True):
            assert got == binary32(Fraction(a) + Fraction(b) + Fraction(c)), (a, b, c)


def test_an_infinite_total_stays():
    one, most = torch.tensor([1.0], dtype=torch.float64), torch.tensor([2.0 ** 127]).double()
    for low in (one, None):
        assert add_to_fp32(one * math.inf, one, low).item() == math.inf
        assert add_to_fp32(most, most, low).item() == math.inf
        assert math.isnan(add_to_fp32(one * math.inf, one * -math.inf, low).item())


def random_bits(name, shape, random, special):
    """Values of a format with any bits, infinities and NaN only where ``special``."""
    values = from_bits(torch.randint(0, 1 << FORMATS[name].bits, shape, generator=random), name)
    if FORMATS[name].integer or special:
        return values
    return torch.where(values.double().isfinite(), values.float(), 0).to(values.dtype)


def operand(name, shape, random, special=False):
    """An operand with all its format has, and the factor of each of its values."""
    if name not in BLOCK_FORMATS:
        return Coded(random_bits(name, shape, random, special), name), torch.ones(shape).double()
    form = BLOCK_FORMATS[name]
    x = quantize_blocks(torch.randn(shape, generator=random).bfloat16(), name)
    x = x._replace(values=random_bits(form.element.name, shape, random, special))
    bits = torch.randint(0, 1 << (8 if form.scale == "e8m0" else 7), x.scale.shape,
                         generator=random).to(torch.uint8)
    if form.scale == "e8m0":
        bits = torch.where(bits > 250, bits, 97 + (bits & 63))  # NaN seldom, few overflows
    if not special:
        bits = torch.where(bits == (0xFF if form.scale == "e8m0" else 0x7F), 0x70, bits)
    x = x._replace(scale=bits.view(x.scale.dtype))
    return x, x.factors().repeat_interleave(form.size, -1)[:, :shape[1]]


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize(("left", "right"), [(x, w) for x in PAIRS for w in PAIRS[x]])
def test_random_operands(left, right, special):
    random = torch.Generator().manual_seed(len(left) * 100 + len(right))
    m, guard, shape = 16 if left == "nvfp4" else 8, 5, (5, 52)
    x, x_factors = operand(left, shape, random, special)
    w, w_factors = operand(right, (6, 52), random, special)
    keep = torch.rand(shape, generator=random) < 0.5
    found = dot(x, w, m, keep, guard=guard)
    element, weight = (FORMATS.get(name) or BLOCK_FORMATS[name].element for name in (left, right))
    finite = 0
    for t in range(shape[0]):
        for o in range(6):
            steps = []
            for start in range(0, shape[1], m):
                part = torch.arange(start, min(start + m, shape[1]))
                part = part[keep[t, part]]
                a, b = x.values[t].double()[part].tolist(), w.values[o].double()[part].tolist()
                factor = (x_factors[t, start] * w_factors[o, start]).item()
                steps.append(aligned_sum(a, b, element, weight, guard) if element.bits == 16
                             else step_sum(a, b, factor))
            expected = accumulate(steps)
            assert same(found[t, o].item(), expected), (t, o)
            finite += math.isfinite(expected)
    # Any bits of bf16 overflow quickly, wherever a NaN has not been met.
    assert finite or special or left == "bf16"
    nans = found.isnan()
    assert (found[nans].view(torch.int32) == 0x7FC00000).all()


@pytest.mark.parametrize("name", ["bf16", "fp16"])
@pytest.mark.parametrize("guard", [0, 3, 24])
def test_guard_bits_at_real_sizes(name, guard):
    random = torch.Generator().manual_seed(guard)
    x, w = (convert(torch.randn(4, 40, generator=random) * 2.0 ** torch.randint(
        -9, 9, (4, 40), generator=random), name) for _ in range(2))
    w[1] *= 2.0 ** -16  # subnormal in fp16
    found = dot(Coded(x, name), Coded(w, name), 10, guard=guard)
    form = FORMATS[name]
    for t in range(4):
        for o in range(4):
            expected = accumulate(aligned_sum(a, b, form, form, guard) for a, b in zip(
                x[t].double().view(4, 10).tolist(), w[o].double().view(4, 10).tolist(),
                strict=True))
            assert same(found[t, o].item(), expected)


@pytest.mark.long
@pytest.mark.parametrize(("name", "guard"), [("bf16", 8), ("fp16", 4)])
def test_real_activations_err_less_than_with_fused_multiply_adds(name, guard):
    real = feed_forward(["Eight of every sixteen activations are kept, wherever they stand."], 2)
    x, w = (convert(side, name) for side in (real.x_up, real.w_up[:64]))
    keep = nm_mask(x, 8, 16)
    kept = torch.where(keep, x.double(), 0)
    chain = torch.zeros(len(x), len(w), dtype=torch.float64)
    for feature in range(x.shape[1]):
        chain = add_to_fp32(chain, kept[:, feature, None] * w.double()[:, feature])
    exact = kept @ w.double().t()
    one, other = ((found.double() - exact).square().mean().item() for found in (
        dot(Coded(x, name), Coded(w, name), 16, keep, guard=guard), chain))
    assert 0 < one < other
    few = dot(Coded(x, name), Coded(w, name), 16, keep, guard=0).double()
    assert (few - exact).square().mean().item() > other


@pytest.mark.parametrize("left", EXACT)
def test_exact_accumulators_round_at_the_end(left):
    random = torch.Generator().manual_seed(5)
    for right in PAIRS[left]:
        x, w = (Coded(random_bits(name, (3, 200), random, False), name) for name in (left, right))
        keep = torch.rand(3, 200, generator=random) < 0.5
        found = dot(x, w, 8, keep, "exact")
        for t in range(3):
            for o in range(3):
                expected = binary32(step_sum(
                    torch.where(keep[t], x.values[t].double(), 0).tolist(),
                    w.values[o].double().tolist()))
                assert same(found[t, o].item(), expected)
        # The order does not matter.
        order = torch.randperm(200, generator=random)
        bits = (Coded(side.values.view(torch.uint8)[:, order].view(side.values.dtype), side.name)
                for side in (x, w))
        assert dot(*bits, 8, keep[:, order], "exact").equal(found)


def test_steps_are_added_in_ascending_order():
    x = torch.tensor([[448.0, 0, 2.0 ** -9, 0, -448.0, 0]]).to(torch.float8_e4m3fn)
    w = torch.tensor([[448.0, 0, 2.0 ** -9, 0, 448.0, 0]]).to(torch.float8_e4m3fn)
    operands = Coded(x, "fp8_e4m3"), Coded(w, "fp8_e4m3")
    assert dot(*operands, 2).item() == 0  # the small product was rounded away
    assert dot(*operands, 6).item() == dot(*operands, 2, accumulator="exact").item() == 2.0 ** -18


def test_results_in_bf16_are_rounded_once():
    """256 + 1 + 2 ** -18: halfway between two numbers of bf16 once it was rounded to binary32."""
    x = torch.tensor([[16.0, 1.0, 2.0 ** -9, 0]]).to(torch.float8_e4m3fn)
    operands = Coded(x, "fp8_e4m3"), Coded(x, "fp8_e4m3")
    found = dot(*operands, 4, accumulator="exact", result="bf16")
    assert (found.dtype, found.item()) == (torch.bfloat16, 258)
    assert dot(*operands, 4, accumulator="exact").item() == 257
    assert dot(*operands, 4, accumulator="fp32", result="bf16").item() == 256
    nans = Coded(torch.full((1, 4), torch.nan).to(torch.float8_e4m3fn), "fp8_e4m3")
    assert dot(nans, operands[1], 4, result="bf16").view(torch.int16).item() == 0x7FC0


def test_dropped_values_have_no_effect():
    w = torch.tensor([[math.inf, 1.0], [math.nan, 1.0]]).bfloat16()
    x = torch.ones(1, 2).bfloat16()
    assert dot(Coded(x, "bf16"), Coded(w, "bf16"), 2, torch.tensor([[False, True]])).equal(
        torch.ones(1, 2))


def test_no_tokens():
    x, w = torch.zeros(0, 8).bfloat16(), torch.zeros(3, 8).bfloat16()
    assert dot(Coded(x, "bf16"), Coded(w, "bf16"), 8).shape == (0, 3)


def coded(name, features=8):
    return Coded(torch.zeros(2, features).to(TYPES[name]), name)


MXFP4, NVFP4 = (quantize_blocks(torch.zeros(2, 32).bfloat16(), name) for name in ("mxfp4", "nvfp4"))


@pytest.mark.parametrize(("call", "message"), [
    (lambda: dot(coded("int8"), coded("int8"), 8),
     ("format of x must be one of fp8_e4m3, fp8_e5m2, fp6_e2m3, fp6_e3m2, fp4_e2m1, fp16, bf16, "
     "mxfp8_e4m3, mxfp8_e5m2, mxfp6_e2m3, mxfp6_e3m2, mxfp4, nvfp4, not 'int8'")),
    (lambda: dot(coded("bf16"), coded("fp8_e4m3"), 8),
     "format of w must be one of bf16, int4, int8 with bf16, not 'fp8_e4m3'"),
    (lambda: dot(coded("fp8_e5m2"), coded("fp8_e5m2"), 8, accumulator="exact"),
     ("accumulator must be fp32 with fp8_e5m2, not 'exact', which is there for fp8_e4m3, fp6_e2m3, "
     "fp6_e3m2, fp4_e2m1")),
    (lambda: dot(MXFP4, MXFP4, 32, accumulator="exact"),
     ("accumulator must be fp32 with mxfp4, not 'exact', which is there for fp8_e4m3, fp6_e2m3, "
     "fp6_e3m2, fp4_e2m1")),
    (lambda: dot(MXFP4, MXFP4, 7),
     "m must divide the 32 values that share a scale in mxfp4, which 7 does not"),
    (lambda: dot(coded("bf16"), coded("bf16"), 8, guard=25),
     "guard must be an integer from 0 to 24, not 25"),
    (lambda: dot(coded("bf16"), coded("bf16"), 8, result="int8"),
     "result must be one of fp32, bf16, fp16, not 'int8'"),
    (lambda: dot(MXFP4, MXFP4, 32, gain=2.0),
     "gain must be 1 for mxfp4, whose blocks alone have a scale, not 2.0"),
    (lambda: dot(coded("bf16"), coded("bf16"), 8, gain=0.5),
     "gain must be 1 for bf16, which has no blocks, not 0.5"),
    *((lambda gain=gain: dot(NVFP4, NVFP4, 16, gain=gain),
       f"gain must be a finite number of bf16 of at least 2 ** -106, not {gain!r}")
      for gain in (0.3, -1.0, 0.0, 2.0 ** -107, math.inf, math.nan)),
    (lambda: dot(coded("bf16"), coded("bf16"), 1), "m must be an integer from 2 to 64, not 1"),
    (lambda: dot(coded("bf16"), coded("bf16", 9), 8),
     "w must have 8 input features, as x has, not 9"),
    (lambda: dot(coded("bf16"), coded("bf16"), 8, torch.ones(2, 7, dtype=torch.bool)),
     "keep must have the shape (2, 8), not (2, 7)"),
    (lambda: dot(Coded(torch.zeros(2, 8), "bf16"), coded("bf16"), 8),
     "x must be [rows, K] of type bfloat16, not float32 [2, 8]"),
    (lambda: dot(coded("fp8_e4m3", 200000), coded("fp8_e4m3", 200000), 8, accumulator="exact"),
     "K must be at most 171196 with an exact accumulator for fp8_e4m3 by fp8_e4m3, not 200000"),
])
def test_rejects(call, message):
    with pytest.raises(ValueError, match="must") as caught:
        call()
    assert str(caught.value) == message
