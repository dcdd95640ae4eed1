"""The compressor against the reference."""

import numpy as np
import pytest

from hw.config import ENCODINGS, SELECTORS, Design, Pattern
from hw.formats import FORMATS
from sim.stimulus import (
    PATTERNS,
    bit_rows,
    blocks,
    compressed,
    generator,
    kept,
    mask,
    raw_blocks,
)


@pytest.mark.parametrize("selector", SELECTORS)
@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_compressor(bench, pattern, selector):
    design = Design(pattern, selector=selector)
    rng = generator("compressor", pattern)
    dense = blocks(pattern.m, 60, rng)
    last = rng.random((len(dense), 1)) < 0.3
    bench("pipeline", "compressor", design, {
        "input_data": dense, "input_last": last,
        "output_data": kept(dense, pattern), "output_user": mask(dense, pattern),
        "output_last": last})


@pytest.mark.parametrize("design", [
    *(Design(Pattern(4, 8), format=name) for name in FORMATS if name != "int8"),
    *(Design(Pattern.parse(text), encoding=encoding) for encoding in ENCODINGS[1:]
      for text in ("3:7", "8:16", "8:8")),
    Design(Pattern(16, 32), encoding="rank"),
], ids=lambda design: f"{design.pattern}-{design.format}-{design.encoding}")
def test_formats_and_encodings(bench, design):
    rng = generator("formats", design.pattern)
    dense = raw_blocks(design.number, design.pattern.m, 90, rng)
    values, metadata = compressed(dense, design)
    last = rng.random((len(dense), 1)) < 0.3
    user = {"output_user": metadata} if design.metadata_bits else {}
    bench("pipeline", "compressor", design, {
        "input_data": bit_rows(dense, design.number.bits), "input_last": last,
        "output_data": values, "output_last": last, **user})


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
