"""How much of what a stream reads or writes may wait."""

from typing import NamedTuple

from amaranth.utils import bits_for

from hw.config import Design
from hw.layouts import weight_words
from hw.registers import DESCRIPTOR_BYTES


__all__ = ["MUCH", "Room", "room", "run_bits", "waiting_blocks"]


MUCH = ("weight", "act")
"""Streams that read much."""

_FEW, _WRITTEN = 2, 4
"""Beats of the longest burst of what reads little, and of the results: queues of few words are
cheaper in registers than in any memory."""


class Room(NamedTuple):
    """Bursts of a stream that may wait, beats of the longest one, and runs that may wait."""

    bursts: int
    longest: int
    runs: int

    @property
    def words(self) -> int:
        """Words of all bursts."""
        return self.bursts * self.longest


def room(design: Design, name: str) -> Room:
    """Room for one of :data:`hw.layouts.STREAMS`.

    What reads much has as many bursts in flight as the bus allows, with a run each. Coefficients
    come all at once, before the first token. Everything else comes long before it is needed.
    """
    if name in MUCH:
        return Room(design.outstanding, design.burst_beats, 4)
    longest = {"coef": design.burst_beats, "result": _WRITTEN}.get(name, _FEW)
    return Room(2, min(longest, design.burst_beats), 1)


def run_bits(design: Design, name: str) -> int:
    """Bits of the number of elements in a run of one of :data:`hw.layouts.STREAMS`."""
    return {"act": bits_for(design.max_blocks), "weight": bits_for(design.max_blocks),
            "result": bits_for(design.largest_batch), "descriptor": bits_for(DESCRIPTOR_BYTES // 4)
            }.get(name, 32)


def waiting_blocks(design: Design) -> int:
    """Blocks of weights, of which only parts are read, that may wait.

    All of which there is room for the words, and those of short bursts in flight.
    """
    own = room(design, "weight")
    return own.words // weight_words(design) + 2 * own.bursts
