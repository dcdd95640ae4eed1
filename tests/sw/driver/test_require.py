"""What an accelerator of integers does not take is refused by name, and leaves no trace."""

import pytest
import torch

from hw.config import Design, Pattern
from sw.driver.floats import run_float_linear
from sw.driver.linear import Channels, Corrections, run_linear
from sw.driver.memory import memory_job
from sw.driver.reference import ReferenceAccelerator
from sw.exact.linear import nm_linear
from tests.sw.driver.test_driver import integers, reference


@pytest.mark.parametrize(("parameters", "threshold", "message"), [
    ({}, 5, "unstructured of the accelerator must be True for a threshold, not False"),
    ({"unstructured": True}, 256 + 60, "threshold must be an integer from 0 to 255, not 316"),
    ({"unstructured": True}, (1 << 16) + 60,
     "threshold must be an integer from 0 to 255, not 65596"),
    ({"unstructured": True, "coefficients": 8}, 1 << 15,
     "threshold must be an integer from 0 to 32767, not 32768"),
    ({"unstructured": True}, -1, "threshold must be an integer from 0 to 255, not -1"),
    ({"unstructured": True}, 60.0, "threshold must be an integer from 0 to 255, not 60.0")])
def test_thresholds_that_there_are_not_are_refused_before_anything_runs(
        parameters, threshold, message):
    device = reference(**({"flexible": "all"} if parameters else {}), **parameters)
    x, w = integers(3, 2, 32)
    with pytest.raises(ValueError, match=f"^{message}$"):
        run_linear(device, x, w, threshold=threshold)
    with pytest.raises(ValueError, match=f"^{message}$"):
        memory_job(device.design, x, w, threshold=threshold)
    assert torch.equal(run_linear(device, x, w)[0], nm_linear(x, w, "8:16").long())


@pytest.mark.parametrize(("name", "terms"), [
    ("factors", {"factors": torch.full((32,), 0.5)}),
    ("shifts", {"shifts": torch.full((32,), 1.5)}),
    ("token_scale", {"token_scale": torch.full((3, 1), 0.5)}),
    ("channels.scale", {"channels": Channels(torch.ones(2), *torch.zeros(2, 2).long())}),
    ("channels.bias", {"channels": Channels(*torch.zeros(2, 2).long(), torch.full((2,), 0.5))})])
def test_parameters_that_are_no_integers_are_refused(name, terms):
    device = reference(coefficients=8, shift="channel", epilogue_lanes=1)
    x, w = integers(3, 2, 32)
    with pytest.raises(ValueError, match=f"^{name} must be integers, not of type float32$"):
        run_linear(device, x, w, Corrections(**terms))


def test_designs_that_are_no_accelerators_have_no_reference():
    with pytest.raises(ValueError, match=r"^result_format must be bf16 with epilogue_lanes 1, not"):
        ReferenceAccelerator(Design(Pattern(8, 16), format="bf16"))


def test_wide_weights_of_blocks_are_named_as_such():
    device = ReferenceAccelerator(Design(
        Pattern(8, 16), format="bf16", quantize="nvfp4", weight_format="nvfp4",
        accumulator="fp32", result_format="bf16"))
    x, weight = torch.ones(1, 16).bfloat16(), torch.ones(1, 16)
    with pytest.raises(ValueError, match=r"^weight must be at most 16 bits wide on an accelerator "
                                         r"whose weights are nvfp4, not float32$"):
        run_float_linear(device, x, weight)
    y, _ = run_float_linear(device, x, weight.bfloat16())
    assert y.item() == pytest.approx(8, rel=1 / 16)
