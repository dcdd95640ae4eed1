"""Jobs that show what stands between the array and the lane of an epilogue."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from hw.fixed_point import Output
from sim.verilated import Accelerator
from sw.driver.linear import Corrections
from tests.wheel import needs_wheel
from verify.mutate.components import COMPONENTS
from verify.mutate.epilogue_checks import COEF, CorrectedBench, FloatBench, _float_jobs, _kept
from verify.packets import packets


def bench(kind, name):
    return kind(SimpleNamespace(design=COMPONENTS[name].design), "test")


def test_jobs_that_others_have_raw_are_corrected():
    jobs = bench(CorrectedBench, "epilogue")
    job = jobs.small()
    assert job.registers["OUTPUT"] == Output.CORRECTED
    assert job.registers["CORRECTIONS"] & ~COEF == 3, "variance and shift of the token"
    assert "token" not in job.inputs
    raw = jobs.small(corrections=Corrections())
    assert raw.registers["OUTPUT"] == Output.RAW


def test_results_that_would_saturate_are_floats_in_their_range():
    jobs = bench(CorrectedBench, "epilogue")
    terms = jobs.terms(Output.INT8, 6, 9)
    assert (terms.output, terms.exponent) == (Output.FP32, 0)
    job = jobs.small(9, 6, corrections=terms)
    expected = jobs.reference
    for register, value in (job.registers | {"CONTROL": 1}).items():
        expected.write(register, value)
    bits, _ = expected.run(job.inputs, job.results, limit=0)
    values = bits.data.copy().view(np.float32)
    assert np.isfinite(values).all()
    assert len(np.unique(values)) > 40


def test_a_job_that_keeps_parameters_brings_none():
    job = bench(CorrectedBench, "epilogue").small(features=12)
    kept = _kept(job)
    assert job.inputs.keys() - kept.inputs.keys() == {"coef"}
    assert job.registers["CORRECTIONS"] ^ kept.registers["CORRECTIONS"] == COEF


def test_jobs_in_floats_have_a_bias_or_a_function_or_both():
    jobs = _float_jobs(bench(FloatBench, "float-epilogue"))
    kinds = {("channel" in job.inputs, job.registers["ACTIVATE"]) for job in jobs}
    assert kinds == {(False, 0), (True, 0), (True, 1)}
    biases = [bool(job.inputs["channel"].data.any()) for job in jobs if job.registers["ACTIVATE"]]
    assert {*biases} == {False, True}, "a function without a bias, too"


def test_tokens_in_floats_are_usual_ones_and_any():
    jobs = bench(FloatBench, "float-epilogue")
    assert jobs.outputs == [Output.BF16]
    act = jobs.small(5, 200, 12).inputs["act"].data.copy().view(np.int16)
    values = torch.from_numpy(act).view(torch.bfloat16)
    assert 0.8 < values.isfinite().all(1).float().mean() < 0.97
    assert values.isnan().any()
    assert "channel" not in jobs.small().inputs


def test_packets_of_biases_are_among_those_of_any_length(monkeypatch):
    """Benches of packets ask for raw results where there are none in int8."""
    jobs, started = bench(FloatBench, "float-epilogue"), []
    monkeypatch.setattr(jobs, "start", started.append)
    jobs.model.offer = jobs.model.discard = lambda *_: None
    monkeypatch.setattr(jobs, "same", lambda job, **_: None)
    monkeypatch.setattr(jobs, "status", lambda: 0)
    with pytest.raises(AssertionError, match=r"^act"):
        packets(jobs)
    assert "channel" in started[0].inputs
    assert started[0].registers["ACTIVATE"]


@needs_wheel
@pytest.mark.long
def test_the_design_as_it_is_passes_twice_in_the_same_cycles():
    component = COMPONENTS["float-epilogue"]
    model, check = Accelerator(component.design), component.check()
    for _ in range(2):
        model.power_up()
        model.reset()
        check(model)
    model.write("TIMEOUT", 5)  # every stream is late now
    with pytest.raises(AssertionError):
        check(model)
