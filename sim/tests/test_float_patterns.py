"""Accelerators in floats whose jobs bring their patterns: RTL, reference and rule, to the bit."""

import pytest
import torch

from hw.config import Pattern
from hw.registers import Error
from sim.tests.test_float_accelerator import TENSOR, floats, operands, rounded, same
from sim.verilated import Accelerator
from sw.driver.floats import float_linear, run_float_linear
from sw.driver.reference import ReferenceAccelerator
from sw.exact.convert import convert
from sw.exact.formats import from_bits


pytestmark = pytest.mark.usefixtures("wheel")

LONG = pytest.mark.long
SMALL = floats("2:4", "bf16", "fp8_e4m3", columns=1, flexible="all", result_format="bf16")


@pytest.mark.parametrize(("design", "patterns"), [
    (SMALL, ["1:4", "1:2", "2:4", "3:4", "4:4"]),
    *(pytest.param(*case, marks=LONG) for case in (
        (floats("4:8", "bf16", "fp8_e4m3", accumulator="exact", accumulator_width=42, rows=3,
                columns=3, flexible="n", selection="after"), ["1:8", "4:8", "7:8"]),
        (floats("3:7", "fp8_e4m3", flexible="n", columns=1), ["1:7", "3:7", "4:7", "7:7"]),
        (floats("4:8", "bf16", "nvfp4", flexible="all", selection="after", columns=1,
                epilogue_lanes=1, result_format="bf16"), ["1:8", "3:4", "1:2", "8:8"]),
        (floats("4:32", "bf16", "mxfp8_e4m3", flexible="all", selection="after", rows=1, columns=1,
                tile=1, selector="serial"), ["1:4", "1:32", "5:32", "4:32"])))],
    ids=lambda case: f"{case.pattern} {case.options}" if hasattr(case, "pattern") else "")
