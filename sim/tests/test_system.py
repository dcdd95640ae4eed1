"""A layer out of a memory with latency and limited bandwidth."""

from dataclasses import replace

import pytest
import torch

from hw.config import Design, Pattern
from sim.command import SENTENCE
from sim.runs.program import run_program
from sim.runs.system import Memory, run_layer
from sim.tests.memories import BUS_DESIGNS
from sim.vectors.stimulus import generator
from sw.driver.beats import column_tiles
from sw.driver.memory import needed_weights
from sw.evaluation.activations import LAYERS, feed_forward
from sw.exact.quantize import quantize
from sw.exact.selection import block_mask


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
    assert outcome.steps > 0.95 * outcome.cycles


def test_the_driver_and_registers_come_to_the_same():
    """The driver also has its descriptor fetched."""
    x, weight = operands(generator("program"), (5, 30), (6, 30))
    ours, theirs = (run(BUS_DESIGNS["corrected"], Memory(9), x, weight)
                    for run in (run_program, run_layer))
    assert ours.exact
    assert ours.moved == theirs.moved | {"descriptor": ours.moved["descriptor"]}
    assert ours.cycles > theirs.cycles + 100


def test_few_tokens_read_the_weights_that_their_masks_need():
    """By the driver: where a beat has several features, those of which some token keeps one."""
    design = BUS_DESIGNS["corrected"]
    x, weight = operands(generator("few"), (design.decode_tokens, 30), (6, 30))
    for tokens in (1, len(x)):
        outcome = run_program(design, Memory(9), x[:tokens], weight)
        mask = block_mask(x[:tokens], design.pattern.n, design.pattern.m).flatten(1)
        needed = needed_weights(mask, column_tiles(design, len(weight)), design)
        assert outcome.exact
        assert outcome.moved["weight"] == needed.sum() < needed.size


@pytest.mark.long
@pytest.mark.parametrize("pattern", ["2:4", "4:8", "8:16", "16:32"])
def test_layers_of_a_model_by_the_driver(pattern):
    """MiniLM: both projections of its first and of its last feed-forward layer, a whole prompt."""
    design = replace(Design(Pattern.parse(pattern)), bus="axi4")
    for layer in (0, LAYERS - 1):
        ffn = feed_forward([SENTENCE], layer)
        for x, weight in ((ffn.x_up, ffn.w_up), (ffn.x_down, ffn.w_down)):
            outcome = run_program(design, Memory(40, 16), *(
                quantize(part).values for part in (x, weight)))
            assert outcome.exact
            reads = sum(outcome.moved.values()) - outcome.moved["result"]
            # A weight that is read serves three groups of tokens alone: the bus may be the limit.
            assert max(outcome.steps, reads / 16) > 0.8 * outcome.array_cycles
