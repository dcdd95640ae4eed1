"""Layouts of floats in memory: pictures, and what comes out of them again."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from hw.layouts import element_bytes, weight_scale_bit
from sw.driver.beats import weight_beats
from sw.driver.float_beats import float_weight_beats
from sw.driver.float_memory import (
    float_memory_job,
    float_results,
    float_token_bytes,
    float_token_values,
    float_weight_bytes,
)
from sw.driver.float_operands import elements
from sw.driver.floats import float_job, run_float_linear
from sw.driver.memory import memory_job, result_bytes
from sw.driver.reference import ReferenceAccelerator
from sw.exact.convert import convert
from sw.exact.formats import to_bits


def design(pattern, given, kept="", **parameters):
    pattern, kept = Pattern.parse(pattern), kept or given
    found = Design(pattern, **{
        "format": given, "quantize": "none" if kept == given else kept, "weight_format": kept,
        "accumulator": "fp32", "epilogue_lanes": 0, "rows": 2, "columns": 3, "bus": "axi4",
        "bus_width": 64, "max_k": 4 * pattern.m, **parameters})
    found.require("accelerator")
    return found


DESIGNS = [design("2:4", "bf16", "fp8_e4m3"), design("3:7", "fp6_e2m3", accumulator="exact"),
           design("4:8", "fp4_e2m1", bus_width=128), design("16:32", "bf16", "mxfp6_e3m2"),
           design("8:16", "bf16", "nvfp4", result_format="bf16"),
           design("4:8", "bf16", "nvfp4", columns=5)]


def operands(made, tokens, features, outputs):
    random = torch.Generator().manual_seed(features)
    return (convert(torch.randn(tokens, features, generator=random), made.format),
            torch.randn(outputs, features, generator=random).bfloat16())


@pytest.mark.parametrize("made", DESIGNS, ids=lambda made: f"{made.pattern} {made.options}")
def test_memory_holds_what_the_streams_carry(made):
    """Numbers one by one: those of tokens and of weights, and the scale of every column."""
    m, columns, blocks = made.pattern.m, made.columns, 3
    x, weight = operands(made, 5, blocks * m - 1, 2 * columns - 1)
    assert to_bits(float_token_values(float_token_bytes(x, made), x.shape[1], made),
                   made.format).equal(to_bits(x, made.format))
    coded = elements(weight, made)
    image = np.unpackbits(float_weight_bytes(coded, made), axis=1, bitorder="little")
    image = image.reshape(2 * blocks, 8 * element_bytes(made)["weight"])
    beats = np.unpackbits(float_weight_beats(coded, 1, made).data, axis=1, bitorder="little")
    width, across, seen = made.weight.bits, 1 << (columns - 1).bit_length(), np.zeros_like(image)
    for column in range(columns):
        for feature in range(m):
            place = (feature * across + column) * width
            stream = (column * m + feature) * width
            assert np.array_equal(image[:, place:][:, :width], beats[:, stream:][:, :width])
            seen[:, place:place + width] = 1
        if made.quantized:
            place, stream = weight_scale_bit(made) + 8 * column, columns * m * width + 8 * column
            assert np.array_equal(image[:, place:][:, :8], beats[:, stream:][:, :8])
            seen[:, place:place + 8] = 1
    assert not image[seen == 0].any()
    assert image.any()


def test_the_layout_of_bytes_is_that_of_integers():
    """An image of int8 is one of fp8 whose bits are the same."""
    made = DESIGNS[0]
    integers = Design(made.pattern, columns=3, rows=2, max_k=16, bus="axi4", bus_width=64)
    _, weight = operands(made, 1, 11, 4)
    coded = elements(weight, made)
    image = float_weight_bytes(coded, made)
    job = memory_job(integers, torch.ones(1, 11, dtype=torch.int8), coded.values.view(torch.int8))
    assert np.array_equal(image, job.buffers["weight"])
    assert len(weight_beats(coded.values.view(torch.int8), 1, integers).data) == 6
    x = torch.tensor([[1.0, -2.0, 0.5]]).bfloat16()
    assert float_token_bytes(x, made).view("<u2").tolist() == [[0x3F80, 0xC000, 0x3F00, 0]]


def test_a_job_is_that_of_the_streams():
    """Registers, biases of a tile, and results that are put into memory and read from it."""
    made = design("4:8", "bf16", "nvfp4", result_format="bf16", epilogue_lanes=1,
                  activation="gelu")
    x, weight = operands(made, 4, 24, 5)
    bias = torch.arange(5).bfloat16()
    job = float_memory_job(made, x, weight, bias, True, tensor=0.25)
    assert job.registers == float_job(made, x, weight, bias, True, tensor=0.25).registers
    assert job.buffers["channel"].view("<u2").tolist() == [
        [0, 0x3F80, 0x4000, 0], [0x4040, 0x4080, 0, 0]]
    y, _ = run_float_linear(ReferenceAccelerator(made), x, weight, bias, True, tensor=0.25)
    image = result_bytes(to_bits(y, "bf16"), made)
    assert job.result_size == image.size
    assert float_results(image, 4, 5, made).view(torch.int16).equal(y.view(torch.int16))
    without = float_memory_job(made, x, weight, activate=True, tensor=0.25)
    assert not without.buffers["channel"].any()
    with pytest.raises(ValueError, match="decode must be False"):
        float_memory_job(made, x, weight, decode=True)
