"""The components that are mutated, each at a small design point."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from hw.config import Design, Pattern


if TYPE_CHECKING:
    from verify.mutate.checks import Check


__all__ = ["COMPONENTS", "Component"]


@dataclass(frozen=True)
class Component:
    """What is mutated.

    Attributes
    ----------
    name : str
        Of the component.
    top : str
        One of :data:`hw.config.DESIGNS`, or of :data:`verify.mutate.parts.PARTS`.
    design : Design
        The design point.
    modules : tuple of str
        Which modules of it are mutated, as patterns of their names; none for all.
    """

    name: str
    top: str
    design: Design
    modules: tuple[str, ...] = ()

    @property
    def proofs(self) -> tuple[str, ...]:
        """Ways to prove a mutant equivalent: within a large design, those of its module alone."""
        from verify.mutate.prove import PROOFS

        return tuple(PROOFS)[:1] if self.modules else tuple(PROOFS)

    def check(self) -> "Check":
        """What the project checks of it."""
        from verify.mutate import checks, part_checks

        held = checks if hasattr(checks, self.top) else part_checks
        made: Callable[[Design], Check] = getattr(held, self.top)
        return made(self.design)


_SMALL = Pattern(2, 4)
_compressor = partial(Design, _SMALL, max_k=12)

_SMALL_ACCELERATOR = partial(Design, _SMALL, rows=2, columns=2, tile=1, max_k=12, batch_tokens=4)

_ARRAY = ("*_array", "*_pe", "*_dot_product", "*_gather_*", "*_stage_*to*", "*_decoder*",
          "*_recoder", "*_result_*")

COMPONENTS = {component.name: component for component in (
    *(Component(f"selector-{name}", "selector", Design(_SMALL, selector=name))
      for name in ("rank", "radix", "network", "serial")),
    Component("selector-radix-pipelined", "selector", Design(_SMALL, selector="radix", stages=2)),
    Component("compressor", "compressor", _compressor()),
    Component("compressor-index-complement", "compressor", _compressor(
        encoding="index", complement=True)),
    Component("compressor-rank-fp8", "compressor", _compressor(encoding="rank", format="fp8_e4m3")),
    Component("decompressor", "decompressor", Design(_SMALL)),
    Component("decompressor-index", "decompressor", Design(_SMALL, encoding="index")),
    Component("decompressor-rank", "decompressor", Design(_SMALL, encoding="rank")),
    Component("array", "accelerator", _SMALL_ACCELERATOR(epilogue_lanes=0), _ARRAY),
    Component("lane", "lane", _SMALL_ACCELERATOR(
        epilogue_lanes=1, statistics=True, shift="mean")),
)}
"""By name."""
