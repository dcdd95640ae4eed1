"""A layer out of a memory with latency and limited bandwidth."""

from dataclasses import replace

import pytest
import torch

from hw.config import Design, Pattern
from sim.runs.system import Memory, run_layer
from sim.tests.memories import BUS_DESIGNS
from sim.vectors.stimulus import generator


pytestmark = pytest.mark.usefixtures("wheel")


def operands(rng, *shapes):
    return [torch.from_numpy(rng.integers(-128, 128, shape, dtype="int8")) for shape in shapes]


def test_a_narrow_memory_takes_longer_and_moves_as_much():
    x, weight = operands(generator("system"), (5, 30), (6, 30))
    fast, slow = (run_layer(BUS_DESIGNS["corrected"], Memory(9, bandwidth), x, weight)
                  for bandwidth in (0.0, 1.0))
    assert fast.exact
    assert slow.exact
    assert slow.moved == fast.moved
    assert slow.cycles > sum(slow.moved.values()) > fast.cycles


@pytest.mark.long
def test_array_is_busy_out_of_a_memory():
    x, weight = operands(generator("busy"), (64, 768), (128, 768))
    design = replace(Design(Pattern(8, 16)), bus="axi4", bus_width=512)
    outcome = run_layer(design, Memory(40), x, weight)
    assert outcome.exact
    assert outcome.steps > 0.96 * outcome.array_cycles
    assert outcome.steps > 0.948 * outcome.cycles
