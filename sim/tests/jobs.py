"""Runs jobs on an accelerator whose streams offer whatever was queued, whenever."""

from dataclasses import replace

import numpy as np

from hw.config import Design, Pattern
from hw.registers import Error
from sw.driver.linear import BUSY, DONE, ERROR_BIT


__all__ = ["ABORT", "ANSWER_OKAY", "COEFFICIENTS", "CORRECTED", "DESIGNS", "PLAIN", "START",
           "TILED", "begin", "expected", "finish", "same", "status"]


PLAIN = Design(Pattern(2, 4), rows=2, columns=2, tile=2, max_k=64, batch_tokens=4)
COEFFICIENTS = replace(PLAIN, coefficients=8, epilogue_lanes=0)
CORRECTED = replace(PLAIN, coefficients=8, shift="channel", statistics=True, epilogue_lanes=1)
TILED = replace(PLAIN, rows=3, columns=2, tile=1, max_k=12, epilogue_lanes=0)
DESIGNS = {
    "coefficients": COEFFICIENTS, "corrected": CORRECTED,
    "mean": replace(PLAIN, coefficients=4, shift="mean", statistics=True, epilogue_lanes=2),
    "scalar": replace(PLAIN, pattern=Pattern(2, 8), shift="scalar", flexible="all",
                      unstructured=True, epilogue_lanes=1),
}
START, ABORT, ANSWER_OKAY = 1, 4, 8


def begin(accelerator, job, error=Error.NONE):
    """Start a job; its streams may have been offering already."""
    for register, value in (job.registers | {"CONTROL": START}).items():
        accelerator.write(register, value)
    seen = accelerator.read("STATUS")
    assert (seen & ~DONE == error << ERROR_BIT) if error else seen == BUSY


def status(accelerator):
    """STATUS some cycles later: rows without a token leave the array after the last result."""
    for _ in range(20):
        accelerator.read("IDLE_CYCLES")
    return accelerator.read("STATUS")


def same(got, expected):
    """Whether two streams of beats are equal."""
    return np.array_equal(got.data, expected.data) and np.array_equal(got.last, expected.last)


def finish(accelerator, layer, results):
    """Take the results of a job and compare them."""
    got, _ = accelerator.take(layer.job.results, limit=layer.job.limit)
    assert same(got, results)
    assert status(accelerator) == DONE


def expected(reference, layer):
    """Result beats of the reference accelerator, which runs the same jobs."""
    for register, value in (layer.job.registers | {"CONTROL": START}).items():
        reference.write(register, value)
    return reference.run(layer.job.inputs, layer.job.results, limit=0)[0]
