"""Jobs in a queue of descriptors: their order, their ends, and faults in any of them."""

from collections import Counter

import pytest

from hw.registers import DESCRIPTOR_BYTES, BusError
from sim.tests.memories import ACTIVE, BASE, BUS_DESIGNS, ENDED, Bench, control
from sw.driver.memory import descriptor


pytestmark = pytest.mark.usefixtures("wheel")

DESIGN = BUS_DESIGNS["corrected"]
QUEUE = 1 << 17
"""Where queues are in memory, behind the jobs."""


def queue(bench, tasks, first, *, tell=()):
    """Write descriptors of jobs to a ring of four; ``first`` is the number of the first one."""
    for number, task in enumerate(tasks, first):
        image = descriptor(task.placed.registers, interrupt=number in tell)
        bench.device.memory[QUEUE + number % 4 * DESCRIPTOR_BYTES:][:DESCRIPTOR_BYTES] = image


def open_queue(bench):
    bench.device.allow(BASE, QUEUE)
    for name, value in (("QUEUE_LOW", BASE + QUEUE & 0xFFFFFFFF), ("QUEUE_HIGH", BASE >> 32),
                        ("QUEUE_SIZE", 2), ("BUS_CONTROL", control("QUEUE", "INTERRUPT"))):
        bench.device.write(name, value)


def wait(bench):
    """Wait for an interrupt and acknowledge it; return head and error."""
    bench.device.run(400_000)
    status = bench.device.read("BUS_STATUS")
    assert status & ENDED
    bench.device.write("BUS_CONTROL", control("QUEUE", "INTERRUPT", "ACKNOWLEDGE"))
    head, error = bench.device.read("QUEUE_HEAD"), status >> 2 & 0xFF
    if error:
        assert not status & ACTIVE
        bench.device.write("BUS_CONTROL", control("QUEUE", "INTERRUPT", "RESUME"))
    return head, error


def test_a_queue_of_jobs():
    """Round the ring; an interrupt after the jobs that ask for it, and after the last."""
    bench = Bench(DESIGN, "queue", latency=5, stall=0.1, mixes=True)
    tasks = [bench.task(start=k * 10_000) for k in range(10)]
    open_queue(bench)
    queue(bench, tasks[:4], 0, tell={1})
    bench.device.write("QUEUE_TAIL", 4)
    head, error = wait(bench)
    assert (head >= 2, error) == (True, 0)
    assert all(map(bench.exact, tasks[:2]))
    while head < 4:
        head, error = wait(bench)
        assert not error
    queue(bench, tasks[4:7], 4)
    bench.device.write("QUEUE_TAIL", 7)
    assert wait(bench) == (7, 0)
    queue(bench, tasks[7:], 7)
    bench.device.write("QUEUE_TAIL", 10)
    assert wait(bench) == (10, 0)
    assert all(map(bench.exact, tasks))
    assert not bench.device.violations
    assert not bench.device.read("BUS_STATUS") & ACTIVE


def test_a_fault_stops_the_queue_until_it_is_resumed():
    """A descriptor that is none, an error of the memory, an address; the jobs behind are exact."""
    bench = Bench(DESIGN, "queue faults", latency=5)
    tasks = [bench.task(start=k * 20_000) for k in range(4)]
    open_queue(bench)
    queue(bench, tasks, 0)
    bench.device.memory[QUEUE + 1] ^= 1  # of the tag
    bench.device.memory[QUEUE + 2 * DESCRIPTOR_BYTES + 4 * 9] |= 1  # address of the tokens
    bench.device.write("QUEUE_TAIL", 4)
    assert wait(bench) == (1, BusError.DESCRIPTOR)
    assert wait(bench) == (3, BusError.ADDRESS)
    assert wait(bench) == (4, 0)
    assert bench.exact(tasks[1])
    assert bench.exact(tasks[3])
    assert not bench.exact(tasks[0])
    bench.device.fail(1.0, ["descriptor"])
    bench.device.write("QUEUE_TAIL", 5)
    assert wait(bench) == (5, BusError.READ)
    bench.device.fail(0.0)
    bench.device.write("QUEUE_LOW", 4)
    bench.device.write("QUEUE_TAIL", 6)
    assert wait(bench) == (6, BusError.ADDRESS)
    assert not bench.device.pending
    assert not bench.device.violations


def test_an_error_in_any_burst_of_a_descriptor_ends_its_job():
    """The words that came before it are forgotten; the same descriptor is taken after it."""
    bench = Bench(DESIGN, "descriptor errors", latency=9, stall=0.2)
    task, errors = bench.task(), Counter()
    open_queue(bench)
    for number in range(40):
        queue(bench, [task], number)
        bench.device.fail(0.1 * (number % 2), ["descriptor"])
        bench.device.write("QUEUE_TAIL", number + 1)
        head, error = wait(bench)
        assert head == number + 1
        assert error in ((0, BusError.READ) if number % 2 else (0,))
        assert error or bench.exact(task)
        bench.device.memory[task.placed.address - BASE:][:task.placed.job.result_size] = 0
        errors[error] += 1
    assert errors[BusError.READ] > 5
    assert not bench.device.violations
    assert not bench.device.pending


def test_an_abort_ends_one_job_of_a_queue():
    """Whatever it was doing, the fetch of its descriptor included."""
    bench = Bench(DESIGN, "queue abort", latency=20, mixes=True)
    open_queue(bench)
    errors, number = Counter(), 0
    for cycles in (1, 5, 20, 28, 40, 90, 130, 170, *bench.rng.integers(200, 600, 4)):
        tasks = [bench.task(start=k * 20_000) for k in range(2)]
        bench.device.allow(BASE, QUEUE)
        queue(bench, tasks, number)
        bench.device.write("QUEUE_TAIL", number + 2)
        bench.device.run(int(cycles))
        bench.device.write("BUS_CONTROL", control("QUEUE", "INTERRUPT", "ABORT"))
        head, error = wait(bench)
        errors[error] += 1
        aborted = head - number - 1 if error else None
        while head != number + 2:
            head, error = wait(bench)
            assert not error
        assert [bench.exact(task) for task in tasks] == [k != aborted for k in range(2)]
        number += 2
        assert not bench.device.violations
    assert errors[BusError.ABORT] > 8
