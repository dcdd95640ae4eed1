"""Sums of floats for benches of PEs and arrays, with the results that the reference expects."""

from dataclasses import dataclass

import numpy as np
import torch

from hw.config import Design
from sim.vectors.stimulus import bit_rows, raw_blocks
from sw.exact.dot import dot
from sw.exact.formats import Coded, from_bits


__all__ = ["Sums", "any_masks", "fields", "float_sums", "kept_values"]


@dataclass(frozen=True)
class Sums:
    """Sums of ``depth`` steps each.

    Attributes
    ----------
    x, w : ndarray
        Bits of activations and weights, uint16 [sums, depth, M].
    masks : ndarray
        Which are kept, bool of the same shape.
    """

    x: np.ndarray
    w: np.ndarray
    masks: np.ndarray

    def results(self, design: Design, depth: int, *, pairs: bool) -> np.ndarray:
        """Sums of the first ``depth`` steps, float32, as the hardware rounds them.

        With ``pairs`` each of activations by its own weights [sums], else of all by all.
        """
        def operand(bits):
            flat = torch.from_numpy(bits[:, :depth].reshape(len(bits), -1).astype(np.int64))
            return Coded(from_bits(flat, design.format), design.format)

        keep = torch.from_numpy(self.masks[:, :depth].reshape(len(self.masks), -1))
        found = dot(operand(self.x), operand(self.w), design.pattern.m, keep, design.accumulator)
        return (found.diagonal() if pairs else found).numpy().copy()


def any_masks(pattern, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Masks with exactly N of M bits set, bool ``[*shape, M]``."""
    order = rng.random((*shape, pattern.m)).argsort(axis=-1)
    return order < pattern.n


def float_sums(design: Design, sums: int, weights: int, depth: int, rng: np.random.Generator
               ) -> Sums:
    """Sums of special and of random values; NaN is in the last quarter of the sums alone."""
    form, m = design.number, design.pattern.m

    def drawn(count):
        blocks = rng.permutation(raw_blocks(form, m, count * depth, rng))[:count * depth]
        blocks = blocks.reshape(count, depth, m)
        if form.nan:
            magnitude = blocks & (1 << form.bits - 1) - 1
            rare = np.arange(count) < count - count // 4
            finite = np.where(rng.random(blocks.shape) < 0.5, form.max_bits, 0)
            blocks = np.where(rare[:, None, None] & (magnitude > form.max_bits), finite, blocks)
        return blocks.astype(np.uint16)

    return Sums(drawn(sums), drawn(weights), any_masks(design.pattern, (sums, depth), rng))


def kept_values(sums: Sums, design: Design) -> np.ndarray:
    """Kept activations in ascending order of position, uint16 [sums, depth, N]."""
    return sums.x[sums.masks].reshape(*sums.x.shape[:2], design.pattern.n)


def fields(values: np.ndarray, design: Design) -> dict[str, np.ndarray]:
    """What a row's edge makes of kept values [B, N]: rows of bits, as a PE takes them."""
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
    if form.nan:
        found |= {"step": np.ones((len(values), 1), bool),
                  "nan": bit_rows(np.max(magnitude, 1) >= form.nan, 1)}
    return found
