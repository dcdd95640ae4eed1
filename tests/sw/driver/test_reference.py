"""The exact model in an accelerator's place: what it takes and refuses, as the hardware does."""

import pytest

from hw.fixed_point import Output
from hw.registers import Error
from sw.driver.beats import Beats
from sw.driver.linear import linear_job
from tests.sw.driver.test_driver import integers, reference


@pytest.mark.parametrize("cut", [1, -1])
def test_the_model_takes_whole_packets_only(cut):
    device = reference(coefficients=4)
    x, w = integers(3, 2, 32)
    job = linear_job(device.design, x, w)
    for register, value in (job.registers | {"CONTROL": 1}).items():
        device.write(register, value)
    beats = job.inputs["coef"]
    several = Beats(beats.data.repeat(2, 0), beats.last.repeat(2)) if cut < 0 else \
        Beats(beats.data[:1], beats.last[:1])
    with pytest.raises(RuntimeError, match=r"^the job takes one packet of 2 beats of coef$"):
        device.run(job.inputs | {"coef": several}, job.results, limit=0)
    del job.inputs["coef"]
    with pytest.raises(RuntimeError, match=r"^the job takes beats of act, coef, weight, not of "):
        device.run(job.inputs, job.results, limit=0)


@pytest.mark.parametrize(("output", "parameters", "refused"), [
    (Output.BF16, {}, False), (Output.BF16 + 1, {}, True), (255, {}, True),
    (Output.CORRECTED, {"epilogue_lanes": 0}, True), (Output.RAW, {"epilogue_lanes": 0}, False),
    (Output.FP32, {"accumulator_width": 31}, True), (Output.BF16, {"accumulator_width": 31}, False),
])
def test_model_refuses_an_output_that_the_design_lacks(output, parameters, refused):
    device = reference(**parameters)
    for name in ("K_BLOCKS", "TOKENS", "COLUMN_TILES"):
        device.write(name, 1)
    device.write("OUTPUT", output)
    device.write("CONTROL", 1)
    assert device.read("STATUS") == (Error.OUTPUT << 2 if refused else 1)


@pytest.mark.parametrize(("register", "error"), [
    ("K_BLOCKS", Error.K_BLOCKS), ("TOKENS", Error.TOKENS), ("COLUMN_TILES", Error.COLUMN_TILES)])
def test_model_refuses_what_the_hardware_refuses(register, error):
    device = reference()
    for name in ("K_BLOCKS", "TOKENS", "COLUMN_TILES"):
        device.write(name, int(name != register))
    device.write("CONTROL", 1)
    assert device.read("STATUS") == error << 2
