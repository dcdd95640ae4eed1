"""Accelerators that multiply floats: RTL, reference and the rule of ``sw.exact``, to the bit."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import generator, raw_blocks
from sim.verilated import Accelerator
from sw.driver.beats import Beats
from sw.driver.floats import float_job, float_linear, run_float_linear
from sw.driver.linear import run_job
from sw.driver.reference import ReferenceAccelerator
from sw.exact.blocks import quantize_blocks, weight_tensor_scale
from sw.exact.convert import convert
from sw.exact.formats import TYPES, Coded, from_bits


pytestmark = pytest.mark.usefixtures("wheel")

LONG = pytest.mark.long


def floats(pattern, given, kept="", **parameters):
    """An accelerator of few PEs that holds tokens of four blocks, and two batches of five."""
    pattern, kept = Pattern.parse(pattern), kept or given
    return Design(pattern, **{
        "format": given, "quantize": "none" if kept == given else kept, "weight_format": kept,
        "accumulator": "fp32", "epilogue_lanes": 0, "rows": 2, "columns": 2, "tile": 2,
        "max_k": 4 * pattern.m, "batch_tokens": 5, **parameters})


def operands(design, tokens, features, outputs):
    """Tokens and weights with special values; NaN and infinities in few tokens and one output."""
    rng = generator("float accelerator", design.format, design.quantize, tokens, features)
    number, m = design.number, design.pattern.m
    count = tokens * -(-features // m)
    bits = rng.permutation(raw_blocks(number, m, count, rng))[:count].reshape(tokens, -1)
    magnitude = bits & (1 << number.bits - 1) - 1
    ends = [0, 1, number.max_bits]  # of those that would make NaN of too many results
    calm = np.where(rng.random(bits.shape) < 0.9, rng.integers(0, number.max_bits // 2, bits.shape),
                    rng.choice(ends, bits.shape))
    rare = (np.arange(tokens) % 4 == 3)[:, None]
    bits = np.where(rare | (magnitude <= number.max_bits), bits, calm)
    near = np.arange(tokens)[:, None] % 4 == 1  # whose results are no infinities
    x = from_bits(torch.from_numpy(bits.astype(np.int64)), design.format)[:, :features]
    usual = convert(torch.from_numpy(rng.standard_normal(x.shape)
                                     * 2.0 ** rng.integers(-6, 4, (tokens, 1))), design.format)
    # Types of one byte have no torch.where of their own on every device.
    x = torch.where(torch.from_numpy(near), usual.float(), x.float()).to(x.dtype)
    low = 18 if design.result_format == "fp16" else 9  # such that not all results overflow
    weight = rng.standard_normal((outputs, features)) * 2.0 ** rng.integers(-low, 18 - low,
                                                                            (outputs, 1))
    weight[rng.random(weight.shape) < 0.1] = 0
    if outputs > 2:
        weight[2, ::7], weight[2, 3::7] = np.inf, np.nan
    infinite = design.weight.infinity and not design.quantized  # they are weights as they come
    kind = TYPES[design.weight_format] if infinite else torch.bfloat16
    return x, torch.from_numpy(weight).to(kind)


TENSOR = {"tensor": 1.3125 * 2.0 ** -6}
"""The scale of a tensor of tokens: values on both sides of what its blocks' scales reach."""


def rounded(weight, design):
    """Weights in the format of the design."""
    if design.tensor_scaled:
        return quantize_blocks(weight, design.weight_format, tensor=weight_tensor_scale(weight))
    if design.quantized:
        return quantize_blocks(weight, design.weight_format)
    if weight.dtype == TYPES[design.weight_format]:
        return Coded(weight, design.weight_format)
    return Coded(convert(weight, design.weight_format), design.weight_format)


def same(one, other):
    """Whether bits are equal, those of NaN and of both zeros too."""
    kind = {2: torch.int16, 4: torch.int32}[one.element_size()]
    return one.dtype == other.dtype and torch.equal(one.view(kind), other.view(kind))


SMALL = floats("8:16", "bf16", "nvfp4", rows=1, columns=1, tile=1, max_k=32, batch_tokens=2)


