"""Accelerators whose weights have another format: RTL, reference and the rule, to the bit."""

import numpy as np
import pytest
import torch

from hw.config import Pattern
from hw.formats import FORMAT_CODES
from hw.registers import Error
from sim.tests.test_float_accelerator import floats, operands, same
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw.driver.beats import Beats
from sw.driver.float_operands import elements
from sw.driver.floats import float_job, float_linear, run_float_linear
from sw.driver.linear import run_job
from sw.driver.reference import ReferenceAccelerator
from sw.exact.formats import TYPES, from_bits
from sw.exact.outputs import Scaled


pytestmark = pytest.mark.usefixtures("wheel")

LONG = pytest.mark.long


def pair(pattern, given, weights, **parameters):
    """A small accelerator with integer weights, whose outputs have scales."""
    return floats(pattern, given, **{
        "weight_format": weights, "epilogue_lanes": 1, "columns": 1, "rows": 1, "tile": 1,
        "result_format": "fp16" if given == "fp16" else "bf16", **parameters})


QUANTIZED = {"quantize": "fp8_e4m3", "result_format": "bf16"}
EXACT = {"accumulator": "exact", "accumulator_width": 34}
SMALL = pair("2:4", "bf16", "int4", columns=3, epilogue_lanes=2)


def scaled_weights(design, outputs, features):
    """Integers of all values, and a scale and a bias for each output, special ones among them."""
    rng = generator("pair", design.options, outputs, features)
    half = 1 << design.weight.bits - 1
    weight = torch.from_numpy(rng.integers(-half, half, (outputs, features))).to(torch.int8)
    weight[0, ::2] = 0
    form = design.result_format
    usual = torch.from_numpy(rng.standard_normal(outputs) * 2.0 ** -rng.integers(2, 10, outputs))
    scale, bias = usual.to(TYPES[form]), torch.from_numpy(rng.standard_normal(outputs)).to(
        TYPES[form])
    ends = {"bf16": (0x0001, 0x7F80, 0x8000, 0x7F7F), "fp16": (0x0003, 0x7C00, 0x8000, 0x7BFF)}
    special = from_bits(torch.tensor(ends[form]), form)[:max(0, outputs - 3)]
    scale[3:] = special[:len(scale[3:])]
    return Scaled(weight, scale, design.weight_format), bias


@pytest.mark.parametrize("design", [SMALL, *(pytest.param(design, marks=LONG) for design in (
    pair("8:16", "bf16", "int4"),
    pair("8:16", "fp16", "int8", activation="silu", guard=3),
    pair("8:16", "fp8_e4m3", "int4", **EXACT),
    pair("4:8", "bf16", "int8", **QUANTIZED, selection="after", packets="job", columns=2),
    pair("2:4", "bf16", "int4", flexible="all", unstructured=True),
    pair("2:4", "fp16", "int4", **QUANTIZED, flexible="n", unstructured=True)))],
    ids=lambda design: f"{design.pattern} {design.options}")
def test_results_are_those_of_the_rule(design):
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    m, active = design.pattern.m, design.activation != "none"
    for stall, tokens, features, outputs in ((0.0, 1, m, 1), (0.4, 9, 3 * m - 1, 7),
                                             (0.2, 8, 5 * m, 3)):
        rtl.pause(stall)
        x, _ = operands(design, tokens, features, 2)
        weight, bias = scaled_weights(design, outputs, features)
        jobs = [{"bias": bias, "activate": active}, {}]
        if design.flexible != "none":
            jobs += [{"bias": bias, "pattern": Pattern(keep, m)} for keep in (1, m - 1, m)]
        if design.unstructured:
            jobs.append({"threshold": 1 << design.score_width - 2})
        for job in jobs:
            expected, _ = float_linear(x, weight, design, **job)
            for backend in (rtl, reference):
                got, _ = run_float_linear(backend, x, weight.values, scale=weight.scale, **job)
                assert same(got, expected)
        # What is compared is more than NaN and zeros.
        assert tokens < 2 or len(got[got.isfinite()].unique()) > tokens
    for name, form in (("NUMBERS", design.format), ("WEIGHT_NUMBERS", design.weight_format)):
        assert rtl.read(name) == reference.read(name)
        assert FORMAT_CODES[rtl.read(name) & 0xFF] == form
    assert FORMAT_CODES[rtl.read("NUMBERS") >> 8 & 0xFF] == design.multiplied.format


