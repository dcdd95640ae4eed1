"""What is true of masks without a clock: gather networks, and metadata there and back."""

from collections.abc import Mapping
from typing import ClassVar

from amaranth.hdl import C, Cat, Module, Signal, Value, unsigned

from hw.compressor.metadata import (
    BitmaskDecoder,
    IndexDecoder,
    IndexEncoder,
    RankEncoder,
    UnrankLane,
)
from hw.config import Pattern
from hw.gather.gather import Gather, SelectDecoder
from hw.gather.network import make_network
from hw.gather.selects import NetworkDecoder
from verify.formal.claim import Fact


__all__ = ["CodecFact", "GatherFact"]


class GatherFact(Fact):
    """A gather network brings every kept value to its lane, for all masks and values of a bit.

    No node tells the bits of a value apart, so that what holds for one holds for all.
    """

    rules: ClassVar = {"window": "lane i gets the value of the i-th position that the mask keeps"}

    def __init__(self, pattern: Pattern, gather: str):
        self.pattern = pattern
        self.gather = gather
        super().__init__(mask=pattern.m, values=pattern.m)

    def state(self, m: Module) -> Mapping[str, Value]:
        """Compare with positions that are counted one after the other."""
        size = self.pattern.m
        m.submodules.decoder = decoder = NetworkDecoder(make_network(self.gather, self.pattern))
        m.submodules.gather = gather = Gather(self.pattern, unsigned(1), self.gather)
        mask, before = _legal(m, self.mask, self.pattern.n)
        m.d.comb += [decoder.mask.eq(mask), gather.selects.eq(decoder.selects),
                     Value.cast(gather.values).eq(self.values)]
        wrong = []
        for lane in range(self.pattern.n):
            right = Cat(before[k][lane] & mask[k] & self.values[k] for k in range(size)).any()
            wrong.append(gather.gathered[lane] != right)
        return {"window": Cat(wrong).any()}


class CodecFact(Fact):
    """Metadata say what the mask was, and those that no mask has are known."""

    rules: ClassVar = {
        "round": "any mask of the pattern, encoded and decoded, gives its positions, and is legal",
        "known": "every code that passes for legal is that of a mask of the pattern",
    }

    def __init__(self, pattern: Pattern, encoding: str):
        self.pattern = pattern
        self.encoding = encoding
        super().__init__(mask=pattern.m, code={
            "bitmask": pattern.m, "index": pattern.index_bits, "rank": pattern.rank_bits}[encoding])

    def state(self, m: Module) -> Mapping[str, Value]:
        """Go from masks to codes and back, and from codes to masks and back."""
        m.submodules.positions = positions = SelectDecoder(self.pattern)
        m.d.comb += positions.mask.eq(_legal(m, self.mask, self.pattern.n)[0])
        decoded, legal = self._decode(m, "there", self._encode(m, "first", positions.selects))
        found, passes = self._decode(m, "given", self.code)
        again = self._encode(m, "again", found)
        selects = Value.cast(positions.selects)
        return {
            "round": ~(legal & (decoded == selects)),
            "known": passes & ~((again == self.code)
                                & (_ones(self._mask_of(found)) == self.pattern.n)),
        }

    def _mask_of(self, selects: Value) -> Value:
        """The positions that one-hots name."""
        lanes = [selects.word_select(lane, self.pattern.span) for lane in range(self.pattern.n)]
        return Cat(Cat(select[k - lane] for lane, select in enumerate(lanes)
                       if 0 <= k - lane < self.pattern.span).any() for k in range(self.pattern.m))

    def _encode(self, m: Module, name: str, selects) -> Value:
        if self.encoding == "bitmask":
            return self._mask_of(Value.cast(selects))
        kind = IndexEncoder if self.encoding == "index" else RankEncoder
        m.submodules[f"{name}_encoder"] = encoder = kind(self.pattern)
        m.d.comb += Value.cast(encoder.selects).eq(Value.cast(selects))
        return Value.cast(encoder.code)

    def _decode(self, m: Module, name: str, code: Value) -> tuple[Value, Value]:
        """Selects and legality, of a rank as the stages of the decompressor find them."""
        if self.encoding != "rank":
            kind = BitmaskDecoder if self.encoding == "bitmask" else IndexDecoder
            m.submodules[f"{name}_decoder"] = decoder = kind(self.pattern)
            m.d.comb += decoder.code.eq(code)
            return Value.cast(decoder.selects), decoder.legal
        rank, found = code, C(0, self.pattern.m)
        for lane in reversed(range(self.pattern.n)):
            m.submodules[f"{name}_lane{lane}"] = unrank = UnrankLane(self.pattern, lane)
            m.d.comb += unrank.rank.eq(rank)
            rank, found = unrank.left, found | (unrank.select << lane)[:self.pattern.m]
        m.submodules[f"{name}_selects"] = decoder = SelectDecoder(self.pattern)
        m.d.comb += decoder.mask.eq(found)
        return Value.cast(decoder.selects), code < self.pattern.masks


def _legal(m: Module, bits: Value, n: int) -> tuple[Value, list[list[Value]]]:
    """Make any bits a mask with ``n`` ones, and masks of which they are ones as they are.

    From the lowest bit on, a bit is one if all that are left must be, and zero if none may. Also
    returned: for ``k`` bits and a number up to ``n``, whether so many of them are set.
    """
    mask, counts = Signal(len(bits)), [[C(1), *[C(0)] * n]]
    for k, bit in enumerate(bits):
        before, after, left = counts[-1], Signal(n + 1, name=f"set_of{k + 1}"), len(bits) - k
        must = before[n - left] if left <= n else C(0)
        m.d.comb += [mask[k].eq((bit | must) & ~before[n]), after.eq(Cat(
            (before[c] & ~mask[k]) | (before[c - 1] & mask[k] if c else 0)
            for c in range(n + 1)))]
        counts.append(list(after))
    return mask, counts


def _ones(bits: Value) -> Value:
    """How many bits are set."""
    return sum((bits[k] for k in range(1, len(bits))), bits[0])
