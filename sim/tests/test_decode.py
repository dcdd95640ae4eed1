"""Jobs of few tokens that read only the weights of features which some token keeps."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from hw.config import Design, Pattern
from hw.registers import BusError
from sim.command import SENTENCE
from sim.runs.program import run_program
from sim.runs.system import Memory, operands, run_layer
from sim.tests.jobs import DESIGNS
from sim.tests.memories import BASE, Bench, control, put_on_bus
from sim.tests.programs import QUEUE, made
from sim.vectors.layers import random_layer
from sim.vectors.stimulus import generator
from sim.verilated.c_driver import Driver
from sw.driver.linear import field_word
from sw.driver.memory import needed_weights
from sw.exact.selection import nm_mask


pytestmark = [pytest.mark.usefixtures("wheel"), pytest.mark.long]


def decoding(design, *bus, **more):
    return replace(put_on_bus(design, *bus), decode=True, **more)


DECODING = {
    "corrected": decoding(DESIGNS["corrected"], 64, 4, 3, columns=8),
    "scalar": decoding(DESIGNS["scalar"], 64, 16, 8, columns=4),
    "mean": decoding(DESIGNS["mean"], 128, 1, 8, columns=32),
    "odd": decoding(Design(Pattern(3, 7), rows=3, columns=3, tile=2, max_k=35, batch_tokens=2,
                           accumulator_width=33, shift="scalar"), 64, 256, 1),
}
"""Parts of a block that are a feature, several features, or a feature of several words."""


class DecodeBench(Bench):
    """Counts what every job moves, by the memory and by the hardware."""

    def decode(self, start=0):
        """A random job that decodes, put into memory."""
        tokens = int(self.rng.integers(1, self.design.decode_tokens + 1))
        while (layer := random_layer(self.design, self.rng, tokens=tokens,
                                     features=int(self.rng.integers(1, self.design.max_k + 1))
                                     )).corrections.token_shift:
            pass
        return self.put(layer, start, DECODE_MODE=1)

    def moved(self):
        """Beats that the hardware has counted, by kind, and that the memory has, by stream."""
        counted = {kind: self.device.read(f"{kind.upper()}_BEATS") for kind in
                   ("act", "weight", "parameter", "descriptor", "result")}
        return counted, Counter({name: size // self.design.bus_bytes
                                 for name, size in self.device.bytes_moved.items()})

    def needs(self, task):
        """Beats of weights that the job last put into memory needs."""
        kept = self.reference.kept.flatten(1)
        needed = needed_weights(kept, task.placed.job.tiles, self.design)
        assert needed.shape == task.placed.job.buffers["weight"].shape
        return needed.sum() // self.design.bus_bytes


def check(bench, task, before):
    """Both counts agree, and are what the masks say."""
    counted, moved = bench.moved()
    moved -= before
    parameters = sum(moved[name] for name in ("coef", "token", "channel"))
    assert counted == {"act": moved["act"], "weight": moved["weight"], "parameter": parameters,
                       "descriptor": moved["descriptor"], "result": moved["result"]}
    return moved["weight"]


@pytest.mark.parametrize("name", DECODING)
def test_jobs_are_exact_and_read_what_the_masks_say(name):
    """Among jobs of any number of tokens that read all weights."""
    bench = DecodeBench(DECODING[name], f"decode {name}", latency=9, stall=0.2, mixes=True)
    saved = 0
    for _ in range(15):
        task, before = bench.decode(), bench.moved()[1]
        needs = bench.needs(task)
        bench.run(task)
        assert check(bench, task, before) == needs
        saved += needs < task.placed.job.buffers["weight"].size // bench.design.bus_bytes
        task, before = bench.task(), bench.moved()[1]
        bench.run(task)
        assert check(bench, task, before) > 0
    assert saved > 5


@pytest.mark.parametrize("name", DECODING)
def test_the_bus_is_clean_after_errors_and_aborts_and_the_next_job_is_exact(name):
    """In any cycle: before the masks are complete, and while weights are read by them."""
    bench = DecodeBench(DECODING[name], f"decode faults {name}", latency=11, stall=0.2, mixes=True)
    errors = Counter()
    for chance in (0.003, 0.1):
        bench.device.fail(chance)
        errors += Counter(bench.run_or_fail(bench.decode()) for _ in range(20))
    assert errors[BusError.READ] > 3
    assert errors[0] > 3
    bench.device.fail(0.0)
    for cycles in bench.rng.integers(1, 500, 15):
        task = bench.decode()
        bench.start(task)
        bench.device.run(int(cycles))
        bench.device.write("BUS_CONTROL", control("ABORT", "INTERRUPT"))
        error = bench.finish()
        errors[error] += 1
        assert error in (0, BusError.ABORT)
        bench.run(bench.decode())
    assert errors[BusError.ABORT] > 3


def test_jobs_whose_masks_do_not_fit_are_refused():
    """Too many tokens, too many features, or a correction that needs all weights."""
    bench = DecodeBench(DECODING["mean"], "decode refused")
    task = bench.decode()
    for changed in ({"TOKENS": bench.design.decode_tokens + 1},
                    {"K_BLOCKS": bench.design.max_blocks + 1},
                    {"CORRECTIONS": field_word("CORRECTIONS", token_shift=1, coef=1)}):
        before = bench.device.bytes_moved
        bench.start(task, **changed)
        assert bench.finish() == BusError.DECODE
        assert bench.device.bytes_moved == before
        bench.run(bench.decode())


def test_the_driver_in_c_queues_jobs_that_decode(tmp_path):
    """And refuses them for a design that cannot."""
    bench = DecodeBench(DECODING["corrected"], "decode in C", latency=6)
    driver = Driver(bench.device, BASE, tmp_path, described=bench.design)
    assert (driver.probe(), driver.configure(QUEUE, 2)) == (0, 0)
    tasks = [bench.decode(10_000 * k) for k in range(4)]
    needs = bench.needs(tasks[-1])
    for task in tasks:
        job = made(driver, task)
        job.decode = 1
        assert driver.call("submit", job) == 0
    bench.device.allow(BASE, QUEUE - BASE)
    assert driver.wait() == (0, 4)
    assert all(map(bench.exact, tasks))
    counted, _ = bench.moved()
    assert counted["weight"] == needs
    assert counted["descriptor"] > 0
    (tmp_path / "other").mkdir()
    other = Driver(bench.device, BASE, tmp_path / "other",
                   described=replace(bench.design, decode=False))
    assert (other.probe(), other.configure(QUEUE, 2)) == (0, 0)
    assert other.call("submit", job) == BusError.DECODE


WIDE = Design(Pattern(8, 16), rows=2, columns=16, tile=16, max_k=1536, epilogue_lanes=0,
              flexible="all", bus="axi4", outstanding=32, decode=True)
WIDEST = replace(WIDE, pattern=Pattern(16, 32), flexible="none", rows=1)


@pytest.mark.parametrize(("design", "pattern", "outputs"), [
    (WIDE, "2:4", 384), (WIDE, "4:8", 384), (WIDE, "8:16", 384), (WIDEST, "16:32", 384),
    (WIDE, "8:16", 1536)], ids=lambda one: "" if isinstance(one, Design) else str(one))
def test_half_of_the_activations_need_half_of_the_weights(design, pattern, outputs):
    """Sixteen columns are a beat of the bus: bytes and, out of a narrow memory, cycles."""
    rng, pattern = generator("decode wide", pattern), Pattern.parse(pattern)
    x = torch.from_numpy(rng.integers(-128, 128, (design.rows, 384), dtype="int8"))
    weight = torch.from_numpy(rng.integers(-128, 128, (outputs, 384), dtype="int8"))
    memory = Memory(40, 4.0)
    dense = run_layer(design, memory, x[:1], weight, pattern, decode=False)
    assert dense.moved["weight"] == outputs * 384
    for tokens in range(1, design.rows + 1):
        ours = run_layer(design, memory, x[:tokens], weight, pattern)
        needed = nm_mask(x[:tokens], pattern.n, pattern.m).any(0).sum() * outputs
        print(design.pattern, pattern, outputs, tokens, ours, dense)
        assert ours.exact
        assert ours.moved["weight"] == needed
        if tokens == 1:
            assert ours.moved["weight"] <= 0.51 * dense.moved["weight"]
            assert dense.cycles >= 1.9 * ours.cycles


@pytest.mark.parametrize(("design", "pattern"), [
    (WIDE, "2:4"), (WIDE, "4:8"), (WIDE, "8:16"), (WIDEST, "16:32")],
    ids=lambda one: "" if isinstance(one, Design) else one)
def test_layers_of_a_model_read_half_of_their_weights(design, pattern):
    """MiniLM: both projections of a feed-forward layer, by the driver, out of a narrow memory."""
    pattern, memory = Pattern.parse(pattern), Memory(40, 8.0)
    for x, weight in operands([SENTENCE], 0).values():
        whole = run_program(design, memory, x[:1], weight, pattern, decode=False)
        assert whole.exact
        assert whole.moved["weight"] == weight.numel()
        for tokens in range(1, design.rows + 1):
            ours = run_program(design, memory, x[:tokens], weight, pattern)
            print(pattern, tuple(weight.shape), tokens, ours, whole)
            assert ours.exact
            needed = nm_mask(x[:tokens], pattern.n, pattern.m).any(0).sum() * len(weight)
            assert ours.moved["weight"] == needed
            if tokens == 1:
                assert ours.moved["weight"] <= 0.51 * whole.moved["weight"]
                assert whole.cycles >= 1.9 * ours.cycles
