"""Sums of floats for benches of PEs and arrays, with the results that the reference expects."""

from dataclasses import dataclass

import numpy as np
import torch

from hw.config import Design
from sim.vectors.stimulus import bit_rows, raw_blocks
from sw.exact.blocks import SCALE_TYPES, Blocks
from sw.exact.dot import dot
from sw.exact.formats import Coded, from_bits


__all__ = ["Sums", "any_masks", "fields", "float_sums", "kept_values"]


NAN = {"e8m0": 0xFF, "e4m3": 0x7F}
"""Bits of a scale that is NaN."""


@dataclass(frozen=True)
class Sums:
    """Sums of ``depth`` steps each.

    Attributes
    ----------
    x, w : ndarray
        Bits of activations and weights, uint16 [sums, depth, M].
    masks : ndarray
        Which are kept, bool of the same shape.
    x_scales, w_scales : ndarray
        Of the blocks of each step, uint8 [sums, depth]; they mean nothing without scales.
    """

    x: np.ndarray
    w: np.ndarray
    masks: np.ndarray
    x_scales: np.ndarray
    w_scales: np.ndarray

    def results(self, design: Design, depth: int, *, pairs: bool) -> np.ndarray:
        """Sums of the first ``depth`` steps, float32, as the hardware rounds them.

        With ``pairs`` each of activations by its own weights [sums], else of all by all.
        """
        def operand(bits, scales, name, element):
            flat = torch.from_numpy(bits[:, :depth].reshape(len(bits), -1).astype(np.int64))
            values = from_bits(flat, element.name)
            if not design.block:
                return Coded(values, name)
            each = np.ascontiguousarray(scales[:, :depth:design.block.size // design.pattern.m])
            kind = SCALE_TYPES[design.block.scale]
            return Blocks(values, torch.from_numpy(each).view(kind), name)

        keep = torch.from_numpy(self.masks[:, :depth].reshape(len(self.masks), -1))
        found = dot(operand(self.x, self.x_scales, design.format, design.number),
                    operand(self.w, self.w_scales, design.weight_format, design.weight),
                    design.pattern.m, keep, design.accumulator, design.guard)
        return (found.diagonal() if pairs else found).numpy().copy()


def any_masks(pattern, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Masks with exactly N of M bits set, bool ``[*shape, M]``."""
    order = rng.random((*shape, pattern.m)).argsort(axis=-1)
    return order < pattern.n


def float_sums(design: Design, sums: int, weights: int, depth: int, rng: np.random.Generator
               ) -> Sums:
    """Sums of special and of random values; NaN is in the last quarter of the sums alone.

    Infinities are there and in the quarter before, where they may meet zeros. In every
    fourth sum the last step takes back the first one, and what is left may be small.
    """
    m = design.pattern.m

    def drawn(count, form):
        blocks = rng.permutation(raw_blocks(form, m, count * depth, rng))[:count * depth]
        blocks = _near(form, blocks.reshape(count, depth, m), rng)
        if form.nan:
            magnitude = blocks & (1 << form.bits - 1) - 1
            rare = np.arange(count) < count - count // 4
            finite = np.where(rng.random(blocks.shape) < 0.5, form.max_bits, 0)
            endless = (magnitude == form.infinity) & (np.arange(count) >= count // 2)[:, None, None]
            wrong = rare[:, None, None] & (magnitude > form.max_bits) & ~endless
            blocks = np.where(wrong, finite, blocks)
        return blocks.astype(np.uint16)

    found = Sums(drawn(sums, design.number), drawn(weights, design.weight),
                 any_masks(design.pattern, (sums, depth), rng),
                 _scales(design, sums, depth, rng), _scales(design, weights, depth, rng))
    if depth > 1:
        _take_back(design, found, rng)
    return found


def _take_back(design: Design, sums: Sums, rng: np.random.Generator) -> None:
    """Let the last step of every fourth sum be the opposite of the first one.

    Activations of those in between are smaller by up to 25 exponents, so that what is left of a
    sum has any number of leading bits that are equal.
    """
    form, sign = design.number, 1 << design.number.bits - 1
    for side, scales in ((sums.x, sums.x_scales), (sums.w, sums.w_scales), (sums.masks, None)):
        here = np.arange(len(side)) % 4 == 1
        side[here, -1] = side[here, 0]
        if scales is not None and design.block:
            steps = design.block.size // design.pattern.m
            last = (scales.shape[1] - 1) // steps * steps
            scales[here, last:] = scales[here, :1]
    here = np.arange(len(sums.x)) % 4 == 1
    sums.x[here, -1] ^= sign
    between = sums.x[here, 1:-1].astype(np.int64)
    size, down = between & sign - 1, rng.integers(0, min(26, 1 << form.exponent), between.shape)
    lower = np.maximum(size - (down << form.mantissa), size & 1) | between & sign
    sums.x[here, 1:-1] = np.where(size > form.max_bits, between, lower)


def _near(form, blocks: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Bits of floats, zeros or most of them with exponents so close that products of a step meet.

    Random bits of 16 have exponents so different that one product alone would count, and no sum of
    bf16 would be finite for long.
    """
    if form.bits < 16:
        return blocks
    spread = rng.choice([2, 4, 9, 1 << form.exponent], (*blocks.shape[:2], 1), p=[.3, .3, .3, .1])
    field = blocks >> form.mantissa & (1 << form.exponent) - 1
    close = form.bias - spread // 2 + field % spread
    size = blocks & (1 << form.bits - 1) - 1
    kept = np.select([size == 0, size == form.infinity], [1.0, 0.3], 0.1)
    others = (rng.random(blocks.shape) < kept) | (spread > 9)
    rest = blocks & ((1 << form.exponent) - 1 << form.mantissa ^ (1 << form.bits) - 1)
    return np.where(others, blocks, rest | close << form.mantissa)


def _scales(design: Design, sums: int, depth: int, rng: np.random.Generator) -> np.ndarray:
    """Scales of every step: middle ones, in some sums any, and NaN in the last sums alone."""
    steps = design.block.size // design.pattern.m if design.block else 1
    blocks = -(-depth // steps)
    kind = design.block.scale if design.block else "e8m0"
    found = rng.integers(117, 138, (sums, blocks))
    part = np.arange(sums)[:, None] % 8
    found = np.where(part < 2, rng.choice([0, 1, 60, 254], (sums, 1)) // (part + 1)
                     + rng.integers(0, 25, (sums, blocks)), found).clip(0, 254)
    if kind == "e4m3":  # subnormal ones in some sums
        found = rng.integers(0, np.where(part < 2, 9, NAN[kind]), (sums, blocks))
    rare = (np.arange(sums) >= sums - sums // 4)[:, None]
    found[rare & (rng.random((sums, blocks)) < 0.2)] = NAN[kind]
    return found.astype(np.uint8).repeat(steps, axis=1)[:, :depth]


def kept_values(sums: Sums, design: Design) -> np.ndarray:
    """Kept activations in ascending order of position, uint16 [sums, depth, N]."""
    return sums.x[sums.masks].reshape(*sums.x.shape[:2], design.pattern.n)


def fields(values: np.ndarray, design: Design, scales: np.ndarray | None = None
           ) -> dict[str, np.ndarray]:
    """What a row makes of kept values [B, N] and scales [B]: rows of bits, as a PE takes them."""
    form = design.number
    magnitude = values & (1 << form.bits - 1) - 1
    field = magnitude >> form.mantissa
    base = (magnitude & (1 << form.mantissa) - 1).astype(int) | (field > 0) << form.mantissa
    exponent, integers = np.maximum(field, 1).astype(int) - 1, form.exponent == 2
    if integers:
        base <<= exponent
    width = form.max_units.bit_length() if integers else form.mantissa + 1
    found = {"signs": bit_rows(values >> form.bits - 1, 1),
             "bases": bit_rows(base, width), "triples": bit_rows(3 * base, width + 2)}
    if not integers:
        found["exponents"] = bit_rows(exponent, form.exponent)
    wrong = np.max(magnitude, 1) >= (form.nan or 1 << form.bits)
    if scales is not None and design.block:
        found["scale"] = bit_rows(scales, 8)
        wrong |= scales == NAN[design.block.scale]
    if form.nan or design.accumulator == "fp32":
        found |= {"step": np.ones((len(values), 1), bool), "nan": bit_rows(wrong, 1)}
    if form.infinity:
        found |= {"infinities": bit_rows(magnitude == form.infinity, 1),
                  "zeros": bit_rows(magnitude == 0, 1)}
    return found
