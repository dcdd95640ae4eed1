"""Logic, memories and the whole of a design."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hw.config import Design
from synth.memories.buffers import Buffer, buffers
from synth.memories.compose import Composed
from synth.memories.technology import Sram


__all__ = ["Held", "Whole", "access_energy", "held", "whole"]


@dataclass(frozen=True)
class Held:
    """A kind of memory of a design, and what each of its copies is made of."""

    buffer: Buffer
    made: Composed

    @property
    def area(self) -> float:
        """Of all copies, in the unit of the standard cells."""
        return self.buffer.copies * self.made.area

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON: sizes and areas of all copies, energies of one access."""
        wanted, made = self.buffer.wanted, self.made
        leakage = made.leakage_nw
        return {"name": self.buffer.name, "words": wanted.words, "bits": wanted.bits,
                "copies": self.buffer.copies, "area": round(self.area, 2), "way": made.way,
                "macros": made.macros * self.buffer.copies, "macro_words": made.words,
                "macro_bits": made.bits, "read_energy": made.read_pj,
                "write_energy": made.write_pj,
                "leakage_nw": None if leakage is None else leakage * self.buffer.copies}


@dataclass(frozen=True)
class Whole:
    """Areas of a design, in the unit of the standard cells.

    Attributes
    ----------
    logic : float
        Mapped gates.
    memory : float or None
        Memories, 0 where there are none; None where nothing is known of them.
    held : tuple of Held
        What they are made of.
    reason : str
        Why ``memory`` is None; empty otherwise.
    """

    logic: float
    memory: float | None
    held: tuple[Held, ...] = ()
    reason: str = ""

    @property
    def whole(self) -> float | None:
        """Logic and memories."""
        return None if self.memory is None else round(self.logic + self.memory, 4)

    def as_dict(self) -> dict[str, Any]:
        """As it stands in JSON."""
        return {"logic": self.logic, "memory": self.memory, "whole": self.whole,
                "memory_reason": self.reason or None,
                "memories": [one.as_dict() for one in self.held]}


def held(name: str, design: Design, sram: Sram) -> tuple[Held, ...]:
    """Memories of a design, one of :data:`hw.config.DESIGNS`."""
    return tuple(Held(buffer, sram.compose(buffer.wanted)) for buffer in buffers(name, design))


def whole(name: str, design: Design, logic: float, sram: Sram | None, reason: str) -> Whole:
    """Areas of a design whose gates take ``logic``; ``reason`` is why there is no ``sram``."""
    if not buffers(name, design):
        return Whole(logic, 0.0)
    if sram is None:
        return Whole(logic, None, reason=reason)
    found = held(name, design, sram)
    return Whole(logic, round(sum(one.area for one in found), 4), found)


def access_energy(memories: Sequence[Held], accesses: Mapping[str, tuple[float, float]]
                  ) -> tuple[float, tuple[str, ...]]:
    """Energy of reads and writes, in the unit of the table of macros, pJ unless it is scaled.

    Parameters
    ----------
    memories : sequence of Held
        Of a design, see :func:`held`.
    accesses : mapping of str to tuple of float
        For names of :class:`synth.memories.buffers.Buffer`: words read, and words written, in all
        copies together.

    Returns
    -------
    tuple of float and tuple of str
        The sum, and the names of those accessed memories of which no energies are known: registers,
        whose energy is that of logic, and macros of a table without energies.

    Raises
    ------
    ValueError
        If a memory is accessed that the design does not have.
    """
    by_name = {one.buffer.name: one.made for one in memories}
    total, unknown = 0.0, []
    for name, (reads, writes) in accesses.items():
        if name not in by_name:
            raise ValueError(f"accesses must be to memories among {', '.join(by_name)}, not {name}")
        made = by_name[name]
        if made.read_pj is None or made.write_pj is None:
            unknown += [name] * bool(reads or writes)
        else:
            total += reads * made.read_pj + writes * made.write_pj
    return total, tuple(unknown)
