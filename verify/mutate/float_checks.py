"""What is checked of floats: sums of products, quantised tokens, and results behind the array."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from hw.config import Design
from hw.formats import FORMATS, NVFP4_LEAST_TENSOR, Format
from sim.runs.soak.streams import compare
from sim.vectors.floats import Sums, any_masks, float_sums, kept_values
from sim.vectors.quantized import near_blocks, quantized_beats
from sim.vectors.stimulus import bit_rows, generator, raw_blocks, special
from sim.vectors.tokens import Beats
from sw.exact.activation import activate, add_bias
from sw.exact.formats import from_bits, to_bits
from verify.mutate.checks import STALLS, through


__all__ = ["float_array", "float_lane", "quantizer"]


BF16 = FORMATS["bf16"]

Check = Callable[[Any], None]

DEPTHS = (1, 1, *[2] * 8, *[3] * 4, 4, 6, *[10] * 4, 20, 40)
"""Steps of the sums of a group; the scale of a block in 2:4 is that of eight of them."""

SUMS = 96
"""Of a group."""

BLOCKS = 6000
"""Of a compressor; half as many for each scale of a tensor."""

TENSORS = 128
"""Scales of a tensor; their ends are among them."""

NO_TENSORS = (0, 0x05FF, 0x7F80, 0x7FC0, 0xBF80)
"""What is no scale of a tensor."""

FEW = 200
"""Of all of them, which come first, before a reset that finds the next ones inside."""

LONG = 1024
"""Steps of the longest sums."""

RESULTS = 8000
"""Of the lane, with and without its function."""


def float_array(design: Design) -> Check:
    """Every product of significands alone, and sums of special and random products.

    NaN and infinities are among them. Weights of dropped values are any. Results come with pauses,
    after a reset in between, and in the same cycles.
    """
    rng = generator("float array", design)
    groups = [float_sums(design, SUMS, SUMS, depth, rng) for depth in DEPTHS]
    groups.append(_long(design, rng))
    if design.number.bits == 8:
        groups += [_halves(design, rng, 4 * SUMS), _halves(design, rng, 30, LONG // 2)]
    sums = [each for group in groups for each in _beats(design, group, rng)]
    sums = [sums[k] for k in rng.permutation(len(sums))]
    steps = np.concatenate([bits for bits, _ in sums])
    ends = np.cumsum([len(bits) for bits, _ in sums])
    last = np.isin(np.arange(len(steps)), ends - 1)
    sent = Beats(steps, last, np.zeros((len(steps), 0), bool))
    one, alone = np.ones(len(sums), bool), _alone(design, rng)
    words = np.array([result for _, result in sums])
    expected = Beats(bit_rows(words, 32), one, np.zeros((len(one), 0), bool))
    cycles: dict[tuple[float, int], int] = {}

    def check(built: Any) -> None:
        for stall in STALLS:
            for start, begin, part in ((0, 0, slice(0, FEW)),
                                       (FEW, int(ends[FEW - 1]), slice(FEW, None))):
                built.reset()
                out, took = built.run(sent[begin:], len(one[part]), limit=3000 + 40 * len(steps),
                                      stall=stall)
                compare(out, expected[part], "sums")
                assert cycles.setdefault((stall, start), took) == took, "another number of cycles"
        built.reset()
        out, _ = built.run(alone[0], len(alone[1].last), limit=20 * len(alone[0].last))
        compare(out, alone[1], "products")

    return check


def _long(design: Design, rng: np.random.Generator) -> Sums:
    """Sums that grow to their largest size, of both signs, and one that grows and shrinks."""
    sums, sign = float_sums(design, 4, 4, LONG, rng), 1 << design.number.bits - 1
    most = rng.random(sums.x.shape) < 0.95
    signs = np.zeros(sums.x.shape, bool)
    signs[1], signs[2, LONG // 2:] = True, True
    sums.x[:3] = np.where(most, design.number.max_bits | signs * sign, sums.x)[:3]
    sums.w[:3] = np.where(most, design.weight.max_bits, sums.w)[:3]
    return sums


def _halves(design: Design, rng: np.random.Generator, count: int, times: int = 1) -> Sums:
    """Sums half way between two numbers of binary32, or the smallest bit more: of powers of two.

    The first one comes ``times``, a power of two, the next one is 24 exponents below all of them,
    and there may be a smaller one.
    """
    form, more = design.number, times.bit_length() - 1
    low, high = form.unit, form.max_exponent  # of powers of two of the format
    sums = float_sums(design, count, count, times + 2, rng)
    first = rng.integers(2 * high if more else 2 * low + 25, 2 * high + 1, count)
    second = first + more - 24
    least = 2 * low + rng.integers(0, second - 2 * low)
    sign = rng.integers(0, 2, count) << form.bits - 1
    sums.x[:], sums.w[:] = 0, 0
    keeps = sums.masks.argmax(-1)
    for k, power in enumerate((*[first] * times, second, least)):
        side = rng.integers(np.maximum(low, power - high), np.minimum(high, power - low) + 1)
        places = np.arange(count), k, keeps[:, k]
        sums.x[places], sums.w[places] = _power(form, side) | sign, _power(form, power - side)
    sums.x[::3, -1] = 0
    return sums


def _power(form: Format, exponent: np.ndarray) -> np.ndarray:
    """Bits of powers of two, subnormal ones too."""
    field = np.maximum(exponent + form.bias, 0)
    return np.where(field > 0, field << form.mantissa, 1 << np.maximum(exponent - form.unit, 0))


def _alone(design: Design, rng: np.random.Generator) -> tuple[Beats, Beats]:
    """Sums of one step, of which one product is not zero, and their results.

    Every magnitude by every other one, or every significand where there are 16 bits, in each lane:
    those of subnormal numbers, too.
    In the other lane a finite number, which may be larger by far, meets a zero.
    """
    m, lanes, forms = design.pattern.m, design.pattern.n, (design.number, design.weight)
    pairs = np.stack(np.meshgrid(*map(_magnitudes, forms)), -1).reshape(-1, 2).repeat(lanes, 0)
    count = len(pairs)
    masks, every = any_masks(design.pattern, (count, 1), rng), np.arange(count)
    here = (np.flatnonzero(masks) % m).reshape(count, lanes)[every, every % lanes]
    less = 50 * rng.integers(0, 2, count // lanes).repeat(lanes)  # both may be small
    meets = rng.integers(0, 2, (count, 1, 1))
    sides, values = [], []
    for k, form in enumerate(forms):
        others = rng.integers(0, form.max_bits + 1, masks.shape) * (meets == k)
        lower = less * (form.bits > 8) * (pairs[:, k] >> form.mantissa > 0)
        others[every, 0, here] = pairs[:, k] - (lower << form.mantissa)
        side = others | rng.integers(0, 2, masks.shape) << form.bits - 1
        sides.append(side.astype(np.uint16))
        values.append(from_bits(torch.from_numpy(side[every, 0, here]), form.name).double())
    scale = np.full((count, 1), 127, np.uint8)  # 1
    rows = _rows(design, Sums(sides[0], sides[1], masks, scale, scale), rng)[:, 0]
    results = (values[0] * values[1] + 0.0).float().numpy().view(np.uint32)
    one, none = np.ones(count, bool), np.zeros((count, 0), bool)
    return Beats(rows, one, none), Beats(bit_rows(results, 32), one, none)


def _magnitudes(form: Format) -> np.ndarray:
    """Bits of all finite magnitudes, or of 16 bits subnormals and those from 1 to below 2."""
    if form.bits <= 8:
        return np.arange(form.max_bits + 1)
    fractions = np.arange(1 << form.mantissa)
    return np.concatenate([fractions, form.bias << form.mantissa | fractions])


def _beats(design: Design, sums: Sums, rng: np.random.Generator) -> list[tuple[np.ndarray, int]]:
    """The beats of each sum, bool [depth, bits], and the bits of its result."""
    words = sums.results(design, sums.x.shape[1], pairs=True).view(np.uint32)
    return [(bits, int(word)) for bits, word in zip(_rows(design, sums, rng), words, strict=True)]


def _rows(design: Design, sums: Sums, rng: np.random.Generator) -> np.ndarray:
    """Beats bool [sums, depth, bits]; weights of dropped values become any."""
    dropped, (count, depth) = ~sums.masks, sums.x.shape[:2]
    sums.w[dropped] = rng.integers(0, 1 << design.weight.bits, dropped.sum())
    starts = np.broadcast_to(np.arange(depth) == 0, (count, depth))
    scales = [sums.x_scales, sums.w_scales] if design.block else []
    fields = [(kept_values(sums, design), design.number.bits), (sums.masks, 1),
              (sums.w, design.weight.bits), *((scale, 8) for scale in scales), (starts, 1)]
    return np.concatenate([bit_rows(field.reshape(count * depth, -1), bits)
                           for field, bits in fields], 1).reshape(count, depth, -1)


def quantizer(design: Design) -> Check:
    """Tokens of special, random and near values, and of every one where they have no scale.

    With a scale of the tensor, of several ones.
    """
    rng = generator("quantizer", design)
    checks: list[Check] = []
    for tensor in _tensors(rng) if design.tensor_scaled else [0]:
        half = BLOCKS // (20 if design.tensor_scaled else 2)
        blocks = np.concatenate([
            raw_blocks(design.number, design.pattern.m, half, rng).astype(np.int64),
            near_blocks(design, rng, half, tensor)])
        rng.shuffle(blocks)
        # Of many values the largest ones are near each other: a third has no others.
        stays = rng.random((len(blocks), 1)) < 2 / 3
        blocks *= stays | any_masks(design.pattern, (len(blocks),), rng)
        checks.append(_quantized(design, blocks, rng, tensor))
    if not design.quantized:
        checks.append(_quantized(design, _every_value(design, rng), rng))
    return _all(checks)


def _quantized(design: Design, blocks: np.ndarray, rng: np.random.Generator, tensor: int = 0
               ) -> Check:
    """Blocks [count, M], bits of bf16, in tokens of any length."""
    last = rng.random(len(blocks)) < 0.3
    last[-1] = True  # blocks may wait for it
    none = design.tensor_scaled and tensor in NO_TENSORS
    scale = from_bits(torch.tensor(tensor), "bf16").item() if tensor and not none else 1.0
    leaves = quantized_beats(design, blocks, last, scale)
    if none:
        leaves.data[:], leaves.user[:, -8:] = False, np.arange(8) < 7  # a scale that is NaN
    return through(Beats(bit_rows(blocks, 16), last, np.zeros((len(last), 0), bool)), leaves,
                   tensor=tensor)


def _every_value(design: Design, rng: np.random.Generator) -> np.ndarray:
    """Blocks with every value of 16 bits in each lane, beside zeros that are dropped."""
    pattern, count = design.pattern, 1 << 16
    blocks = np.zeros((count, pattern.m), np.int64)
    masks = any_masks(pattern, (count,), rng)
    blocks[masks] = np.stack([rng.permutation(count) for _ in range(pattern.n)], 1).ravel()
    return blocks


def _tensors(rng: np.random.Generator) -> list[int]:
    """Scales of a tensor, and what is none, as bits of bf16."""
    least, most = NVFP4_LEAST_TENSOR + BF16.bias << BF16.mantissa, BF16.max_bits
    found = rng.integers(least, most + 1, TENSORS - 4)
    return [*map(int, found), least, least + 1, most - 1, most, *NO_TENSORS]


def float_lane(design: Design) -> Check:
    """Results and biases near each other or not, with and without the function; all its values."""
    form = FORMATS[design.result_format]
    rng = generator("float lane", design)
    checks = [_finished(design, _results(form, rng), rng, active=active)
              for active in (False, True)[:1 + (design.activation != "none")]]
    if design.activation != "none":
        every = rng.permutation(1 << form.bits)
        checks.append(_finished(design, np.stack([every, 0 * every], 1), rng, active=True))
    return _all(checks)


def _finished(design: Design, bits: np.ndarray, rng: np.random.Generator, *, active: bool) -> Check:
    """Bits of results and biases [count, 2], with or without the function."""
    name, width = design.result_format, design.result_bits
    value, bias = (from_bits(torch.from_numpy(part), name) for part in bits.T)
    result = add_bias(value, bias)
    if active:
        result = activate(result, design.activation)
    last, none = rng.random(len(bits)) < 0.3, np.zeros((len(bits), 0), bool)
    return through(Beats(bit_rows(bits, width), last, none),
                   Beats(bit_rows(to_bits(result, name).numpy(), width), last, none),
                   shift=int(active))


def _results(form: Format, rng: np.random.Generator) -> np.ndarray:
    """Bits of results and their biases, int64 [count, 2].

    Each special one with each other; any ones, half of them from 1/32 to below 16, with no bias,
    any other one, one whose exponent is up to nine more or less, one that has another bit in its
    magnitude, or one that is next to it, or the same: opposites, too.
    """
    ends = np.array(special(form))
    pairs = np.stack([ends.repeat(len(ends)), np.tile(ends, len(ends))], 1)
    usual = rng.integers(form.bias - 5 << form.mantissa, form.bias + 4 << form.mantissa, RESULTS)
    sign = rng.integers(0, 2, (2, RESULTS)) << form.bits - 1
    value = np.where(rng.random(RESULTS) < 0.5, rng.integers(0, 1 << form.bits, RESULTS),
                     usual | sign[0])
    size, most = value & (1 << form.bits - 1) - 1, form.infinity or 0
    near = (size + rng.integers(-9 << form.mantissa, 9 << form.mantissa, RESULTS)).clip(0, most)
    other = 1 << rng.integers(0, form.bits - 1, RESULTS)
    by = (size + rng.integers(-2, 3, RESULTS)).clip(0, most)
    bias = np.choose(rng.integers(0, 5, RESULTS), [
        near | sign[1], by | sign[1], (size ^ other) | sign[1], np.zeros(RESULTS, int),
        rng.integers(0, 1 << form.bits, RESULTS)])
    return np.concatenate([pairs, np.stack([value, bias], 1)]).astype(np.int64)


def _all(checks: list[Check]) -> Check:
    def check(built: Any) -> None:
        for each in checks:
            each(built)

    return check
