"""The compressor against the reference."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.formats import FORMATS
from sim.vectors.stimulus import PATTERNS, bit_rows, blocks, generator, kept, mask, raw_blocks
from sim.vectors.tokens import random_tokens
from sw import nm_mask
from sw.exact.compressor import compress_tokens
from sw.exact.formats import from_bits
from sw.exact.steps import step_blocks


# A rank selector compares every pair of values: pairs of 4 bits where there are many.
DESIGNS = [Design(pattern, selector="rank", format="int4" if pattern.m > 16 else "int8")
           for pattern in PATTERNS] + [
    Design(pattern, selector="radix") for pattern in PATTERNS] + [
    Design(Pattern(2, 4), selector="serial"), Design(Pattern(16, 32), selector="serial"),
    Design(Pattern(8, 16), selector="network"), Design(Pattern(4, 8), selector="radix", stages=2),
    Design(Pattern(16, 32), selector="radix", stages=7)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: (
    f"{design.selector} {design.pattern} {design.stages}"))
def test_compressor(bench, design):
    pattern, bits = design.pattern, design.number.bits
    rng = generator("compressor", pattern)
    dense = blocks(pattern.m, 60, rng) >> (8 - bits)
    last = rng.random((len(dense), 1)) < 0.3
    bench("pipeline", "compressor", design, {
        "input_data": bit_rows(dense, bits), "input_last": last,
        "output_data": bit_rows(kept(dense, pattern), bits), "output_user": mask(dense, pattern),
        "output_last": last})


def vectors(design, count):
    """Vectors of the bench for random tokens."""
    tokens = random_tokens(design, count, generator("options", design))
    user = {"output_user": tokens.compressed.user} if tokens.compressed.user.shape[1] else {}
    if design.channel_bits:
        user["channel_data"] = tokens.channel
        user["channel_last"] = np.arange(len(tokens.channel))[:, None] == len(tokens.channel) - 1
    if design.shift == "scalar":
        user["shift"] = np.array(tokens.shift)
    return {"input_data": tokens.dense.data, "input_last": tokens.dense.last[:, None],
            "output_data": tokens.compressed.data,
            "output_last": tokens.compressed.last[:, None], **user}


@pytest.mark.parametrize("design", [
    *(pytest.param(Design(Pattern(4, 8), format=name),
                   marks=[pytest.mark.long] if name.startswith("fp6") else [])
      for name in FORMATS if name != "int8"),
    Design(Pattern(3, 7), encoding="index"),
    Design(Pattern(8, 16), encoding="index"),
    Design(Pattern(3, 7), encoding="rank"),
    Design(Pattern(8, 8), encoding="rank"),
    Design(Pattern(16, 32), encoding="rank"),
    Design(Pattern(5, 8), format="fp8_e4m3", complement=True, encoding="index"),
    Design(Pattern(4, 8), shift="scalar"),
    Design(Pattern(4, 4), shift="channel"),
    Design(Pattern(3, 7), shift="channel", coefficients=5, statistics=True, complement=True),
], ids=lambda design: f"{design.pattern} {design.options}")
def test_options(bench, design):
    design = replace(design, max_k=9 * design.pattern.m)
    bench("pipeline", "compressor", design, vectors(design, 90))


@pytest.mark.parametrize("design", [
    Design(Pattern(2, 4), shift="mean", format="int4", max_k=24),
    Design(Pattern(3, 5), shift="median", coefficients=8, statistics=True, max_k=35),
], ids=lambda design: f"{design.pattern} {design.options}")
def test_dynamic_shifts(bench, design):
    # How long a token takes depends on its length: test_pipeline measures it.
    bench("pipeline", "compressor", design, {**vectors(design, 60), "interval": 0})


def token_lengths(count, longest, rng):
    """Blocks of each token, ``count`` in all."""
    lengths = []
    while sum(lengths) < count:
        lengths.append(min(int(rng.integers(1, longest + 1)), count - sum(lengths)))
    return lengths


def asking(design, asked, values, masks, lengths):
    """Vectors of tokens of ``lengths`` blocks that ask for patterns: the steps of every block.

    ``asked`` are the patterns of the tokens, ``values`` (their bits) and ``masks`` [blocks, M]
    those that are to leave.
    """
    lanes, size = design.pattern.n, design.pattern.m
    ends = set(np.cumsum(lengths) - 1)
    data, user, last, steps = [], [], [], []
    for k, (block, keep) in enumerate(zip(values, masks, strict=True)):
        kept_values, places = step_blocks(block, keep, lanes)
        data.append(kept_values.numpy())
        user.append(places.numpy())
        steps.append(len(places))
        last += [False] * (len(places) - 1) + [k in ends]
    numbers = [pattern.n | (pattern.m.bit_length() - 1) * (design.flexible == "all")
               << size.bit_length() for pattern in asked]
    return {
        "input_user": np.repeat(numbers, lengths).astype("<u2")[:, None],
        "input_last": np.isin(np.arange(len(values)), list(ends))[:, None],
        "output_data": bit_rows(np.concatenate(data), design.kept_number.bits),
        "output_user": np.concatenate(user),
        "output_last": np.array(last)[:, None], "steps": np.array(steps)}


@pytest.mark.parametrize(("design", "patterns"), [
    *((Design(Pattern(16, 32), selector=selector, flexible="all"),
     [Pattern.parse(text) for text in ("2:4", "4:8", "8:16", "16:32", "1:4", "3:4", "32:32")])
      for selector in ("rank", "serial")),
    *((Design(Pattern(8, 16), selector=selector, flexible="n"),
       [Pattern(n, 16) for n in range(1, 17)]) for selector in ("radix", "serial")),
    (Design(Pattern(3, 7), selector="radix", stages=2, flexible="n", format="fp16"),
     [Pattern(n, 7) for n in range(1, 8)]),
    (Design(Pattern(4, 4), selector="serial", flexible="all"),
     [Pattern.parse(text) for text in ("1:2", "2:4", "3:4", "4:4")]),
], ids=lambda case: f"{case.selector} {case.pattern}" if isinstance(case, Design) else "")
def test_tokens_ask_for_their_patterns(bench, design, patterns):
    rng = generator("compressor", design)
    dense = raw_blocks(design.number, design.pattern.m, 150, rng).astype(np.int64)
    rng.shuffle(dense)
    lengths = token_lengths(len(dense), 4, rng)
    asked = [patterns[k % len(patterns)] for k in rng.permutation(len(lengths))]
    assert set(asked) == set(patterns)
    bits = torch.from_numpy(dense)
    values = from_bits(bits, design.format)
    masks = torch.cat([nm_mask(part, pattern.n, pattern.m)
                       for part, pattern in zip(values.split(lengths), asked, strict=True)])
    vectors = asking(design, asked, bits, masks, lengths)
    bench("pipeline", "compressor", design, {
        "input_data": bit_rows(dense, design.number.bits), **vectors})


def test_criterion_and_shift_apply_to_the_pattern_asked_for(bench):
    design = Design(Pattern(4, 8), selector="radix", stages=3, flexible="n", shift="channel",
                    coefficients=5, max_k=32)
    rng = generator("compressor", design)
    dense = blocks(8, 60, rng)
    rng.shuffle(dense)
    lengths = token_lengths(len(dense), 4, rng)
    asked = [Pattern(int(n), 8) for n in rng.integers(1, 9, len(lengths))]
    factors, shifts = rng.integers(0, 32, 32), rng.integers(-128, 128, 32)
    results = [compress_tokens(
        part.reshape(1, -1), pattern, coefficients=torch.from_numpy(factors[:part.numel()]),
        shift=torch.from_numpy(shifts[:part.numel()]))
        for part, pattern in zip(torch.from_numpy(dense).split(lengths), asked, strict=True)]
    vectors = asking(design, asked, torch.cat([result.z[0] for result in results]),
                     torch.cat([result.mask[0] for result in results]), lengths)
    channel = np.concatenate([bit_rows(factors.reshape(4, 8), 5),
                              bit_rows(shifts.reshape(4, 8) & 0xFF, 8)], 1)
    bench("pipeline", "compressor", design, {
        "input_data": dense, **vectors, "channel_data": channel,
        "channel_last": np.arange(4)[:, None] == 3})


def test_known_answer_of_public_silicon(bench):
    # NVIDIA PTX ISA, spcompress, 2:4, s8, largest magnitude: two words to one, and its metadata.
    dense = np.array([0x0003F900, 0x06030500], "<u4").view(np.uint8).reshape(2, 4)
    kept_halves = np.array([0x060503F9], "<u4").view(np.uint8).reshape(2, 2)
    nibbles = np.array([0x3121 >> 4 * k & 0xF for k in range(4)])
    last = np.array([[False], [True]])
    bench("pipeline", "compressor", Design(Pattern(2, 4), encoding="index"), {
        "input_data": dense, "input_last": last, "output_data": kept_halves,
        "output_user": bit_rows(nibbles.reshape(2, 2), 2),
        "output_last": last})
