"""Selectors: which ``n`` of the ``m`` scores of a block are kept."""

from amaranth.lib import wiring

from hw.config import Pattern, choice
from hw.selector.radix import RadixSelector
from hw.selector.rank import RankSelector


__all__ = ["SELECTORS", "RadixSelector", "RankSelector", "make_selector"]


SELECTORS: dict[str, type[wiring.Component]] = {
    "rank": RankSelector,
    "radix": RadixSelector,
}
"""Component of each name in ``hw.config.SELECTORS``."""


def make_selector(name: str, pattern: Pattern, width: int) -> wiring.Component:
    """Build the selector ``name`` for scores of ``width`` bits.

    Raises
    ------
    ValueError
        If the name is unknown, or the pattern is dense and needs no selector.
    """
    component = SELECTORS[choice("selector", name, tuple(SELECTORS))]
    if pattern.dense:
        raise ValueError(f"pattern must have n < m to need a selector, not {str(pattern)!r}")
    return component(pattern, width=width)