def test_weights_in_floats_get_their_scales():
    """The host quantises them once; a layer is close to what they were."""
    rng = torch.Generator().manual_seed(5)
    x, weight = (torch.randn(count, 12, generator=rng) for count in (6, 5))
    x, bias = x.bfloat16(), torch.randn(5, generator=rng).bfloat16()
    coded = elements(weight, SMALL)
    expected, mask = float_linear(x, coded, SMALL, bias)
    got, _ = run_float_linear(Accelerator(SMALL), x, weight, bias)
    assert same(got, expected)
    real = (x.double() * mask) @ weight.double().T + bias.double()
    assert torch.cosine_similarity(got.double().flatten(), real.flatten(), 0) > 0.98


def test_a_job_without_terms_is_refused():
    """A sum without the scale of its output is no result."""
    rng = torch.Generator().manual_seed(6)
    x, weight = (torch.randn(3, 8, generator=rng) for _ in range(2))
    for backend in (Accelerator(SMALL), ReferenceAccelerator(SMALL)):
        job = float_job(SMALL, x.bfloat16(), weight)
        for name, value in (job.registers | {"OUTPUT": 0, "CONTROL": 1}).items():
            backend.write(name, value)
        assert backend.read("STATUS") >> 2 == Error.OUTPUT
        found, _ = run_job(backend, job)
        assert len(found.data) == job.results


def test_a_packet_of_terms_that_is_short_is_told():
    """Terms that are missing are zero, and so are results of finite sums; the next job is exact."""
    rtl = Accelerator(SMALL)
    rng = torch.Generator().manual_seed(7)
    x = torch.randn(3, 8, generator=rng).bfloat16()
    weight, bias = scaled_weights(SMALL, 3, 8)
    job = float_job(SMALL, x, torch.cat([weight.values] * 2), torch.cat([bias] * 2),
                    scale=torch.cat([weight.scale] * 2))
    expected, _ = run_job(rtl, job)
    terms = job.inputs["channel"]
    job.inputs["channel"] = Beats(terms.data[:1], np.array([True]))
    for name, value in (job.registers | {"CONTROL": 1}).items():
        rtl.write(name, value)
    found, _ = rtl.run(job.inputs, job.results, limit=job.limit)
    assert rtl.read("STATUS") >> 2 == Error.CHANNEL_TLAST
    assert np.array_equal(found.data[:3], expected.data[:3])
    assert expected.data[3:].any()
    assert not found.data[3:].any()
    job.inputs["channel"] = terms
    assert np.array_equal(run_job(rtl, job)[0].data, expected.data)


def test_an_aborted_job_leaves_no_sum_and_no_term():
    rtl = Accelerator(SMALL)
    rng = torch.Generator().manual_seed(8)
    x = torch.randn(7, 12, generator=rng).bfloat16()
    weight, bias = scaled_weights(SMALL, 5, 12)
    job = float_job(SMALL, x, weight.values, bias, scale=weight.scale)
    expected, _ = float_linear(x, weight, SMALL, bias)
    for taken in (0, 1, 3, 6):
        for name, value in (job.registers | {"CONTROL": 1}).items():
            rtl.write(name, value)
        rtl.offer(job.inputs)
        rtl.take(taken, limit=2000)
        assert rtl.read("STATUS") & 1
        rtl.write("CONTROL", 4)
        for _ in range(20):
            rtl.take(1, limit=40)  # beats that were queued are dropped
        assert not rtl.read("STATUS") & 1
        assert not rtl.pending()
        rtl.write("CONTROL", 0)
        got, _ = run_float_linear(rtl, x, weight.values, bias, scale=weight.scale)
        assert same(got, expected), taken


@LONG
def test_mx_weights_of_four_bits():
    """MXFP8 by MXFP4: scales of blocks on both sides, and none of outputs."""
    design = floats("2:32", "bf16", "mxfp8_e4m3", weight_format="mxfp4", rows=1, columns=1, tile=1,
                    selector="serial", result_format="bf16", epilogue_lanes=1)
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    for stall, tokens, features, outputs in ((0.0, 1, 32, 1), (0.4, 9, 95, 5)):
        rtl.pause(stall)
        x, weight = operands(design, tokens, features, outputs)
        bias = torch.linspace(-2, 2, outputs).bfloat16()
        for given in (bias, None):
            expected, _ = float_linear(x, elements(weight, design), design, given)
            for backend in (rtl, reference):
                assert same(run_float_linear(backend, x, weight, given)[0], expected)
    assert FORMAT_CODES[rtl.read("NUMBERS") >> 8 & 0xFF] == "mxfp8_e4m3"
    assert FORMAT_CODES[rtl.read("WEIGHT_NUMBERS")] == "mxfp4"
