"""Metadata of compressed blocks: legal codes, illegal ones, and what hardware makes of them."""

from functools import cache
from itertools import combinations
from math import comb
from typing import Any

import torch
from amaranth.hdl import Elaboratable, Module, Signal
from hypothesis import strategies as st

from hw.compressor.metadata import BitmaskDecoder, IndexDecoder, UnrankLane
from hw.config import ENCODINGS, Pattern
from sw.exact.encoding import Compressed, decode_mask, decompress, encode_mask
from verify.fuzz.simulated import Simulated
from verify.fuzz.target import REFUSED, TAKEN, Target, outcome


__all__ = ["TARGET"]


_PATTERNS = tuple(Pattern(n, m) for n, m in ((2, 4), (1, 4), (3, 7), (4, 8), (8, 8), (1, 2)))
"""Small, so that all masks can be listed, and of every kind."""


def _codes(pattern: Pattern, encoding: str) -> st.SearchStrategy[list[int]]:
    """Legal and illegal codes; one number, or for ``index`` one of each kept value."""
    if encoding == "index":
        return st.lists(st.integers(0, (1 << (pattern.m - 1).bit_length()) - 1),
                        min_size=pattern.n, max_size=pattern.n).flatmap(
            lambda code: st.sampled_from((code, sorted(code))))
    bits = pattern.m if encoding == "bitmask" else max(pattern.rank_bits, 1)
    return st.integers(0, (1 << bits) - 1).map(lambda code: [code])


_CASES = st.sampled_from(_PATTERNS).flatmap(lambda pattern: st.sampled_from(ENCODINGS).flatmap(
    lambda encoding: st.tuples(st.just(pattern), st.just(encoding), _codes(pattern, encoding))))


@cache
def _masks(pattern: Pattern) -> list[tuple[int, ...]]:
    """Positions of the kept values of every mask, in the order of the ranks."""
    return sorted(combinations(range(pattern.m), pattern.n),
                  key=lambda kept: sum(1 << position for position in kept))


def _meant(pattern: Pattern, encoding: str, code: list[int]) -> tuple[int, ...] | None:
    """Positions that a code stands for, by their list; None if it is illegal."""
    if encoding == "rank":
        masks = _masks(pattern)
        return masks[code[0]] if code[0] < len(masks) else None
    kept = tuple(code) if encoding == "index" else tuple(
        k for k in range(pattern.m) if code[0] >> k & 1)
    return kept if kept in _masks(pattern) else None


class _Ranks(Elaboratable):
    """Lanes that find the positions of a rank one after the other, as in the decompressor."""

    def __init__(self, pattern: Pattern):
        self.pattern = pattern
        self.code = Signal(UnrankLane.bits(pattern, pattern.n - 1))
        self.lanes = [UnrankLane(pattern, lane) for lane in range(pattern.n)]

    def elaborate(self, platform):
        m = Module()
        m.submodules += self.lanes
        left = self.code
        for lane in reversed(self.lanes):
            m.d.comb += lane.rank.eq(left)
            left = lane.left
        return m

    @property
    def selects(self) -> list:
        return [lane.select for lane in self.lanes]


@cache
def _decoder(pattern: Pattern, encoding: str) -> Simulated:
    kind: Any = {"bitmask": BitmaskDecoder, "index": IndexDecoder, "rank": _Ranks}[encoding]
    return Simulated(kind(pattern))


def _decoded(pattern: Pattern, encoding: str, code: int) -> tuple[tuple[int, ...], bool]:
    """Positions that the hardware finds in a code, and whether it takes it as legal."""
    found: list[Any] = []
    decoder = _decoder(pattern, encoding)

    async def bench(ctx: Any) -> None:
        ctx.set(decoder.dut.code, code)
        found.append([ctx.get(decoder.dut.selects[lane]) for lane in range(pattern.n)])
        found.append(encoding == "rank" or bool(ctx.get(decoder.dut.legal)))

    decoder.run(bench)
    selects, legal = found
    assert not legal or all(select.bit_count() == 1 for select in selects)
    return tuple(lane + select.bit_length() - 1 for lane, select in enumerate(selects)), legal


def _check(case: tuple[Pattern, str, list[int]]) -> str:
    """Reference, hardware and a list of all masks agree what a code means, or that it is none."""
    pattern, encoding, code = case
    meant = _meant(pattern, encoding, code)
    metadata = torch.tensor([code if encoding == "index" else code[0]])
    mask, illegal = decode_mask(metadata, pattern, encoding)
    assert bool(illegal) == (meant is None)
    assert mask.nonzero()[:, 1].tolist() == list(meant or ())
    values = torch.arange(1, pattern.n + 1, dtype=torch.int8)[None]
    packed = Compressed(values, metadata, pattern, encoding, pattern.m)
    assert outcome(lambda: decompress(packed)) == (REFUSED if meant is None else TAKEN)
    width = (pattern.m - 1).bit_length()
    word = sum(part << width * lane for lane, part in enumerate(code))
    if meant is not None:
        assert encode_mask(mask, pattern, encoding).tolist() == metadata.tolist()
        dense = decompress(packed).tolist()
        assert [dense[position] for position in meant] == values[0].tolist()
        assert sum(map(bool, dense)) == pattern.n
        assert comb(pattern.m, pattern.n) == len(_masks(pattern))
        assert _decoded(pattern, encoding, word) == (meant, True)
    elif encoding != "rank":
        assert not _decoded(pattern, encoding, word)[1]
    return REFUSED if meant is None else TAKEN


TARGET = Target("metadata", "codes of blocks, in the reference and in the hardware's decoders",
                _CASES, _check)
