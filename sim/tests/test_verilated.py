"""Whole jobs through the Verilator backend, against the reference."""

import numpy as np
import pytest
import torch

from hw.config import Design, Pattern
from sim.vectors.stimulus import PATTERNS, generator, linear
from sim.verilated import Accelerator
from sw.driver.beats import activation_beats, weight_beats
from sw.driver.linear import run_linear


pytestmark = pytest.mark.usefixtures("wheel")

SMALL = Design(Pattern(2, 4), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8)


def run(accelerator, x, w):
    """Run one layer, x [T, K] and w [O, K], as the driver does; return Y [T, O] and cycles."""
    y, counters = run_linear(accelerator, torch.from_numpy(x), torch.from_numpy(w))
    return y.numpy(), counters["CYCLES"]


def layer(design, rng, tokens, blocks, tiles):
    features = blocks * design.pattern.m
    return (rng.integers(-128, 128, (tokens, features), np.int8),
            rng.integers(-128, 128, (tiles * design.columns, features), np.int8))


@pytest.mark.parametrize("stall", [0.0, 0.3])
@pytest.mark.parametrize("pattern", [PATTERNS[0], PATTERNS[7]], ids=str)
def test_jobs_are_exact(pattern, stall):
    design = Design(pattern, rows=3, columns=2, tile=2, max_k=64, batch_tokens=8,
                    accumulator_width=29)
    accelerator = Accelerator(design, stall=stall)
    rng = generator("verilated", pattern)
    full = design.max_blocks
    for tokens, blocks, tiles in ((1, 1, 1), (20, full, 3), (4, 2, 2), (5, 2 * full + 1, 2)):
        x, w = layer(design, rng, tokens, blocks, tiles)
        y, _ = run(accelerator, x, w)
        assert np.array_equal(y, linear(x, w, pattern))


def test_array_is_busy_from_its_first_step_to_its_last():
    """Two batches, K = 512: loading is hidden but for that of the first groups."""
    design = Design(Pattern(2, 4), max_k=512)
    rng = generator("busy")
    x, w = rng.integers(-128, 128, (64, 512), np.int8), rng.integers(-128, 128, (256, 512), np.int8)
    y, counters = run_linear(Accelerator(design), torch.from_numpy(x), torch.from_numpy(w))
    assert np.array_equal(y.numpy(), linear(x, w, design.pattern))
    assert counters["STEPS"] == 64 // 4 * 256 // 4 * 128
    assert counters["STEPS"] / counters["ARRAY_CYCLES"] >= 0.96


def test_stalls_cost_cycles_and_nothing_else():
    x, w = layer(SMALL, generator("stalls"), 8, 16, 4)
    (fast, few), (slow, many) = (run(Accelerator(SMALL, stall=stall), x, w)
                                 for stall in (0.0, 0.5))
    assert np.array_equal(fast, slow)
    assert few < many


def test_a_job_that_does_not_end_is_given_up():
    x = torch.zeros(4, 16, dtype=torch.int8)
    inputs = {"act": activation_beats(x, 2, SMALL), "weight": weight_beats(x[:2], 4, SMALL)}
    with pytest.raises(TimeoutError, match=r"^no more results after 20 cycles: \d+ of 16 act, "):
        Accelerator(SMALL).run(inputs, 4, limit=20)  # without a start


def test_models_close_in_any_order():
    """Verilator keeps the context of a thread; a model must not close in another one's."""
    other = Design(Pattern(8, 8), rows=3, columns=2, tile=2, max_k=64, batch_tokens=8,
                   accumulator_width=29)
    models = [Accelerator(design) for design in (SMALL, other, SMALL, other)]
    for k in (0, 1, 1, 0):
        del models[k]
    assert Accelerator(SMALL).read("ID") == int.from_bytes(b"NMFG", "big")


def test_unknown_register_offset_is_a_bus_error():
    with pytest.raises(OSError, match=r"^reading register 4092 failed: response 2$"):
        Accelerator(SMALL).read(4092)


@pytest.mark.parametrize(("stall", "seed", "message"), [
    (1.0, 1, "stall must be from 0 to below 1, not 1.0"),
    (0.5, 0, "seed must be an integer other than 0, not 0"),
])
def test_rejects(stall, seed, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        Accelerator(SMALL, stall=stall, seed=seed)
