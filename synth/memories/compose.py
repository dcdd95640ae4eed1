"""Macros and registers for a memory of wanted words and bits that reads and writes every cycle."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import inf

from hw.config import choice
from synth.memories.model import Model


__all__ = ["MEETS", "WAYS", "Cells", "Composed", "Wanted", "compose"]


MEETS = ("never", "halves", "streams", "anywhere")
"""How reads and writes of a memory meet: in no job; never in the same half; in order, word after
word, on both sides; in any word."""

WAYS = ("two ports", "one port", "two banks", "double words", "registers")
"""What a memory is made of: macros with a port for reads and one for writes; macros with one port
as they are; one for each half, where reads and writes are never in the same half; one with half as
many words of twice the bits, where both go word after word, so that each needs every second cycle
only; flip-flops."""

_BEST_BANKS = 4
"""How many times more banks, or slices of a word, than needed are tried."""

_STORED, _MUX = 5.2, 3.0
"""Areas in two-input NANDs: of what holds and reads a bit beside its flip-flop, as measured by
mapping :class:`hw.stream.memory.Memory` to the project's cells (5.3) and those of SG13G2 (5.0); of
a two-to-one multiplexer, of which each further bank takes one for each bit."""


@dataclass(frozen=True)
class Cells:
    """Areas of standard cells, in the unit of the macros: the smallest flip-flop and NAND."""

    flip_flop: float
    nand: float


@dataclass(frozen=True)
class Wanted:
    """A memory of a design: its size, and how its reads and writes meet, one of :data:`MEETS`."""

    words: int
    bits: int
    meets: str = "anywhere"

    def __post_init__(self) -> None:
        choice("meets", self.meets, MEETS)


@dataclass(frozen=True)
class Composed:
    """What a memory is made of.

    Attributes
    ----------
    way : str
        One of :data:`WAYS`.
    macros, words, bits : int
        How many macros, and the size of each; 0 and the wanted size for registers.
    area : float
        Of all of it, in the unit of the macros.
    read_pj, write_pj : float or None
        Energy for a wanted word, in pJ; None where no figures are known, and for registers.
    leakage_nw : float or None
        Of all macros, in nW.
    """

    way: str
    macros: int
    words: int
    bits: int
    area: float
    read_pj: float | None
    write_pj: float | None
    leakage_nw: float | None

    def __str__(self) -> str:
        """``2 x 512x64, two banks``: what a memory compiler is asked for."""
        size = f"{self.words}x{self.bits}"
        return f"{size} registers" if not self.macros else f"{self.macros} x {size}, {self.way}"


def compose(wanted: Wanted, models: dict[int, Model], cells: Cells) -> Composed:
    """The way of least area to build a memory; the first of :data:`WAYS` of equal ones.

    Words are dealt out to banks, a power of two of them, of which an access moves one; bits to
    slices, of which it moves all. All macros of a memory have the same size, between the least and
    the most of the table: what is left over in the last bank and slice is not used.
    """
    return min(_options(wanted, models, cells), key=lambda found: (found.area,
                                                                  WAYS.index(found.way)))


def _options(wanted: Wanted, models: dict[int, Model], cells: Cells) -> Iterator[Composed]:
    words, bits = wanted.words, wanted.bits
    yield _registers(words, bits, cells)
    if 2 in models:
        yield _macros("two ports", words, bits, models[2], cells)
    if 1 not in models:
        return
    single = models[1]
    if wanted.meets == "never":
        yield _macros("one port", words, bits, single, cells)
    if wanted.meets == "halves":
        yield _macros("two banks", words, bits, single, cells, least_banks=2)
    if wanted.meets == "streams":
        yield _macros("double words", -(-words // 2), 2 * bits, single, cells, doubled=True)


def _registers(words: int, bits: int, cells: Cells) -> Composed:
    stored = words * bits * (cells.flip_flop + _STORED * cells.nand)
    return Composed("registers", 0, words, bits, stored + bits * cells.flip_flop, None, None, None)


def _macros(way: str, words: int, bits: int, model: Model, cells: Cells, *, least_banks: int = 1,
            doubled: bool = False) -> Composed:
    """Banks and slices of least area; of the same area, the fewest macros."""
    best: tuple[float, int, tuple[int, int, int, int]] = (inf, 0, (0, 0, 0, 0))
    for banks in _powers(-(-words // model.words[1]), least_banks):
        for slices in range(-(-bits // model.bits[1]), -(-bits // model.bits[1]) + _BEST_BANKS):
            depth = max(-(-words // banks), model.words[0])
            width = max(-(-bits // slices), model.bits[0])
            area = (banks * slices * model.area(depth, width)
                    + (banks - 1) * bits * _MUX * cells.nand)
            best = min(best, (area, banks * slices, (banks, slices, depth, width)))
    area, count, (_, slices, depth, width) = best
    if doubled:  # two words wait to be written as one, and one of two that were read
        area += 3 * bits // 2 * (cells.flip_flop + _MUX * cells.nand)
    share = slices / (2 if doubled else 1)
    read, write, leakage = (
        None if figure is None else factor * figure(depth, width)
        for figure, factor in ((model.read, share), (model.write, share), (model.leakage, count)))
    return Composed(way, count, depth, width, area, read, write, leakage)


def _powers(needed: int, least: int) -> Iterator[int]:
    """Powers of two from what is needed on."""
    banks = least
    while banks < needed:
        banks *= 2
    for _ in range(_BEST_BANKS - 1):
        yield banks
        banks *= 2
