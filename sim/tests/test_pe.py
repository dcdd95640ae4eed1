"""The processing element against the reference."""

from itertools import pairwise

import numpy as np
import pytest

from hw.config import Design, Pattern
from hw.gather.network import make_network
from sim.vectors.stimulus import PATTERNS, bit_rows, blocks, generator, kept, mask


def recoded(values, count):
    """Digits of values [B, N] as bits one, two, negative [B, N * count * 3], and their correction.

    The lower digits are -1 to 2, the highest is -2 to 2. Only the highest sets another bit beside
    ``negative``, to tell -1 from -2.
    """
    rest, digits = values.astype(int), []
    for _ in range(count - 1):
        digits.append((rest + 1) % 4 - 1)
        rest = (rest - digits[-1]) // 4
    digits = np.stack([*digits, rest], axis=-1)
    top = np.arange(count) == count - 1
    size = np.where(top, abs(digits), digits)
    bits = np.stack([size == 1, size == 2, digits < 0], axis=-1)
    correction = ((digits < 0) * 4 ** np.arange(count)).sum(axis=(1, 2))
    return bits.reshape(len(values), -1), correction


def selects(masks, network):
    """Select bits of a gather network, [B, M] to [B, selects], from where each value passes."""
    crosspoints = list(network.crosspoints())
    nodes = [(stage, node) for stage, node, _ in crosspoints]
    active_low = np.array([network.active_low and nodes.count(node) == 2 for node in nodes])
    taken = np.zeros((len(masks), len(crosspoints)), bool)
    for row, block in enumerate(masks):
        for lane, position in enumerate(np.flatnonzero(block)):
            path = network.path(lane, int(position) - lane)
            for stage, (source, node) in enumerate(pairwise(path)):
                if (stage, node, source) in crosspoints:
                    taken[row, crosspoints.index((stage, node, source))] = True
    return taken ^ active_low


@pytest.mark.parametrize("pattern", PATTERNS, ids=str)
def test_pe(bench, pattern):
    check(bench, Design(pattern))


@pytest.mark.parametrize("gather", ["window", "butterfly"])
def test_pe_with_another_gather(bench, gather):
    check(bench, Design(Pattern(8, 16), gather=gather))


@pytest.mark.parametrize("pattern", ["2:4", "8:16", "4:4"])
def test_pe_that_registers_gathered_weights(bench, pattern):
    check(bench, Design(Pattern.parse(pattern), pipeline="gathered"))


@pytest.mark.parametrize(("activations", "weights"), [("int8", "int4"), ("int4", "int4")])
def test_pe_of_fewer_bits(bench, activations, weights):
    check(bench, Design(Pattern(4, 8), format=activations, weight_format=weights))


def check(bench, design):
    """A PE on random and adversarial blocks, its inputs recoded and decoded here."""
    pattern, bits, weight_bits = design.pattern, design.number.bits, design.weight.bits
    rng = generator("pe", pattern)
    dense = blocks(pattern.m, 400, rng) >> (8 - bits)
    weights = rng.permutation(blocks(pattern.m, 400, rng)) >> (8 - weight_bits)
    masks = mask(dense, pattern)
    start = rng.random(len(dense)) < 0.1
    start[0] = True
    sums = (np.where(masks, dense, 0).astype(np.int64) * weights).sum(axis=1)
    ends = np.cumsum(sums)
    begins = np.maximum.accumulate(np.where(start, np.arange(len(sums)), 0))
    digits, correction = recoded(kept(dense, pattern), bits // 2)
    vectors = {"digits": digits, "correction": correction[:, None], "keep": ~start[:, None],
               "weights": bit_rows(weights, weight_bits),
               "accumulators": ends - (ends - sums)[begins],
               "ahead": int(design.pipeline == "gathered" and not pattern.dense)}
    if not pattern.dense:
        vectors["selects"] = selects(masks, make_network(design.gather, pattern))
    bench("pe", "pe", design, vectors)
