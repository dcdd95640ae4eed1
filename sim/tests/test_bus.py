"""The accelerator behind one AXI4 master: jobs, faults and the bus after each of them."""

from collections import Counter

import numpy as np
import pytest

from hw.layouts import STREAMS
from hw.registers import BusError, Error
from sim.tests.memories import ACTIVE, BUS_DESIGNS, Bench, control
from sim.verilated.bus import BusAccelerator


pytestmark = pytest.mark.usefixtures("wheel")

DESIGN = BUS_DESIGNS["corrected"]


@pytest.mark.parametrize(("latency", "stall", "mixes", "bandwidth"),
                         [(1, 0.0, False, 0), (30, 0.4, True, 0), (5, 0.1, True, 3.5)])
def test_jobs_are_exact(latency, stall, mixes, bandwidth):
    """By registers; nothing is written but the results, and nothing read but what is needed."""
    bench = Bench(DESIGN, "exact", latency=latency, stall=stall, mixes=mixes, bandwidth=bandwidth)
    for _ in range(25):
        task = bench.task()
        before = bench.image(task)
        bench.run(task)
        assert np.array_equal(bench.image(task), before)


def test_an_error_of_the_memory_ends_the_job_and_the_next_one_is_exact():
    bench = Bench(DESIGN, "errors", latency=7, stall=0.2, mixes=True)
    bench.device.fail(0.02)
    errors = Counter(bench.run_or_fail(bench.task()) for _ in range(60))
    assert errors[BusError.READ] > 5
    assert errors[0] > 5
    for stream in ("act", "weight", "coef", "token", "channel", "result"):
        bench.device.fail(1.0, [stream])
        while (task := bench.task()) and stream not in task.placed.job.sizes:
            pass
        bench.start(task)
        assert bench.finish() == (BusError.WRITE if stream == "result" else BusError.READ)
        assert bench.stream() == STREAMS.index(stream)
        bench.device.fail(0.0)
        bench.run(bench.task())


def test_what_lies_outside_of_the_memory_is_an_error():
    bench = Bench(DESIGN, "outside")
    task = bench.task()
    for name, error in (("WEIGHT_HIGH", BusError.READ), ("RESULT_HIGH", BusError.WRITE)):
        bench.device.allow(0, 1 << 40)
        bench.start(task, **{name: 0x20})
        assert bench.finish() == error
    bench.run(bench.task())


@pytest.mark.parametrize("seed", range(3))
def test_an_abort_in_any_cycle_leaves_nothing(seed):
    """Results that were written are within their buffer; the next job is exact."""
    bench = Bench(DESIGN, f"abort {seed}", latency=9, stall=0.3, mixes=True)
    aborted = 0
    for cycles in bench.rng.integers(1, 600, 12):
        task = bench.task(features=32)
        bench.start(task)
        bench.device.run(int(cycles))
        running = bench.device.read("BUS_STATUS") & ACTIVE
        bench.device.write("BUS_CONTROL", control("ABORT", "INTERRUPT"))
        error = bench.finish()
        assert error in (0, BusError.ABORT)
        aborted += error != 0
        assert running or not error
        bench.run(bench.task())
    assert aborted > 2


def test_an_abort_in_each_of_the_first_cycles():
    """While the job is checked, started, and its first bursts are asked for."""
    bench = Bench(DESIGN, "abort at once", latency=3)
    task, errors = bench.task(features=32), Counter()
    for cycles in range(40):
        bench.start(task)
        bench.device.run(cycles)
        bench.device.write("BUS_CONTROL", control("ABORT", "INTERRUPT"))
        errors[bench.finish()] += 1
    assert errors == {BusError.ABORT: 40}
    bench.run(task)


