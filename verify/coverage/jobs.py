"""Drives an accelerator through what coverage is counted of: every result is compared.

In steps, each of an accelerator of its own: what a step has counted can be kept.
"""

from collections.abc import Callable

from sim.verilated.accelerator import Accelerator
from verify.coverage.probes import COUNTERS, preload
from verify.jobs import SETTLE, JobBench
from verify.numbers import alike, largest
from verify.packets import packets
from verify.timing import early_and_late, held_results, many_tokens, while_busy


__all__ = ["STEPS", "drive"]


WAIT = 4
"""Cycles in which a counter passes the power of two that it was set below."""

ACCESSES = 40
"""More cycles than reading all counters takes."""


def drive(model: Accelerator, step: str, text: str, layers: int) -> None:
    """Drive the accelerator of the Verilog ``text`` through one of :data:`STEPS`.

    Raises
    ------
    AssertionError
        If a register, a response or a result is wrong.
    TimeoutError
        If results do not come.
    """
    STEPS[step](JobBench(model, f"coverage {step}"), text, layers)


def _random(bench: JobBench, text: str, layers: int) -> None:
    """Random layers, before and after a reset."""
    bench.random(layers)
    bench.model.reset()
    bench.random(2)


def _counters(bench: JobBench, text: str, layers: int) -> None:
    """Counters just below every power of two, in a job that waits for its weights."""
    model, job = bench.model, bench.small()
    weights = {"weight": job.inputs["weight"]}
    others = {name: beats for name, beats in job.inputs.items() if name not in weights}
    for bit in range(4, 33):
        bench.start(job)
        model.offer(others)
        model.take(1, limit=SETTLE)
        before = (1 << bit) - 3
        for counter in COUNTERS:
            preload(model, text, counter, before)
        model.take(1, limit=WAIT)
        waited = _counted(model, before)
        assert waited["steps"] == 0, "STEPS counts what is none"
        for counter in ("cycles", "idle_cycles"):
            assert WAIT <= waited[counter] < WAIT + ACCESSES, f"{counter.upper()} is wrong"
        model.offer(weights)
        bench.finish(job)
        counted = _counted(model, before)
        assert counted["steps"] == bench.reference.read("STEPS"), "STEPS is wrong"
        assert counted["steps"] <= counted["array_cycles"] <= counted["cycles"] < job.limit
        assert model.read("IDLE_CYCLES") < ACCESSES, "IDLE_CYCLES goes on when something moves"
        model.discard()


def _timeout(bench: JobBench, text: str, layers: int) -> None:
    """A job whose streams come after its timeout, the smallest one that counts; then another."""
    bench.timeouts((7,))
    bench.run(bench.small())


def _counted(model: Accelerator, before: int) -> dict[str, int]:
    """How far the counters have come from ``before``, modulo their range."""
    return {counter: (model.read(counter.upper()) - before) % (1 << 32) for counter in COUNTERS}


def _alone(step: Callable[[JobBench], None]) -> Callable[[JobBench, str, int], None]:
    return lambda bench, text, layers: step(bench)


STEPS: dict[str, Callable[[JobBench, str, int], None]] = {
    "random": _random, "counters": _counters, "timeout": _timeout,
    **{step.__name__: _alone(step) for step in (
        JobBench.registers, JobBench.extremes, JobBench.full_buffers, packets,
        JobBench.huge, many_tokens, early_and_late, held_results, while_busy, largest, alike)},
}
"""By name: registers, full buffers and tables, streams that are early or late, results that wait,
writes while a job runs, counters at their ends, packets of other lengths, timeouts, aborts, the
largest sums, values that are alike."""
