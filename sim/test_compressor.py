"""The compressor against the reference."""

from dataclasses import replace

import numpy as np
import pytest

from hw.config import Design, Pattern
from hw.formats import FORMATS
from sim.stimulus import PATTERNS, bit_rows, blocks, generator, kept, mask
from sim.tokens import random_tokens


DESIGNS = [Design(pattern, selector=selector) for pattern in PATTERNS
           for selector in ("rank", "radix")] + [
    Design(Pattern(2, 4), selector="serial"), Design(Pattern(16, 32), selector="serial"),
    Design(Pattern(8, 16), selector="network"), Design(Pattern(4, 8), selector="radix", stages=2),
    Design(Pattern(16, 32), selector="radix", stages=7)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: (
    f"{design.selector} {design.pattern} {design.stages}"))
def test_compressor(bench, design):
    pattern = design.pattern
    rng = generator("compressor", pattern)
    dense = blocks(pattern.m, 60, rng)
    last = rng.random((len(dense), 1)) < 0.3
    bench("pipeline", "compressor", design, {
        "input_data": dense, "input_last": last,
        "output_data": kept(dense, pattern), "output_user": mask(dense, pattern),
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
    *(Design(Pattern(4, 8), format=name) for name in FORMATS if name != "int8"),
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
