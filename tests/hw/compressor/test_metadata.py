"""Encoders and decoders of metadata against the reference, for every mask and every code."""

from itertools import combinations

import pytest
import torch
from amaranth.hdl import Module
from amaranth.sim import Simulator

from hw.compressor.metadata import (
    BitmaskDecoder,
    IndexDecoder,
    IndexEncoder,
    RankEncoder,
    UnrankLane,
    rank_parts,
)
from hw.config import Pattern
from hw.gather.gather import SelectDecoder
from sw.exact.encoding import decode_mask, encode_mask


SMALL = [Pattern(n, m) for n, m in [(2, 4), (1, 4), (3, 4), (3, 7), (4, 8), (1, 2), (1, 5)]]


def run(dut, bench):
    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()


def masks(pattern):
    return sorted(sum(1 << k for k in kept) for kept in combinations(range(pattern.m), pattern.n))


def selected(pattern, selects):
    """Mask of one-hot selects."""
    return sum(int(selects[lane]) << lane for lane in range(pattern.n))


def unpacked_sum(code, widths):
    """Sum of numbers that stand one above the other."""
    total = 0
    for width in widths:
        total += code & (1 << width) - 1
        code >>= width
    return total


@pytest.mark.parametrize("pattern", [*SMALL, Pattern(10, 12)], ids=str)
def test_encoders_give_the_reference_for_every_mask(pattern):
    m = Module()
    m.submodules.decoder = decoder = SelectDecoder(pattern)
    m.submodules.index = index = IndexEncoder(pattern)
    m.submodules.rank = rank = RankEncoder(pattern)
    m.d.comb += [index.selects.eq(decoder.selects), rank.selects.eq(decoder.selects)]
    tensor = (torch.tensor(masks(pattern))[:, None] >> torch.arange(pattern.m) & 1).bool()
    expected = zip(masks(pattern), encode_mask(tensor, pattern, "index").tolist(),
                   encode_mask(tensor, pattern, "rank").tolist(), strict=True)

    async def bench(ctx):
        for mask, indices, number in expected:
            ctx.set(decoder.mask, mask)
            assert list(ctx.get(index.code)) == indices
            assert unpacked_sum(ctx.get(rank.code), rank_parts(pattern)) == number

    run(m, bench)


@pytest.mark.parametrize(("kind", "encoding"), [(BitmaskDecoder, "bitmask"),
                                                (IndexDecoder, "index")])
@pytest.mark.parametrize("pattern", SMALL, ids=str)
def test_decoders_are_right_or_flag_for_every_code(kind, encoding, pattern):
    dut = kind(pattern)
    codes = torch.arange(1 << len(dut.code))
    metadata = codes
    if encoding == "index":
        width = len(dut.code) // pattern.n
        metadata = (codes[:, None] >> width * torch.arange(pattern.n)) & (1 << width) - 1
    decoded, illegal = decode_mask(metadata, pattern, encoding)
    numbers = (decoded.long() << torch.arange(pattern.m)).sum(-1).tolist()

    async def bench(ctx):
        for code, (mask, flag) in enumerate(zip(numbers, illegal.tolist(), strict=True)):
            ctx.set(dut.code, code)
            assert ctx.get(dut.legal) == (not flag), code
            if not flag:
                assert selected(pattern, ctx.get(dut.selects)) == mask, code

    run(dut, bench)


@pytest.mark.parametrize("pattern", SMALL, ids=str)
def test_lanes_take_a_rank_apart(pattern):
    m = Module()
    lanes = [UnrankLane(pattern, lane) for lane in range(pattern.n)]
    for lane, component in enumerate(lanes):
        m.submodules[f"lane{lane}"] = component
        if lane + 1 < pattern.n:
            m.d.comb += component.rank.eq(lanes[lane + 1].left)

    async def bench(ctx):
        for rank, mask in enumerate(masks(pattern)):
            ctx.set(lanes[-1].rank, rank)
            assert sum(ctx.get(component.select) << component.lane
                       for component in lanes) == mask
            assert ctx.get(lanes[0].left) == 0

    run(m, bench)
