"""Stream of compressed blocks to stream of dense blocks."""

import itertools
from functools import reduce
from operator import or_

from amaranth.hdl import Const, Module, Mux
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from hw.compressor.metadata import BitmaskDecoder, IndexDecoder, UnrankLane
from hw.config import Design, Pattern
from hw.gather.gather import SelectDecoder
from hw.stream.members import only_if
from hw.stream.payloads import DenseBlock, EncodedBlock
from hw.stream.register import StreamRegister, chain


__all__ = ["Decompressed", "Decompressor"]


class Decompressed(data.StructLayout):
    """A dense block, zero where no value was kept.

    Fields
    ------
    block : DenseBlock
    illegal : unsigned(1)
        The metadata is of no block; every value of the block is zero.
    """

    def __init__(self, pattern: Pattern, width: int):
        super().__init__({"block": DenseBlock(pattern, width), "illegal": 1})


class Decompressor(wiring.Component):
    """Puts the N kept values of each block back to their places; the others are zero.

    Metadata that no block can have gives a block of zeros that is flagged ``illegal``: a bitmask
    with a popcount other than N, indices that do not ascend or are not below M, a rank of C(M, N)
    or more. Latency one cycle, and ``design.unrank_stages`` more for a rank. One block per cycle,
    back-pressure and reset as in :class:`hw.stream.register.StreamRegister`.

    Parameters
    ----------
    design : Design

    Members
    -------
    i : In(stream.Signature(EncodedBlock(design)))
    o : Out(stream.Signature(Decompressed(pattern, bits)))
    """

    interval = 1

    def __init__(self, design: Design):
        super().__init__({
            "i": In(stream.Signature(EncodedBlock(design))),
            "o": Out(stream.Signature(Decompressed(design.pattern, design.number.bits))),
        })
        self.design = design
        self.stages: dict[str, wiring.Component] = {}
        if design.encoding == "rank" and not design.pattern.dense:
            for k, lanes in enumerate(_lanes_of_stages(design)):
                self.stages[f"unrank{k}"] = UnrankStage(design, lanes)
        self.stages["scatter"] = ScatterStage(design)

    @property
    def latency(self) -> int:
        """Cycles from a compressed block to its dense block."""
        return len(self.stages)

    def elaborate(self, platform):
        m = Module()
        chain(m, self, self.stages)
        return m


def _lanes_of_stages(design: Design) -> list[range]:
    """Lanes that each stage finds, the highest ones first, spread evenly."""
    n, stages = design.pattern.n, design.unrank_stages
    bounds = [n * k // stages for k in range(stages, -1, -1)]
    return [range(high - 1, low - 1, -1)
            for high, low in itertools.pairwise(bounds)]


class _Unranked(data.StructLayout):
    """A block whose lanes from ``lane`` up are found.

    Fields
    ------
    values : ArrayLayout(signed(bits), n)
    rank : that of the lanes below, as long as there are any
    found : unsigned(m - lane)
        The bitmask from position ``lane`` up; below it no found lane can stand.
    legal : unsigned(1)
    last : unsigned(1)
    """

    def __init__(self, design: Design, lane: int):
        pattern = design.pattern
        super().__init__({
            "values": EncodedBlock(design)["values"].shape,
            **only_if(lane > 0, rank=UnrankLane.bits(pattern, lane - 1)),
            "found": pattern.m - lane,
            "legal": 1,
            "last": 1,
        })


class UnrankStage(wiring.Component):
    """Finds some lanes of a rank. Latency one cycle."""

    latency = 1

    def __init__(self, design: Design, lanes: range):
        first = lanes[0] == design.pattern.n - 1
        super().__init__({
            "i": In(stream.Signature(EncodedBlock(design) if first
                                     else _Unranked(design, lanes[0] + 1))),
            "o": Out(stream.Signature(_Unranked(design, lanes[-1]))),
        })
        self.design = design
        self.lanes = lanes
        self.first = first

    @property
    def variant(self) -> str:
        """The lanes, the highest first."""
        return f"{self.lanes[0]}to{self.lanes[-1]}"

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        block, unranked, pattern = self.i.payload, register.i.payload, self.design.pattern
        rank = block.metadata if self.first else block.rank
        found = 0 if self.first else block.found << self.lanes[0] + 1
        for lane in self.lanes:
            m.submodules[f"lane{lane}"] = unrank = UnrankLane(pattern, lane)
            m.d.comb += unrank.rank.eq(rank)
            rank = unrank.left
            found |= unrank.select << lane
        if self.lanes[-1]:
            m.d.comb += unranked.rank.eq(rank)
        m.d.comb += [
            unranked.values.eq(block.values),
            unranked.found.eq(found >> self.lanes[-1]),
            unranked.legal.eq(block.metadata < pattern.masks if self.first else block.legal),
            unranked.last.eq(block.last),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m


class ScatterStage(wiring.Component):
    """Puts kept values to their places, or zeros if the metadata is illegal. Latency one cycle."""

    latency = 1

    def __init__(self, design: Design):
        unranked = design.encoding == "rank" and not design.pattern.dense
        super().__init__({
            "i": In(stream.Signature(_Unranked(design, 0) if unranked else EncodedBlock(design))),
            "o": Out(stream.Signature(Decompressed(design.pattern, design.number.bits))),
        })
        self.design = design

    def elaborate(self, platform):
        m = Module()
        m.submodules.register = register = StreamRegister(self.o.payload.shape())
        compressed, opened = self.i.payload, register.i.payload
        selects, legal = self._decode(m, compressed)
        m.d.comb += [
            opened.illegal.eq(~legal),
            opened.block.last.eq(compressed.last),
            register.i.valid.eq(self.i.valid),
            self.i.ready.eq(register.i.ready),
        ]
        values = [Mux(legal, value, 0) for value in compressed.values]
        for k, value in enumerate(self._scatter(values, selects)):
            m.d.comb += opened.block.values[k].eq(value)
        wiring.connect(m, register.o, wiring.flipped(self.o))
        return m

    def _decode(self, m, compressed):
        """Selects of the block and whether its metadata is that of one."""
        pattern, encoding = self.design.pattern, self.design.encoding
        if encoding == "rank":
            if pattern.dense:
                return None, Const(1, 1)
            m.submodules.decoder = decoder = SelectDecoder(pattern)
            m.d.comb += decoder.mask.eq(compressed.found)
            return decoder.selects, compressed.legal
        kind = BitmaskDecoder if encoding == "bitmask" else IndexDecoder
        m.submodules.decoder = decoder = kind(pattern)
        m.d.comb += decoder.code.eq(compressed[EncodedBlock.metadata_field(self.design)])
        return decoder.selects, decoder.legal

    def _scatter(self, values, selects):
        """Values by position: the gather read the other way round."""
        pattern = self.design.pattern
        if pattern.dense:
            return values
        return [
            reduce(or_, (Mux(selects[lane][k - lane], values[lane], 0)
                         for lane in range(pattern.n) if 0 <= k - lane < pattern.span))
            for k in range(pattern.m)
        ]
