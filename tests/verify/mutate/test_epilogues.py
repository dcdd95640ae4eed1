"""Jobs that show what stands between the array and the lane of an epilogue."""

from types import SimpleNamespace

import numpy as np

from hw.fixed_point import Output
from sw.driver.linear import Corrections
from verify.mutate.components import COMPONENTS
from verify.mutate.epilogue_checks import COEF, CorrectedBench, _kept


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
