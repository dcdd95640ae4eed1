"""The memories of a design by what they are for: words, bits, copies, how reads and writes meet."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.hdl import Shape
from amaranth.utils import bits_for

from hw.accelerator.activation_buffer import half_words
from hw.accelerator.results import queued_rows
from hw.accelerator.step_counts import half_counts
from hw.accelerator.weight_buffer import weight_address
from hw.array.sums import ResultRow
from hw.bus.axi4 import Word, WordRun
from hw.bus.placer import Placed
from hw.bus.room import room, run_bits, waiting_blocks
from hw.compressor.token_shift import token_buffer_words
from hw.config import Design
from hw.epilogue.epilogue import RowSums
from hw.epilogue.terms import TokenTerms
from hw.layouts import element_bytes, mask_bits
from hw.stream.payloads import Block
from synth.memories.compose import Wanted


__all__ = ["Buffer", "buffers"]


@dataclass(frozen=True)
class Buffer:
    """A kind of memory in a design.

    Attributes
    ----------
    name : str
        What it is for: ``activations``, ``weights``, ``step counts``, ``token terms``, ``results``,
        ``row sums``, ``tokens`` (of a dynamic shift) or ``channel parameters``; with a bus also
        ``words`` and ``runs`` of its queues, and ``masks`` of tokens.
    wanted : Wanted
        Its size, and how its reads and writes meet.
    copies : int
        How many there are.
    """

    name: str
    wanted: Wanted
    copies: int = 1

    @property
    def size(self) -> int:
        """Bits of all copies."""
        return self.copies * self.wanted.words * self.wanted.bits


def buffers(name: str, design: Design) -> list[Buffer]:
    """All memories of a design called ``name``, one of :data:`hw.config.DESIGNS`.

    They are those that its manifest lists, by what they are for: manifests tell sizes only.
    """
    found: list[Buffer] = []
    if name in ("compressor", "accelerator"):
        found += _compressor(design)
    if name == "accelerator":
        found += _accelerator(design)
        if design.bus != "stream":
            found += _bus(design)
    return found


def _compressor(design: Design) -> Iterator[Buffer]:
    if design.dynamic_shift:
        words = token_buffer_words(design)
        # The median reads a token several times: its last pass meets the token that follows.
        meets = "streams" if design.shift == "mean" else "anywhere"
        yield Buffer("tokens", Wanted(words, _width(Block(design)), meets))
    if design.channel_bits:
        bits = design.channel_bits * design.pattern.m
        yield Buffer("channel parameters", Wanted(max(2, design.max_blocks), bits, "never"))


def _accelerator(design: Design) -> Iterator[Buffer]:
    pattern = design.pattern
    scale = 8 * bool(design.quantized)  # of a block
    kept = pattern.n * design.kept_number.bits + scale + (0 if pattern.dense else pattern.m)
    # Groups are read before their batch is complete, in the half that is being written; with
    # variable steps not word after word.
    yield Buffer("activations", Wanted(
        2 * half_words(design), kept, "anywhere" if design.variable_steps else "streams"),
        design.rows)
    yield Buffer("weights", Wanted(1 << weight_address(design),
                                   pattern.m * design.weight.bits + scale, "halves"),
                 design.columns)
    if design.variable_steps:
        yield Buffer("step counts", Wanted(2 * half_counts(design), bits_for(design.most_steps)),
                     2)
    yield Buffer("results", Wanted(queued_rows(design), _width(ResultRow(design.summing)),
                                   "streams"))
    if design.corrects:
        yield Buffer("token terms", Wanted(4 * design.largest_batch, _width(TokenTerms()),
                                           "streams"))
        yield Buffer("row sums", Wanted(4, _width(RowSums(design)), "streams"))


def _bus(design: Design) -> Iterator[Buffer]:
    queues: Counter[tuple[str, int, int]] = Counter()
    for name in element_bytes(design):
        own, width = room(design, name), design.bus_width
        queues["words", own.words, _width(Word(design)) if name == "result" else width] += 1
        if name == "weight" and design.decode:
            queues["runs", waiting_blocks(design), _width(Placed(design))] += 1
        elif own.runs > 1:  # others wait in a register
            queues["runs", own.runs, _width(WordRun(design, run_bits(design, name)))] += 1
    for (name, words, bits), copies in queues.items():
        yield Buffer(name, Wanted(words, bits, "streams"), copies)
    if design.decode:
        # While a token is taken the block of a mask is read, and that of the one before written.
        yield Buffer("masks", Wanted(design.max_blocks, mask_bits(design)))


def _width(shape) -> int:
    return Shape.cast(shape).width
