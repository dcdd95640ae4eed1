"""Accelerators in floats behind one AXI4 master: jobs, layouts, and memory after each of them."""

from collections import Counter

import numpy as np
import pytest

from hw.layouts import STREAMS, element_bytes
from hw.registers import DESCRIPTOR_BYTES, BusError, Error
from sim.tests.float_memories import FLOAT_BUS_DESIGNS, FloatBench
from sim.tests.memories import BASE, control
from sw.driver.memory import descriptor, needed_weights
from sw.exact.formats import magnitudes
from sw.exact.selection import block_mask, pad_features


pytestmark = pytest.mark.usefixtures("wheel")

LONG = pytest.mark.long
DESIGN = FLOAT_BUS_DESIGNS["nvfp4"]
QUEUE = BASE + (1 << 17)


@pytest.mark.parametrize("name", [
    name if k == 0 else pytest.param(name, marks=LONG) for k, name in enumerate(FLOAT_BUS_DESIGNS)])
@pytest.mark.parametrize(("latency", "stall", "mixes"), [(1, 0.0, False), (30, 0.4, True)])
def test_jobs_are_exact(name, latency, stall, mixes):
    """By registers; nothing is written but the results."""
    bench = FloatBench(FLOAT_BUS_DESIGNS[name], f"exact {name}", latency=latency, stall=stall,
                       mixes=mixes)
    values = set()
    for _ in range(12):
        task = bench.task()
        before = bench.image(task)
        bench.run(task)
        assert np.array_equal(bench.image(task), before)
        values |= set(task.y.flatten().tolist())
    assert len(values) > 60


def test_jobs_of_the_queue_are_exact():
    """Descriptors bring ACTIVATE and TENSOR_SCALE, too."""
    bench = FloatBench(DESIGN, "queue", latency=6, stall=0.1, mixes=True)
    tasks = [bench.task(start=10_000 * k) for k in range(4)]
    assert len({task.placed.registers["ACTIVATE"] for task in tasks}) == 2
    bench.device.allow(BASE, 1 << 17)
    for k, task in enumerate(tasks):
        image = descriptor(task.placed.registers, design=DESIGN)
        bench.device.memory[QUEUE - BASE + k * DESCRIPTOR_BYTES:][:len(image)] = image
    for name, value in (("QUEUE_LOW", QUEUE & 0xFFFFFFFF), ("QUEUE_HIGH", QUEUE >> 32),
                        ("QUEUE_SIZE", 2), ("QUEUE_TAIL", len(tasks)),
                        ("BUS_CONTROL", control("QUEUE", "INTERRUPT"))):
        bench.device.write(name, value)
    assert not bench.finish()
    assert bench.device.read("QUEUE_HEAD") == len(tasks)
    assert all(map(bench.exact, tasks))


def test_faults_end_a_job_and_the_next_one_is_exact():
    bench = FloatBench(DESIGN, "faults", latency=7, stall=0.2, mixes=True)
    bench.device.fail(0.02)
    errors = Counter(bench.run_or_fail(bench.task()) for _ in range(20))
    assert errors[BusError.READ] > 1
    assert errors[0] > 1
    for stream in ("act", "weight", "channel", "result"):
        while (task := bench.task()) and stream not in task.placed.job.sizes:
            pass
        bench.device.fail(1.0, [stream])
        bench.start(task)
        assert bench.finish() == (BusError.WRITE if stream == "result" else BusError.READ)
        assert bench.stream() == STREAMS.index(stream)
        bench.device.fail(0.0)
        low = f"{stream.upper()}_LOW"
        bench.start(task, **{low: task.placed.registers[low] | 1})
        assert bench.finish() == BusError.ADDRESS
    for changed, error in (({"TENSOR_SCALE": 0}, Error.TENSOR), ({"OUTPUT": 2}, Error.OUTPUT),
                           ({"CORRECTIONS": 8}, Error.COEF)):
        bench.start(bench.task(), **changed)
        assert bench.finish() == error
    bench.run(bench.task())


def test_registers_of_a_job_are_kept_while_it_runs():
    bench = FloatBench(DESIGN, "locks", latency=60)
    task = bench.task(features=32)
    bench.start(task)
    for name in ("ACTIVATE", "TENSOR_SCALE"):
        with pytest.raises(OSError, match=f"^writing register {name} failed: response 2$"):
            bench.device.write(name, 0)
    assert not bench.finish()
    assert bench.exact(task)


def test_elements_are_words_where_powers_of_two_would_be_more():
    sizes = {name: element_bytes(design) for name, design in FLOAT_BUS_DESIGNS.items()}
    # 8 features of 4 columns, 4 bits each, and 4 scales; 16 bits of each of 8 features.
    assert sizes["nvfp4"] == {"act": 16, "weight": 24, "channel": 8, "descriptor": 4, "result": 8}
    assert sizes["fp6"] == {"act": 8, "weight": 24, "channel": 8, "descriptor": 4, "result": 8}
    assert sizes["mxfp4"] == {"act": 64, "weight": 32, "descriptor": 4, "result": 2}
    assert sizes["fp8"] == {"act": 8, "weight": 32, "descriptor": 4, "result": 32}


@LONG
def test_few_tokens_read_the_weights_that_their_masks_need():
    """Weights that are read are those of kept features, by a pattern or a threshold of the job."""
    design = FLOAT_BUS_DESIGNS["fp8"]
    bench, seen = FloatBench(design, "decode", latency=9, stall=0.2, mixes=True), set()
    for _ in range(12):
        task = bench.task(tokens=int(bench.rng.integers(1, design.decode_tokens + 1)),
                          features=int(bench.rng.integers(1, design.max_k + 1)), decode=True)
        before = bench.device.bytes_moved["weight"]
        bench.run(task)
        x, pattern, threshold = task.layer.x, task.layer.pattern, task.layer.threshold
        seen.add(bool(threshold))
        if threshold:
            kept = magnitudes(pad_features(x, pattern.m), design.format) >= threshold
        else:
            kept = block_mask(x, pattern.n, pattern.m).flatten(1)
        needed = needed_weights(kept, task.placed.job.tiles, design)
        assert bench.device.bytes_moved["weight"] - before == needed.sum()
    assert len(seen) == 2