def test_addresses_that_are_none_are_refused():
    bench = Bench(DESIGN, "addresses")
    for name in ("act", "weight", "coef", "token", "channel", "result"):
        while (task := bench.task()) and name not in task.placed.job.sizes:
            pass
        low, high = (f"{name.upper()}_{half}" for half in ("LOW", "HIGH"))
        wrong = [{low: task.placed.registers[low] | 1}, {high: 1 << 8}]
        if name in ("act", "result"):
            wrong.append({f"{name.upper()}_STRIDE": 1})
        for changed in wrong:
            bench.start(task, **changed)
            assert bench.finish() == BusError.ADDRESS
            assert bench.stream() == STREAMS.index(name)
    bench.run(bench.task())


def test_a_job_that_the_accelerator_refuses_has_its_error():
    """Each its own, one after the other; the coefficients of a job before are gone."""
    bench = Bench(DESIGN, "refused")
    task = bench.task()
    bench.device.write("TIMEOUT", 77_777)
    for changed, error in (({"K_BLOCKS": 0}, Error.K_BLOCKS), ({"TOKENS": 0}, Error.TOKENS),
                           ({"COLUMN_TILES": 0}, Error.COLUMN_TILES), ({"OUTPUT": 9}, Error.OUTPUT),
                           ({"CORRECTIONS": 0, "OUTPUT": 0}, Error.COEF)):
        bench.start(task, **changed)
        assert bench.finish() == error
        assert bench.device.read("TIMEOUT") == 77_777
    bench.run(bench.task())


def test_a_job_may_keep_the_coefficients_of_the_one_before():
    bench = Bench(DESIGN, "kept")
    bench.run(bench.task(features=21))
    bench.run(bench.task(kept=True, features=21))


def test_a_memory_that_is_slow_to_answer_is_a_timeout():
    """Its answers are waited for all the same."""
    bench = Bench(DESIGN, "timeout", latency=2000)
    bench.device.write("TIMEOUT", 900)
    bench.start(bench.task())
    assert bench.finish() == Error.TIMEOUT
    bench.device.write("TIMEOUT", 9000)
    bench.run(bench.task())


def test_registers_are_kept_while_a_job_runs():
    bench = Bench(DESIGN, "locks", latency=60)
    task = bench.task(features=32)
    bench.start(task)
    for name, value in (("TOKENS", 7), ("ACT_LOW", 8), ("BUS_CONTROL", control("START"))):
        with pytest.raises(OSError, match=f"^writing register {name} failed: response 2$"):
            bench.device.write(name, value)
    bench.device.write("BUS_CONTROL", control("OKAY", "INTERRUPT"))
    bench.device.write("RESULT_LOW", 8)
    assert bench.device.read("RESULT_LOW") == task.placed.registers["RESULT_LOW"]
    assert not bench.finish()
    assert bench.exact(task)
    with pytest.raises(OSError, match=r"^writing register CONTROL failed: response 2$"):
        bench.device.write("CONTROL", 1)
    with pytest.raises(OSError, match="response 2"):
        bench.device.read(0xFFC)


def test_registers_describe_the_bus():
    device = BusAccelerator(DESIGN)
    assert device.read("BUS_SHAPE") == 8 | 40 << 8
    assert device.read("BUS_BURSTS") == 4 | 3 << 16
    assert device.read("ID") == int.from_bytes(b"NMFG", "big")


@pytest.mark.long
@pytest.mark.parametrize("name", BUS_DESIGNS)
def test_random_jobs_are_exact_or_end_with_the_right_error(name):
    """A memory that stalls, mixes words of different IDs, and fails at random."""
    bench = Bench(BUS_DESIGNS[name], f"random {name}", latency=11, stall=0.2, mixes=True)
    bench.device.fail(0.003)
    errors = Counter(bench.run_or_fail(bench.task()) for _ in range(1000))
    assert errors[BusError.READ] > 10
    assert errors[0] > 500


@pytest.mark.parametrize(("changed", "message"), [
    ({"stall": 1.0}, "stall must be from 0 to below 1, not 1.0"),
    ({"seed": 0}, "seed must be an integer other than 0, not 0"),
])
def test_rejects(changed, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        BusAccelerator(DESIGN, **changed)
