"""The driver on the RTL and on the reference accelerator: the same registers, the same results."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from hw.config import Design, Pattern
from hw.fixed_point import FLOATS, Output
from hw.registers import Error
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw import nm_prune
from sw.driver.layer import SparseLinear
from sw.driver.linear import Channels, Corrections, run_linear
from sw.driver.reference import ReferenceAccelerator
from sw.evaluation.metrics import cosine


pytestmark = pytest.mark.usefixtures("wheel")

STATISTICS = {"statistics": True, "epilogue_lanes": 1, "rows": 2, "columns": 2, "max_k": 64,
              "batch_tokens": 3}
PLAIN = Design(Pattern(2, 4), rows=3, columns=3, tile=2, max_k=32, batch_tokens=7,
               epilogue_lanes=2)


def layer(name, tokens, features, outputs):
    """A layer with terms of its channels, and scales of its tokens."""
    rng = generator(name)
    x = torch.from_numpy(rng.integers(-128, 128, (tokens, features), "int8"))
    w = torch.from_numpy(rng.integers(-128, 128, (outputs, features), "int8"))
    channels = Channels(*(torch.from_numpy(rng.integers(low, high, outputs)) for low, high in
                          ((1 << 14, 1 << 16), (12, 17), (-20000, 20000))))
    return x, w, channels, torch.from_numpy(rng.integers(0, 1 << 16, (tokens, 1)))


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize(("tokens", "features", "outputs"), [(1, 4, 1), (20, 32, 7), (4, 70, 5)])
def test_outputs_are_those_of_the_reference(tokens, features, outputs, stall):
    rtl, reference = Accelerator(PLAIN, stall=stall), ReferenceAccelerator(PLAIN)
    x, w, channels, scale = layer("outputs", tokens, features, outputs)
    for corrections in (Corrections(), Corrections(Output.CORRECTED),
                        Corrections(Output.INT8, channels=channels),
                        Corrections(Output.INT8, channels=channels, token_scale=scale),
                        *(Corrections(output, channels=channels, token_scale=scale,
                                      exponent=exponent)
                          for output in FLOATS for exponent in (-128, -7))):
        got, counters = run_linear(rtl, x, w, corrections)
        expected, model = run_linear(reference, x, w, corrections)
        assert torch.equal(got, expected), corrections.output
        assert counters["STEPS"] == model["STEPS"]
        assert corrections.output < Output.INT8 or tokens < 2 or len(got.unique()) > 5


@pytest.mark.parametrize("output", [Output.CORRECTED, Output.INT8, *FLOATS])
def test_the_epilogue_is_exact_at_every_limit(output):
    """Accumulators of all lengths, every shift, biases and scales at their limits."""
    rtl, reference = Accelerator(PLAIN), ReferenceAccelerator(PLAIN)
    x, w, _, _ = layer("limits", 60, 32, 90)
    rng = generator("limits of the terms")
    x[::3] //= 32
    w[::4] = 0
    scale, shift, bias = rng.integers(0, 1 << 16, 90), rng.integers(0, 32, 90), np.zeros(90, int)
    scale[::7], scale[1::7] = 65535, 1
    powers = 1 << rng.integers(0, 23, (2, 90))
    bias[::2] = powers[0, ::2] + powers[1, ::2] * rng.integers(-1, 2, 45)
    bias *= rng.choice([-1, 1], 90)
    bias[3], bias[5] = -1 << 23, (1 << 23) - 1
    tokens = rng.integers(0, 1 << 16, (60, 1))
    tokens[::5], tokens[1::5] = 1 << 15, 0
    for exponent in (-128, -100, 0, 127) if output in FLOATS else (0,):
        corrections = Corrections(
            output, channels=Channels(*map(torch.from_numpy, (scale, shift, bias.clip(
                -1 << 23, (1 << 23) - 1)))), token_scale=torch.from_numpy(tokens),
            exponent=exponent)
        got, _ = run_linear(rtl, x, w, corrections)
        expected, _ = run_linear(reference, x, w, corrections)
        assert torch.equal(_bits(got), _bits(expected)), exponent


def _bits(y):
    """Results as they are compared: a zero has a sign, too."""
    return {torch.float32: lambda: y.view(torch.int32),
            torch.bfloat16: lambda: y.view(torch.int16)}.get(y.dtype, lambda: y)()


@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_row_sums_of_tiles_of_one_block(stall):
    """Weights come as fast as tiles end; results wait for nothing but the stream."""
    design = Design(Pattern(4, 8), shift="mean", **STATISTICS)
    rtl, reference = Accelerator(design, stall=stall), ReferenceAccelerator(design)
    x, w, _, _ = layer("one block", 20, 8, 23)
    x = (x.long() // 2 + 20).to(torch.int8)
    for shifted in (True, False, True):
        corrections = Corrections(Output.CORRECTED, token_shift=shifted)
        got, _ = run_linear(rtl, x, w, corrections)
        assert torch.equal(got, run_linear(reference, x, w, corrections)[0])


@pytest.mark.parametrize("output", [form.name for form in FLOATS.values()])
def test_a_layer_has_the_floats_of_the_reference(output):
    torch.manual_seed(1)
    linear, x = nn.Linear(32, 7), torch.randn(20, 32)
    got, expected = (SparseLinear.from_linear(linear, backend, output=output)(x)
                     for backend in (Accelerator(PLAIN), ReferenceAccelerator(PLAIN)))
    assert torch.equal(got, expected)
    assert cosine(nm_prune(x, 2, 4) @ linear.weight.t() + linear.bias, got) > 0.999


NARROW = replace(PLAIN, accumulator_width=24, columns=2)


def test_bf16_fits_a_narrow_accumulator():
    """Results of 24 bits, of which a bfloat16 takes the lower 16."""
    rtl, reference = Accelerator(NARROW), ReferenceAccelerator(NARROW)
    x, w, channels, scale = layer("narrow", 9, 32, 5)
    for corrections in (Corrections(Output.CORRECTED), Corrections(
            Output.BF16, channels=channels, token_scale=scale, exponent=3)):
        got, _ = run_linear(rtl, x, w, corrections)
        assert torch.equal(got, run_linear(reference, x, w, corrections)[0])
    for backend in (rtl, reference):
        with pytest.raises(RuntimeError, match="start refused: OUTPUT"):
            run_linear(backend, x, w, Corrections(Output.FP32, channels=channels))


@pytest.mark.parametrize("backend", [Accelerator, ReferenceAccelerator])
def test_what_a_design_lacks_is_refused(backend):
    device = backend(PLAIN)
    x, w, _, _ = layer("lacks", 2, 8, 3)
    for corrections in (Corrections(Output.CORRECTED, variance=True), Corrections(static_shift=-1),
                        Corrections(Output.CORRECTED, token_shift=True),
                        Corrections(token_scale=torch.ones(2, 1, dtype=torch.int64))):
        with pytest.raises(RuntimeError, match=r"^the accelerator refused a job: start refused: "
                                               r"OUTPUT or CORRECTIONS ask"):
            run_linear(device, x, w, corrections)
    assert run_linear(device, x, w)[0].shape == (2, 3)


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize("parameters", [
    {"pattern": Pattern(4, 8), "shift": "mean"}, {"pattern": Pattern(2, 4), "shift": "median"},
    {"pattern": Pattern(4, 8), "shift": "scalar"},
    {"pattern": Pattern(2, 4), "shift": "channel", "coefficients": 8},
], ids=lambda given: given["shift"])
def test_corrections_are_those_of_the_reference(parameters, stall):
    design = Design(**(STATISTICS | parameters))
    rtl, reference = Accelerator(design, stall=stall), ReferenceAccelerator(design)
    x, w, channels, scale = layer("corrections", 8, 56, 5)
    x = (x.long() // 2 + 20).to(torch.int8)  # with a mean, so that the shift is seen
    factors = torch.arange(1, 57) * 4
    plain = None
    for variance in (False, True):
        for output in (Output.CORRECTED, Output.INT8, Output.BF16):
            corrections = Corrections(
                output, variance, token_shift=design.dynamic_shift, channels=channels,
                static_shift=-3 * (design.shift == "scalar"), token_scale=scale,
                factors=factors if design.coefficients else None,
                shifts=factors - 99 if design.shift == "channel" else None)
            got, _ = run_linear(rtl, x, w, corrections)
            expected, _ = run_linear(reference, x, w, corrections)
            assert torch.equal(got, expected), corrections
            if output == Output.CORRECTED:
                assert plain is None or not torch.equal(got, plain), "VAR changes nothing"
                plain = got


ANY_MASK = {"pattern": Pattern(8, 16), "flexible": "all", "unstructured": True}
ANY_MASK_CORRECTED = {"pattern": Pattern(2, 8), "flexible": "all", "unstructured": True,
                      "shift": "median", "coefficients": 8}


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize(("parameters", "patterns"), [
    (ANY_MASK, ["2:4", "4:8", "8:16", "1:4", "3:4", "12:16", "16:16"]),
    (ANY_MASK_CORRECTED, ["1:4", "2:8", "3:4", "8:8"]),
    ({"pattern": Pattern(3, 7), "flexible": "n", "selector": "radix", "shift": "scalar"},
     ["1:7", "3:7", "7:7"]),
], ids=lambda case: str(case.get("pattern")) if isinstance(case, dict) else "")
def test_any_pattern_on_one_accelerator(parameters, patterns, stall):
    """Jobs of other patterns follow each other, with and without corrections."""
    design = Design(**(STATISTICS | parameters))
    rtl, reference = Accelerator(design, stall=stall), ReferenceAccelerator(design)
    x, w, channels, scale = layer("patterns", 8, design.max_blocks * design.pattern.m - 3, 5)
    x = (x.long() // 2 + 20).to(torch.int8)
    corrected = Corrections(Output.CORRECTED, True, token_shift=design.dynamic_shift,
                            static_shift=9 * (design.shift == "scalar"), channels=channels,
                            token_scale=scale)
    for corrections in (None, corrected):
        steps = {}
        for pattern in map(Pattern.parse, patterns):
            got, counters = run_linear(rtl, x, w, corrections, pattern)
            expected, model = run_linear(reference, x, w, corrections, pattern)
            assert torch.equal(got, expected), (str(pattern), corrections)
            assert counters["STEPS"] == model["STEPS"]
            steps.setdefault(design.steps(pattern), set()).add(counters["STEPS"])
        assert len(steps) > 1
        assert all(len(counts) == 1 for counts in steps.values())


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize("parameters", [ANY_MASK, ANY_MASK_CORRECTED],
                         ids=lambda case: str(case["pattern"]))
def test_unstructured_masks(parameters, stall):
    """Values that reach a threshold, in as many steps as the fullest block of a group needs."""
    design = Design(**(STATISTICS | parameters))
    rtl, reference = Accelerator(design, stall=stall), ReferenceAccelerator(design)
    x, w, _, _ = layer("unstructured", 8, design.max_blocks * design.pattern.m, 5)
    factors = torch.arange(1, x.shape[1] + 1) if design.coefficients else None
    unit = 64 if design.coefficients else 1
    corrections = Corrections(Output.CORRECTED, True, token_shift=design.dynamic_shift,
                              factors=factors)
    seen = []
    for threshold in (1, 50 * unit, 0, 100 * unit, 127 * unit):
        got, counters = run_linear(rtl, x, w, corrections, threshold=threshold)
        expected, model = run_linear(reference, x, w, corrections, threshold=threshold)
        assert torch.equal(got, expected), threshold
        assert counters["STEPS"] == model["STEPS"], threshold
        seen.append(counters["STEPS"])
    assert seen[0] > seen[1] > seen[4] >= seen[2]


def test_pattern_that_a_design_does_not_run_is_refused_in_hardware():
    device = Accelerator(Design(**(STATISTICS | {"pattern": Pattern(3, 7), "flexible": "n",
                                                 "selector": "radix", "shift": "scalar"})))
    for name, value in (("K_BLOCKS", 1), ("TOKENS", 1), ("COLUMN_TILES", 1),
                        ("JOB_PATTERN", 3 | 6 << 8), ("CONTROL", 1)):
        device.write(name, value)
    assert device.read("STATUS") == Error.PATTERN << 2
    assert device.read("PATTERN") == 3 | 7 << 8 | 1 << 16
    for name, value in (("JOB_PATTERN", 3), ("THRESHOLD", 9), ("CONTROL", 1)):
        device.write(name, value)
    assert device.read("STATUS") == Error.PATTERN << 2