@pytest.mark.parametrize("design", [
    floats("2:4", "bf16", "fp8_e4m3", columns=1, result_format="bf16"),
    SMALL,
    floats("2:4", "bf16", columns=1, result_format="bf16"),
    floats("2:4", "fp8_e5m2", rows=1, columns=1, tile=1),
    *(pytest.param(design, marks=LONG) for design in (
        floats("4:8", "bf16", "fp8_e4m3", accumulator="exact", accumulator_width=42, rows=3,
               columns=3, selection="after", result_format="bf16"),
        floats("1:32", "bf16", "mxfp4", rows=1, columns=1, tile=1, max_k=64, batch_tokens=2,
               selector="serial", result_format="bf16"),
        floats("8:16", "bf16", "fp8_e4m3", columns=1, result_format="bf16"),
        floats("8:16", "fp4_e2m1", accumulator="exact", columns=1),
        floats("8:16", "bf16", "nvfp4", rows=3, columns=3, result_format="bf16"),
        floats("1:16", "bf16", "nvfp4", columns=1, selector="serial", selection="after",
               packets="job"),
        floats("16:16", "bf16", "nvfp4", result_format="bf16"),
        floats("4:8", "bf16", "nvfp4", columns=1, result_format="bf16"),
        floats("2:4", "bf16", "nvfp4", columns=1, selection="after", selector="radix"),
        floats("16:32", "bf16", "mxfp4", rows=1, columns=1, tile=1, selector="radix"),
        floats("8:16", "bf16", rows=1, columns=1, tile=1, guard=3),
        floats("4:8", "fp16", rows=1, columns=1, tile=1, pipeline="gathered"),
        floats("3:7", "fp16", columns=1, packets="job", result_format="fp16"),
        floats("4:4", "bf16", columns=1),
        floats("8:16", "bf16", "fp8_e5m2", rows=1, columns=1, tile=1, result_format="bf16"),
        floats("4:8", "fp16", "fp8_e5m2", columns=1, selection="after"),
        floats("2:32", "bf16", "mxfp8_e5m2", rows=1, columns=1, tile=1, selector="serial"),
        floats("3:7", "fp6_e2m3", accumulator="exact", columns=1, packets="job")))],
    ids=lambda design: f"{design.pattern} {design.options}")
def test_results_are_those_of_the_rule(design):
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    m, scale = design.pattern.m, TENSOR if design.tensor_scaled else {}
    for stall, tokens, features, outputs in ((0.0, 1, m, 1), (0.4, 9, 3 * m - 1, 5),
                                             (0.2, 8, 5 * m, 3)):
        rtl.pause(stall)
        x, weight = operands(design, tokens, features, outputs)
        expected, _ = float_linear(x, rounded(weight, design), design, **scale)
        got, counters = run_float_linear(rtl, x, weight, **scale)
        assert same(got, expected)
        again, model = run_float_linear(reference, x, weight, **scale)
        assert same(again, expected)
        assert counters["STEPS"] == model["STEPS"]
        # What is compared is more than NaN and zeros.
        assert tokens < 2 or len(got[got.isfinite()].unique()) > tokens
    assert rtl.read("NUMBERS") == reference.read("NUMBERS") != 0


def test_the_highest_bit_of_a_scale_e4m3_is_not_read():
    """A checkpoint may have signs there; results are those without them."""
    rtl, reference = Accelerator(SMALL), ReferenceAccelerator(SMALL)
    x, weight = operands(SMALL, 3, 32, 2)
    job = float_job(SMALL, x, weight, **TENSOR)
    expected, _ = run_job(rtl, job)
    job.inputs["weight"].data[:, -1] |= 0x80
    for backend in (rtl, reference):
        found, _ = run_job(backend, job)
        assert np.array_equal(found.data, expected.data)
    assert len(np.unique(expected.data, axis=0)) > 3


@LONG
def test_an_aborted_job_leaves_nothing_of_a_scale_that_was_cut():
    """Blocks of the largest numbers wait for the rest of their scale; the next job has its own."""
    design = floats("4:8", "bf16", "nvfp4", rows=1, columns=1, tile=1, max_k=32, batch_tokens=2)
    rtl = Accelerator(design)
    x, weight = operands(design, 3, 32, 2)
    expected, _ = float_linear(x, rounded(weight, design), design, **TENSOR)
    cut = float_job(design, torch.full_like(x, 2.0 ** 100), weight, **TENSOR)
    for beats in (1, 2, 3):
        for name, value in (cut.registers | {"CONTROL": 1}).items():
            rtl.write(name, value)
        act = cut.inputs["act"]
        rtl.offer({"act": Beats(act.data[:beats], act.last[:beats])})
        rtl.take(1, limit=40)
        assert not rtl.pending()
        rtl.write("CONTROL", 4)
        rtl.write("CONTROL", 0)
        got, _ = run_float_linear(rtl, x, weight, **TENSOR)
        assert same(got, expected), beats