def test_jobs_bring_their_patterns(design, patterns):
    """Steps of a block are rounded one by one; what fills one up makes no sum NaN."""
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    m, scale = design.pattern.m, TENSOR if design.tensor_scaled else {}
    spared = 0
    for k, text in enumerate(patterns):
        pattern = Pattern.parse(text)
        rtl.pause(0.15 * k)
        x, weight = operands(design, 9, (k % 2 * 2 + 1) * m - k % 2, 5)
        right = rounded(weight, design)
        expected, mask = float_linear(x, right, design, pattern=pattern, **scale)
        got, counters = run_float_linear(rtl, x, weight, pattern=pattern, **scale)
        assert same(got, expected)
        again, model = run_float_linear(reference, x, weight, pattern=pattern, **scale)
        assert same(again, expected)
        assert counters["STEPS"] == model["STEPS"]
        assert int(mask.sum(1).max()) <= pattern.n * -(-x.shape[1] // pattern.m)
        spared += int(got[:, 2].isfinite().sum() * right.values[2].float().isnan().any())
    assert spared or not design.marks_filler or design.quantized  # scales of blocks are NaN there
    own, _ = run_float_linear(rtl, x, weight, **scale)  # without one it is that of the design
    assert same(own, float_linear(x, right, design, **scale)[0])


def test_a_weight_that_is_nan_has_an_effect_where_it_is_kept_and_nowhere_else():
    """Also by kept zeros, of both signs and rounded to zero; not by what fills up a step."""
    x = torch.tensor([[-1e-9, 1, 2, 3], [-0.0, 1, 2, 3], [0, 1, 2, 3], [4, 3, 2, 1]]).bfloat16()
    nan = torch.nan
    weight = torch.tensor([[nan, 1, 1, 1], [1, 1, 1, nan], [1, 1, nan, 1]]).bfloat16()
    for backend in (Accelerator(SMALL), ReferenceAccelerator(SMALL)):
        for text, wanted in (("4:4", [[1, 1, 1]] * 4), ("1:4", [[0, 1, 0]] * 3 + [[1, 0, 0]]),
                             ("3:4", [[0, 1, 1]] * 3 + [[1, 0, 1]])):
            y, _ = run_float_linear(backend, x, weight, pattern=Pattern.parse(text))
            assert y.isnan().int().tolist() == wanted, text


def test_patterns_that_there_are_not_are_refused():
    x, weight = operands(SMALL, 2, 4, 2)
    for backend in (Accelerator(SMALL), ReferenceAccelerator(SMALL)):
        for wrong in ({"JOB_PATTERN": 3 | 2 << 8}, {"JOB_PATTERN": 1 | 8 << 8}, {"THRESHOLD": 1}):
            given = {"K_BLOCKS": 1, "TOKENS": 1, "COLUMN_TILES": 1, "OUTPUT": 0, "CORRECTIONS": 0,
                     "ACTIVATE": 0, "JOB_PATTERN": 0} | wrong | {"CONTROL": 1}
            for name, value in given.items():
                backend.write(name, value)
            assert backend.read("STATUS") >> 2 == Error.PATTERN, wrong
            backend.write("THRESHOLD", 0)
        y, _ = run_float_linear(backend, x, weight)
        assert same(y, float_linear(x, rounded(weight, SMALL), SMALL)[0])
        with pytest.raises(ValueError, match=r"^pattern must be N:M with M a power of two"):
            run_float_linear(backend, x, weight, pattern=Pattern(3, 7))


def test_every_step_is_rounded():
    """More of a block than there are lanes: a small product is lost behind a large one."""
    x = torch.tensor([[256.0, 2.0 ** -9, -256.0, 2.0 ** -9]]).bfloat16()
    weight = torch.tensor([[256.0, 2.0 ** -9, 256.0, 2.0 ** -9]]).bfloat16()
    two = floats("2:4", "bf16", "fp8_e4m3", flexible="n")
    four = floats("4:4", "bf16", "fp8_e4m3")
    found, _ = run_float_linear(ReferenceAccelerator(two), x, weight, pattern=Pattern(4, 4))
    once, _ = run_float_linear(ReferenceAccelerator(four), x, weight)
    assert (found.item(), once.item()) == (2.0 ** -18, 2.0 ** -17)


ANY = floats("1:4", "bf16", "fp8_e4m3", columns=1, flexible="n", unstructured=True)


@pytest.mark.parametrize("design", [
    ANY,
    *(pytest.param(design, marks=LONG) for design in (
        floats("2:4", "fp16", "fp8_e4m3", flexible="all", unstructured=True, rows=3, columns=3,
               epilogue_lanes=1, result_format="bf16"),
        floats("4:8", "bf16", "fp8_e4m3", flexible="n", unstructured=True, selection="after",
               accumulator="exact", accumulator_width=42, columns=1, packets="job"),
        floats("3:7", "fp6_e2m3", flexible="n", unstructured=True, columns=1),
        floats("2:8", "fp4_e2m1", flexible="all", unstructured=True, columns=1, selector="serial",
               accumulator="exact"),
        floats("2:4", "bf16", "nvfp4", flexible="all", unstructured=True, selection="after",
               columns=1)))], ids=lambda design: f"{design.pattern} {design.options}")
def test_jobs_keep_what_reaches_a_threshold(design):
    """In as many steps as the fullest block of a group needs; a pattern comes between."""
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    form, scale = design.selected_number, TENSOR if design.tensor_scaled else {}
    m, top, steps, shares = design.pattern.m, (1 << design.score_width) - 1, {}, {}
    x, weight = operands(design, 9, 3 * m - 1, 5)
    right = rounded(weight, design)
    for k, threshold in enumerate((1, top // 2, 0, top * 5 // 8, top)):
        rtl.pause(0.1 * k)
        expected, mask = float_linear(x, right, design, threshold=threshold, **scale)
        got, counters = run_float_linear(rtl, x, weight, threshold=threshold, **scale)
        assert same(got, expected)
        again, model = run_float_linear(reference, x, weight, threshold=threshold, **scale)
        assert same(again, expected)
        assert counters["STEPS"] == model["STEPS"]
        if threshold and not design.quantized:  # in other words: no smaller than that number
            seen = x if form.name == design.format else convert(x, form.name)
            number = from_bits(torch.tensor(threshold), form.name).float().abs()
            reaches = (seen.float().abs() >= number) | (seen.float().isnan() & ~number.isnan())
            assert mask.equal(reaches) or number.isnan()
        steps[threshold], shares[threshold] = counters["STEPS"], mask.float().mean().item()
    del steps[0], shares[0]
    assert len(set(shares.values())) == len(shares) == 4
    assert sorted(steps.values(), reverse=True) == list(steps.values())
    assert len(set(steps.values())) > 2


def test_a_kept_value_that_is_rounded_to_zero_takes_a_step():
    """Alone in the second one, it still makes NaN of a weight that is; what fills up does not."""
    x = torch.tensor([[1, 2.0 ** -20, 0, 0], [1, 0, 0, 0]]).bfloat16()
    nan = torch.nan
    weight = torch.tensor([[1, nan, 1, 1], [1, 1, nan, nan]]).bfloat16()
    for backend in (Accelerator(ANY), ReferenceAccelerator(ANY)):
        for threshold, wanted, steps in ((1, [[1, 0], [0, 0]], 4), (0x3F80, [[0, 0], [0, 0]], 2),
                                         (0x3F81, [[0, 0], [0, 0]], 2)):
            y, counters = run_float_linear(backend, x, weight, threshold=threshold)
            assert y.isnan().int().tolist() == wanted, threshold
            assert counters["STEPS"] == steps  # of two tiles
        assert y.tolist() == [[0, 0], [0, 0]]


def test_a_threshold_above_all_scores_is_refused():
    x, weight = operands(ANY, 2, 4, 2)
    for backend in (Accelerator(ANY), ReferenceAccelerator(ANY)):
        for name, value in (("K_BLOCKS", 1), ("TOKENS", 1), ("COLUMN_TILES", 1), ("OUTPUT", 0),
                            ("CORRECTIONS", 0), ("ACTIVATE", 0), ("JOB_PATTERN", 0),
                            ("THRESHOLD", 0x8000), ("CONTROL", 1)):
            backend.write(name, value)
        assert backend.read("STATUS") >> 2 == Error.PATTERN
        y, _ = run_float_linear(backend, x, weight, threshold=0x7FFF)
        assert not y.any()
