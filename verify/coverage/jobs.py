"""Drives an accelerator through what coverage is counted of: every result is compared."""

from sim.verilated.accelerator import Accelerator
from verify.coverage.probes import COUNTERS, preload
from verify.jobs import JobBench


__all__ = ["drive"]


def drive(model: Accelerator, text: str, layers: int) -> None:
    """Run jobs on the accelerator of the Verilog ``text``, ``layers`` of them random.

    Its registers, full buffers, counters at their ends, packets of other lengths, aborts.

    Raises
    ------
    AssertionError
        If a register, a response or a result is wrong.
    TimeoutError
        If results do not come.
    """
    bench = JobBench(model, "coverage")
    bench.registers()
    bench.random(layers)
    bench.extremes()
    bench.full_buffers()
    _counters(bench, text)
    bench.packets()
    bench.huge()
    model.reset()
    bench.random(2)


def _counters(bench: JobBench, text: str) -> None:
    """Counters just below every power of two, in a job that waits for its weights."""
    model, job = bench.model, bench.small()
    for bit in range(4, 33):
        bench.start(job)
        model.offer(job.inputs)
        model.take(1, limit=20)
        for counter in COUNTERS:
            preload(model, text, counter, (1 << bit) - 3)
        model.take(job.results, limit=job.limit)
        for counter in COUNTERS:
            model.read(counter.upper())
        bench.status()
        model.discard()
