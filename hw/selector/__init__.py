"""Selectors: which ``n`` of the ``m`` scores of a block are kept."""

from amaranth.lib import wiring

from hw.config import SELECTORS, Pattern, check_flexible, choice, integer
from hw.selector.combinational import CombinationalSelector, ask
from hw.selector.network import NetworkSelector
from hw.selector.payload import Scored, Selected
from hw.selector.radix import RadixSelector
from hw.selector.rank import RankSelector
from hw.selector.serial import SerialStage
from hw.selector.stage import PipelinedRadixStage, RegisteredStage


__all__ = ["COMBINATIONAL", "CombinationalSelector", "NetworkSelector", "PipelinedRadixStage",
           "RadixSelector", "RankSelector", "RegisteredStage", "Scored", "Selected", "SerialStage",
           "ask", "make_select_stage", "make_selector"]


COMBINATIONAL: dict[str, type[CombinationalSelector]] = {
    "rank": RankSelector,
    "radix": RadixSelector,
    "network": NetworkSelector,
}
"""Component of each name in ``hw.config.SELECTORS`` that has a combinational form."""


def make_selector(name: str, pattern: Pattern, width: int,
                  flexible: str = "none") -> CombinationalSelector:
    """Build the combinational selector ``name`` for scores of ``width`` bits.

    Raises
    ------
    ValueError
        If there is none of that name, if it has no such flexibility, or if the pattern is dense
        and needs no selector.
    """
    component = COMBINATIONAL[choice("selector", name, tuple(COMBINATIONAL))]
    _check(name, pattern, flexible)
    return component(pattern, width=width, flexible=flexible)


def make_select_stage(name: str, block, pattern: Pattern, width: int, *, stages: int = 0,
                      flexible: str = "none") -> wiring.Component:
    """Build the selector ``name`` as a stage of a stream.

    The stage has ``i``, a stream of :class:`Scored`, ``o``, a stream of :class:`Selected`, and
    the attributes ``latency`` and ``interval``, in cycles.

    Parameters
    ----------
    name : str
        One of :data:`hw.config.SELECTORS`.
    block : ShapeLike
        What accompanies the scores of a block through the stage.
    pattern : Pattern
        How many scores to keep of how many.
    width : int
        Bits of a score.
    stages : int
        Registers of the pipeline of ``radix``, from 1 to ``width + 1``. With 0, all structures
        choose: one register behind a combinational selector.
    flexible : str
        What of the pattern comes along with each block, one of :data:`hw.config.FLEXIBLE`.

    Raises
    ------
    ValueError
        If the name is unknown, the structure has no such stages or flexibility, or the pattern is
        dense and needs no selector.
    """
    choice("selector", name, SELECTORS)
    _check(name, pattern, flexible)
    if name != "radix" and stages:
        raise ValueError(f"stages must be 0 with the selector {name}, not {stages!r}")
    integer("stages", stages, 0, width + 1)
    if name == "serial":
        return SerialStage(block, pattern, width=width, flexible=flexible)
    if name == "radix" and (stages or flexible != "none"):
        return PipelinedRadixStage(block, pattern, width=width, stages=stages or 1,
                                   flexible=flexible)
    return RegisteredStage(block, make_selector(name, pattern, width, flexible))


def _check(name: str, pattern: Pattern, flexible: str) -> None:
    if pattern.dense and flexible == "none":
        raise ValueError(f"pattern must have n < m to need a selector, not {str(pattern)!r}")
    check_flexible(name, pattern, flexible)
