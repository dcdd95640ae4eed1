"""Compressors that quantise what they keep, against the reference."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.config.compressor import QUANTIZERS
from hw.formats import BLOCK_FORMATS
from sim.tests.test_compressor import asking, token_lengths
from sim.vectors.quantized import elements as elements_of
from sim.vectors.quantized import near_blocks, quantized_beats
from sim.vectors.stimulus import bit_rows, generator, raw_blocks
from sw.exact.formats import from_bits
from sw.exact.selection import nm_mask


TENSOR = 0x3F9B
"""A scale of a tensor: bits of bf16."""

MX = [name for name, form in BLOCK_FORMATS.items() if form.scale == "e8m0"]


def every_value(rng, m):
    """Bits of blocks that hold every number of 16 bits, in order of their magnitudes."""
    order = np.arange(1 << 15).reshape(-1, m)
    return np.concatenate([order, order | 1 << 15])[rng.permutation(2 * len(order))]


def ports(design, tensor=TENSOR):
    """Static ports of a design, and its scale of the tensor."""
    if not design.tensor_scaled:
        return {}, 1.0
    return {"tensor": np.array(tensor)}, from_bits(torch.tensor(tensor), "bf16").item()


def waiting(design, last):
    """For how many further blocks each one waits: the others of its scale."""
    ahead, place = np.zeros(len(last), int), 0
    for k, end in enumerate(last.ravel()):
        if end or place == design.shared_blocks - 1:
            ahead[k - place:k + 1] = np.arange(place, -1, -1)
        place = 0 if end or place == design.shared_blocks - 1 else place + 1
    return ahead


def vectors(design, blocks, rng):
    port, tensor = ports(design)
    last = rng.random((len(blocks), 1)) < 0.3
    last[-1] = True  # blocks may wait for it
    leaves = quantized_beats(design, blocks, last, tensor)
    return {**port, "input_data": bit_rows(blocks, 16), "input_last": last,
            "waits": waiting(design, last), "output_data": leaves.data,
            "output_user": leaves.user, "output_last": last}


@pytest.mark.parametrize("design", [
    Design(Pattern(16, 32), selector="radix", format="bf16", quantize="mxfp4"),
    pytest.param(Design(Pattern(16, 32), selector="serial", format="bf16", quantize="mxfp8_e4m3",
                        encoding="rank"), marks=pytest.mark.long),
    *(pytest.param(Design(Pattern(32, 32), format="bf16", quantize=name),
                   marks=[] if name == "mxfp8_e4m3" else pytest.mark.long)
      for name in MX),
    Design(Pattern(8, 16), selector="radix", format="bf16", quantize="nvfp4"),
    pytest.param(Design(Pattern(16, 16), format="bf16", quantize="nvfp4"), marks=pytest.mark.long),
    Design(Pattern(4, 8), format="bf16", quantize="nvfp4"),
    *(pytest.param(design, marks=pytest.mark.long) for design in (
        Design(Pattern(2, 4), format="bf16", quantize="nvfp4", encoding="rank"),
        Design(Pattern(4, 4), format="bf16", quantize="nvfp4"),
        Design(Pattern(1, 2), format="bf16", quantize="nvfp4", selection="after"),
        Design(Pattern(4, 8), format="bf16", quantize="nvfp4", selection="after",
               complement=True))),
    Design(Pattern(16, 32), selector="radix", format="bf16", quantize="mxfp4", selection="after"),
    pytest.param(Design(Pattern(16, 32), selector="radix", format="bf16", quantize="mxfp8_e5m2",
                        selection="after", complement=True, encoding="rank"),
                 marks=pytest.mark.long),
    pytest.param(Design(Pattern(8, 16), selector="rank", format="bf16", quantize="nvfp4",
                        selection="after"), marks=pytest.mark.long),
    Design(Pattern(4, 8), format="fp16", quantize="fp8_e5m2"),
    *(pytest.param(Design(Pattern(2, 4), format=given, quantize=name, selection="after"),
                   marks=pytest.mark.long)
      for given, name in (("fp16", "fp8_e4m3"), ("bf16", "fp8_e5m2"), ("bf16", "fp8_e4m3"))),
], ids=lambda design: f"{design.pattern} {design.options}")
def test_kept_values_are_quantised(bench, design):
    rng = generator("quantizer", design)
    blocks = np.concatenate([
        raw_blocks(design.number, design.pattern.m, 100, rng).astype(np.int64),
        near_blocks(design, rng, 200, TENSOR * design.tensor_scaled)])
    bench("pipeline", "compressor", design, vectors(design, blocks, rng))


@pytest.mark.long
@pytest.mark.parametrize(("design", "patterns"), [
    (Design(Pattern(8, 16), selector="radix", flexible="n", format="bf16", quantize="nvfp4",
            selection="after"), [Pattern(n, 16) for n in (1, 4, 8, 11, 16)]),
    (Design(Pattern(16, 32), selector="rank", flexible="all", format="fp16", quantize="mxfp4",
            selection="after"), [Pattern.parse(text) for text in ("2:4", "8:16", "16:32", "3:4")]),
    (Design(Pattern(2, 4), selector="radix", flexible="n", format="bf16", quantize="fp8_e4m3",
            selection="after"), [Pattern(n, 4) for n in (1, 2, 3, 4)]),
    (Design(Pattern(4, 16), selector="radix", flexible="n", format="bf16", quantize="nvfp4",
            selection="after", unstructured=True), [Pattern(4, 16)]),
    (Design(Pattern(2, 4), flexible="all", format="fp16", quantize="fp8_e4m3"),
     [Pattern.parse(text) for text in ("1:2", "1:4", "3:4")]),
], ids=lambda case: f"{case.pattern} {case.quantize}" if isinstance(case, Design) else "")
def test_tokens_ask_for_their_patterns_and_are_quantised(bench, design, patterns):
    rng = generator("asking", design)
    blocks = near_blocks(design, rng, 150, TENSOR * design.tensor_scaled)
    lengths = token_lengths(len(blocks), 4, rng)
    asked = [patterns[k % len(patterns)] for k in rng.permutation(len(lengths))]
    x, (port, tensor) = from_bits(torch.from_numpy(blocks), design.format), ports(design)
    elements, _, scale = elements_of(design, x, tensor)
    compared = from_bits(elements, design.kept_number.name) if design.selects_elements else x
    masks = torch.cat([nm_mask(part, pattern.n, pattern.m)
                       for part, pattern in zip(compared.split(lengths), asked, strict=True)])
    if design.unstructured:  # what reaches the threshold is kept, whatever is asked for
        port["threshold"] = np.array(4)
        masks = (elements & 7) >= 4  # magnitudes of fp4
    given = asking(design, asked, elements, masks, lengths)
    assert given["steps"].max() == -(-design.pattern.m // design.pattern.n)
    given["output_user"] = np.concatenate(
        [given["output_user"], scale.repeat(given["steps"], 0)], 1)
    bench("pipeline", "compressor", design, {**port, "input_data": bit_rows(blocks, 16), **given})


@pytest.mark.long
@pytest.mark.parametrize(("given", "name"), [
    *(("bf16", name) for name in QUANTIZERS[1:]),
    *(("fp16", name) for name in ("fp8_e5m2", *MX))])
def test_every_number(bench, given, name):
    size = BLOCK_FORMATS[name].size if name in BLOCK_FORMATS else 16
    design = Design(Pattern(size, size), format=given, quantize=name)
    rng = generator("every", design)
    bench("pipeline", "compressor", design, vectors(design, every_value(rng, size), rng))
