"""Layers in floats with bias and activation function, one behind the other: nothing in between."""

import pytest
import torch

from hw.registers import Error
from sim.layer import main
from sim.tests.test_float_accelerator import SMALL, TENSOR, floats, operands, rounded, same
from sim.vectors.stimulus import generator
from sim.verilated import Accelerator
from sw.driver.floats import float_linear, run_float_linear
from sw.driver.reference import ReferenceAccelerator
from sw.exact.formats import TYPES


pytestmark = pytest.mark.usefixtures("wheel")

LONG = pytest.mark.long


def finishing(pattern, given, kept="", **parameters):
    """An accelerator with an epilogue."""
    return floats(pattern, given, kept, **{"epilogue_lanes": 1, "result_format": "bf16",
                                           **parameters})


@pytest.mark.parametrize("design", [
    finishing("2:4", "bf16", "fp8_e4m3", activation="gelu"),
    *(pytest.param(design, marks=LONG) for design in (
        finishing("4:8", "fp16", "fp8_e4m3", accumulator="exact", accumulator_width=42, rows=3,
                  columns=3, activation="silu", epilogue_lanes=2, packets="job"),
        finishing("3:7", "fp6_e2m3", accumulator="exact", columns=1),
        finishing("2:4", "bf16", columns=1, activation="silu"),
        finishing("2:4", "fp16", columns=1, activation="gelu", result_format="fp16"),
        finishing("8:16", "bf16", "nvfp4", activation="gelu")))],
    ids=lambda design: f"{design.pattern} {design.options}")
def test_bias_and_function_are_those_of_the_rule(design):
    rtl, reference = Accelerator(design), ReferenceAccelerator(design)
    m, function = design.pattern.m, design.activation != "none"
    scale = TENSOR if design.tensor_scaled else {}
    rng = generator("float epilogue", *design.options.split())
    for stall, tokens, features, outputs, biased, active in (
            (0.0, 7, m, 1, True, False), (0.3, 9, 3 * m - 1, 5, True, function),
            (0.4, 6, 5 * m, 3, False, function), (0.2, 11, m, 7, False, False),
            (0.2, 4, 2 * m, 4, True, function)):
        rtl.pause(stall)
        x, weight = operands(design, tokens, features, outputs)
        given = torch.from_numpy(rng.standard_normal(outputs) * 4).to(TYPES[design.result_format])
        bias = given if biased else None
        expected, _ = float_linear(x, rounded(weight, design), design, bias, active, **scale)
        got, _ = run_float_linear(rtl, x, weight, bias, active, **scale)
        assert same(got, expected)
        again, _ = run_float_linear(reference, x, weight, bias, active, **scale)
        assert same(again, expected)
        assert tokens < 5 or len(got[got.isfinite()].unique()) > 3
    assert rtl.read("NUMBERS") == reference.read("NUMBERS") != 0


def test_a_job_that_asks_for_what_is_not_there_is_refused():
    design = finishing("2:4", "bf16", "fp8_e4m3", activation="gelu")
    wrong = ({"OUTPUT": 3}, {"OUTPUT": 2}, {"OUTPUT": 4 | 1 << 8}, {"CORRECTIONS": 4, "OUTPUT": 4},
             {"ACTIVATE": 1})
    for backend in (Accelerator(design), ReferenceAccelerator(design)):
        for registers in wrong:
            given = {"K_BLOCKS": 1, "TOKENS": 1, "COLUMN_TILES": 1, "OUTPUT": 0, "CORRECTIONS": 0,
                     "ACTIVATE": 0} | registers
            for name, value in given.items():
                backend.write(name, value)
            backend.write("CONTROL", 1)
            assert backend.read("STATUS") >> 2 == Error.OUTPUT, registers
            backend.write("OUTPUT", 0)
            backend.write("CORRECTIONS", 0)
            backend.write("ACTIVATE", 0)
            x, weight = operands(design, 2, 4, 2)
            y, _ = run_float_linear(backend, x, weight)
            assert same(y, float_linear(x, rounded(weight, design), design)[0])


def test_a_job_without_scales_of_tensors_is_refused():
    """Registers are 0 after reset: a job that forgets them gets no results that are wrong."""
    one, least, gain = 0x3F80, 0x0600, 0x0A80  # 1, 2 ** -115, 2 ** -106
    infinity, nan, negative = 0x7F80, 0x7FC0, 0xBF80
    wrong = [0, 0x007F, infinity, nan, negative]
    for backend in (Accelerator(SMALL), ReferenceAccelerator(SMALL)):
        for tensor, factor, error in (
                *((bits, one, Error.TENSOR) for bits in (*wrong, least - 1)),
                *((one, bits, Error.TENSOR) for bits in (*wrong, gain - 1)),
                (least, gain, Error.NONE), (0x7F7F, 0x7F7F, Error.NONE)):
            given = {"K_BLOCKS": 1, "TOKENS": 1, "COLUMN_TILES": 1, "OUTPUT": 0, "CORRECTIONS": 0,
                     "ACTIVATE": 0, "TENSOR_SCALE": tensor | factor << 16, "CONTROL": 1}
            for name, value in given.items():
                backend.write(name, value)
            status = backend.read("STATUS")
            assert (status & 1, status >> 2) == (int(not error), error), (tensor, factor)
            assert backend.read("TENSOR_SCALE") == tensor | factor << 16
            backend.write("CONTROL", 4)  # ends a job that has begun
            backend.write("CONTROL", 0)
            if error:  # the first one stays until a job begins
                x, weight = operands(SMALL, 1, 16, 1)
                y, _ = run_float_linear(backend, x, weight, **TENSOR)
                assert same(y, float_linear(x, rounded(weight, SMALL), SMALL, **TENSOR)[0])


@LONG
@pytest.mark.parametrize(("form", "least", "pattern", "array"), [
    ("fp8_e4m3", 0.8, "8:16", []), ("nvfp4", 0.75, "8:16", []),
    ("bf16", 0.75, "2:4", ["--rows", "2", "--columns", "2", "--tile", "2"])])
def test_a_feed_forward_layer_runs_through_both_projections(form, least, pattern, array, capsys,
                                                            monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    with pytest.raises(SystemExit) as caught:
        main(["Hi.", "--patterns", pattern, "--formats", form, *array])
    assert caught.value.code == 0
    row, = [[cell.strip() for cell in line.split("│")[1:-1]]
            for line in capsys.readouterr().out.splitlines() if line.startswith(f"│ {form}")]
    assert row[:3] == [form, pattern, "yes"]
    assert least < float(row[5]) < 1


def test_blocks_that_share_no_scale_are_refused(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["Hi.", "--patterns", "8:16", "--formats", "mxfp4"])
    assert caught.value.code == 2
    assert "m must be 32 with quantize mxfp4" in capsys.readouterr().err.splitlines()[-1]
